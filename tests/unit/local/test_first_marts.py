"""The first runs of the marts are asked for once, however often and however far the platform was started before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from candlewick.local.first_marts import RUN_ID, start_first_marts


class Airflow:
    """What is asked of Airflow's API."""

    def __init__(self, *there):
        self.there, self.asked = set(there), {}

    def call(self, method, path):
        assert method == "GET"
        return {"total_entries": int(path.split("/")[2] in self.there)}

    def trigger(self, dag_id, run):
        assert (run["dag_run_id"], run["logical_date"]) == (RUN_ID, None)
        self.asked[dag_id] = datetime.fromisoformat(run["run_after"])


def start(airflow):
    current = SimpleNamespace(result="")
    start_first_marts(SimpleNamespace(airflow=airflow), current, timedelta(minutes=1))
    return current.result


def test_minutes_are_counted_before_the_marts_are_built_and_both_after_the_history():
    airflow = Airflow()
    before = datetime.now(UTC)
    told = start(airflow)

    assert list(airflow.asked) == ["market_gaps", "market_hourly"]
    assert airflow.asked["market_gaps"] >= before + timedelta(minutes=1)
    assert airflow.asked["market_hourly"] > airflow.asked["market_gaps"]
    assert RUN_ID in told


@pytest.mark.parametrize("there", ["market_gaps", "market_hourly"])
def test_a_start_that_ended_half_way_is_finished(there):
    airflow = Airflow(there)
    start(airflow)

    assert set(airflow.asked) == {"market_gaps", "market_hourly"} - {there}


def test_the_second_start_asks_for_nothing():
    airflow = Airflow("market_gaps", "market_hourly")

    assert start(airflow) == "were asked for before"
    assert airflow.asked == {}
