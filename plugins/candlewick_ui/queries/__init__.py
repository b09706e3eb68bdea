"""The SQL of the pages and the API, one file per subject; every statement is a constant, values are bound."""
