"""The platform's DAGs as jobs: what there is, how it went, and what people change about it."""
