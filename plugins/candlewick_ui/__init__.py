"""The pages and the API of Candlewick inside the Airflow web UI."""
