"""The launcher behind `make`: a private database, object store, exchange and Airflow on one machine, without Docker."""
