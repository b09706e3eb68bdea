"""The pages in the order both navigations have them, Airflow's and ours: where below the app's address, and what they are called.

It imports nothing: every component of Airflow reads it.
"""

PAGES = (
    ("market", "Market"),
    ("analytics", "Analytics"),
    ("data", "Data"),
    ("operations", "Operations"),
    ("settings", "Settings"),
    ("lineage", "Lineage"),
    ("dbt/", "dbt docs"),
    ("api/docs", "API"),
)
