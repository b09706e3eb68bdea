"""Backfills on real servers and the simulated exchange: every road ends in the same facts, and nothing is asked twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.backfilling import Backfilling, WarmDbt
from support.minute_path import NOON
from support.places import DBT

NOW = NOON + timedelta(seconds=30)
TWO_DAYS = {"start": "2024-05-29", "end": "2024-05-30"}


@pytest.fixture(scope="module")
def warm_dbt(tmp_path_factory):
    made = WarmDbt(DBT, tmp_path_factory.mktemp("dbt"))
    yield made
    made.stop()


@pytest.fixture
def backfilling(market, lake, warehouse):
    return Backfilling(market, lake, warehouse, NOW)


@pytest.fixture
def merge(warm_dbt, database, config):
    """Merge into the facts what was not inserted directly."""
    return lambda *arguments: warm_dbt.run(database, config, "backfill", *arguments)


def test_archive_and_rest_end_in_identical_facts(backfilling, merge):
    merge()
    backfilling.run(**TWO_DAYS, source="archive")
    by_archive = backfilling.facts()
    backfilling.run(**TWO_DAYS, source="rest", symbols=["ETHUSDT"])
    backfilling.run(**TWO_DAYS, source="archive", symbols=["ETHUSDT"])
    before = backfilling.facts("ETHUSDT")
    merge()

    assert len(by_archive) == 2880
    assert before == backfilling.facts("ETHUSDT")
    assert {row[0] for row in backfilling.facts("ETHUSDT", columns="source")} == {"archive_daily"}
    assert backfilling.ask("SELECT * FROM kline_revisions") == []
