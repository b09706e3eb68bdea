"""``airflow dags test market_backfill`` on a real database, object store and simulated exchange; dbt is a stand-in."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from candlewick.warehouse.database import utc_now
from support.fake_dbt import result
from support.minute_path import ask

PARAMS = """
import json
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError
params = DagBag().dags["market_backfill"].params
def refusal(given):
    for name, value in given.items():
        try:
            params.get_param(name).resolve(value)
        except ParamValidationError as error:
            return f"{name}: {error}".splitlines()[0]
    return ""
print(json.dumps([refusal(given) for given in json.loads('''%s''')]))
"""


def day(back: int) -> str:
    return f"{utc_now() - timedelta(days=back):%Y-%m-%d}"


def conf(**changed) -> tuple[str, str]:
    return "--conf", json.dumps({"symbols": ["BTCUSDT"], "start": day(3), "end": day(2), **changed})


@pytest.fixture
def today(market):
    """A backfill is planned by our own clock: the exchange's shows the same time."""
    market.set_clock(f"{utc_now():%Y-%m-%dT%H:%M:%S}Z")
    return market


def reasons(warehouse):
    return [row[0] for row in ask(warehouse, "SELECT message FROM pipeline_events WHERE kind = 'task_failed'")]


@pytest.mark.usefixtures("today")
def test_two_days_come_from_the_archive_and_the_run_says_so(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("hourly_klines", rows=48)])

    done = airflow.test_run("market_backfill", *conf(), **platform)

    assert airflow.run_state() == "success", done.stdout[-4000:]
    assert airflow.states() == {
        "plan": ["success"], "work": ["success"], "transform": ["success"], "report": ["success"], "verdict": ["skipped"],
    }  # fmt: skip
    assert (
        ask(warehouse, "SELECT method, state, row_count FROM backfill_parts") == [("archive_daily", "done", 1440)] * 2
    )
    assert ask(warehouse, "SELECT state, is_kept FROM backfills") == [("finished", 1)]
    assert dbt.call["argv"][:5] == ["run", "--selector", "minute", "--vars", "{lane: backfill}"]
    assert "2 of 2 parts, 2,880 rows" in done.stdout + done.stderr
    names = airflow.metadata("SELECT rendered_map_index FROM task_instance WHERE task_id = 'work' ORDER BY rowid DESC")
    assert names[0] == (f"BTCUSDT 1m {day(3)} … {day(2)}",)


@pytest.mark.usefixtures("today")
def test_what_no_schema_can_say_fails_in_the_plan_at_once(airflow, platform, warehouse):
    airflow.test_run("market_backfill", *conf(symbols=["NOSUCHUSDT"]), **platform)

    assert airflow.run_state() == "failed"
    assert airflow.states()["plan"] == ["failed"]
    assert airflow.states()["transform"] == ["upstream_failed"]
    assert "expected symbols the exchange knows, got NOSUCHUSDT" in reasons(warehouse)[0]
    tries = airflow.metadata("SELECT try_number FROM task_instance WHERE task_id = 'plan' ORDER BY rowid DESC LIMIT 1")
    assert tries == [(1,)]


@pytest.mark.usefixtures("today")
def test_a_part_that_failed_fails_the_run_with_a_sentence_and_what_came_is_built(airflow, platform, warehouse, market):
    market.add_faults({"kind": "bad_checksum", "path": day(3)})

    airflow.test_run("market_backfill", *conf(source="archive"), **platform)

    assert airflow.run_state() == "failed"
    assert airflow.states()["transform"] == ["success"]
    assert any("1 failed" in message for message in reasons(warehouse))
    assert ask(warehouse, "SELECT state FROM backfills") == [("incomplete",)]


@pytest.mark.usefixtures("today")
def test_what_is_loaded_is_built_although_the_lake_refuses_something_that_is_queued(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("hourly_klines", rows=48)])
    ask(
        warehouse,
        "INSERT INTO extraction_outcomes (exchange, symbol, data_type, interval_code, run_id, shard, status, source, "
        "captured_at, load_state, lane, bucket, object_key, payload_bytes) VALUES ('binance', 'BTCUSDT', 'klines', '1m', "
        "'killed', 's', 'stored', 'rest', '2024-01-01', 'pending', 'backfill', 'somebody-elses', 'x.json', 9)",
    )

    airflow.test_run("market_backfill", *conf(), **platform)

    assert airflow.states()["transform"] == ["failed"]
    assert any("objects could not be read and stay queued" in message for message in reasons(warehouse))
    assert dbt.call["argv"][:3] == ["run", "--selector", "minute"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": ["btcusdt"]}, "symbols"),
        ({"symbols": ["BTCUSDT", "BTCUSDT"]}, "symbols"),
        ({"symbols": "BTCUSDT"}, "symbols"),
        ({"interval": "3m"}, "interval"),
        ({"start": "2024-02-30"}, "start"),
        ({"start": None}, "start"),
        ({"end": "yesterday"}, "end"),
        ({"source": "ftp"}, "source"),
        ({"force": "perhaps"}, "force"),
        ({"folder": 7}, "folder"),
    ],
)
def test_the_form_refuses_nonsense_before_anything_runs(refusals, given, said):
    assert refusals[json.dumps(given)].startswith(f"{said}:")


@pytest.fixture(scope="module")
def refusals(airflow, with_manifest, request):
    assert with_manifest.is_file()
    marks = test_the_form_refuses_nonsense_before_anything_runs.pytestmark
    given = [case[0] for mark in marks for case in mark.args[1]]
    said = airflow.ask(PARAMS % json.dumps(given))
    return {json.dumps(one): sentence for one, sentence in zip(given, said, strict=True)}


def test_the_command_line_refuses_it_too(airflow, platform):
    done = airflow.test_run("market_backfill", *conf(interval="3m"), **platform)

    assert done.returncode != 0
    assert "'3m' is not one of" in done.stdout + done.stderr
