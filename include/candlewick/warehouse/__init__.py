"""The warehouse as Airflow writes it: schema, bulk load and ledgers. What dbt builds on top lives in dbt_project."""
