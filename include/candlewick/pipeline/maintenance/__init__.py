"""Data ages: archive, expire, retention, care, sweep; the plan, its guard, and what a person asks a run for.

Each step can be killed anywhere; the same call again finishes it. Nothing here knows of Airflow.
"""
