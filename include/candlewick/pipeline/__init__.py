"""The use cases, one module each. They take ports as arguments and import no Airflow."""
