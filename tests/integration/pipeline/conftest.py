"""What tests of backfills share: a backfill without Airflow, and a dbt whose imports are done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.backfilling import Backfilling, WarmDbt
from support.minute_path import NOON
from support.places import DBT


@pytest.fixture(scope="session")
def warm_dbt(tmp_path_factory):
    made = WarmDbt(DBT, tmp_path_factory.mktemp("dbt"))
    yield made
    made.stop()


@pytest.fixture
def backfilling(market, lake, warehouse):
    return Backfilling(market, lake, warehouse, NOON + timedelta(seconds=30))


@pytest.fixture
def merge(warm_dbt, database, config):
    """Merge into the facts what was not inserted directly."""
    return lambda *arguments, lane="backfill": warm_dbt.run(database, config, lane, *arguments)
