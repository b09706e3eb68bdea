"""``airflow dags test market_maintenance`` on a real database and object store; people answer through Airflow's own API."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import time
from datetime import timedelta

import pytest

from candlewick.pipeline.maintenance.request import MaintenanceRequest, defaults
from candlewick.settings import Settings
from candlewick.warehouse.database import utc_now
from support.minute_path import ask

STEPS = ("archive", "expire", "retention", "care", "sweep", "backup")
ONLY_EXPIRE = {name: name == "expire" for name in STEPS}
ANSWER = """
import json, os
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app
client = TestClient(create_app(), base_url="http://localhost")
token = client.get("/auth/token").json()["access_token"]
answer = client.patch(
    "/api/v2/dags/market_maintenance/dagRuns/%s/taskInstances/approve/-1/hitlDetails",
    headers={"Authorization": "Bearer " + token}, json={"chosen_options": ["%s"], "params_input": {}},
)
print(json.dumps(answer.status_code))
"""
WAITING = "SELECT t.run_id, h.body FROM hitl_detail AS h JOIN task_instance AS t ON t.id = h.ti_id WHERE t.state = 'awaiting_input'"
TIME_OUT = """
import json
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
SchedulerJobRunner(Job()).check_awaiting_input_timeouts()
print(json.dumps("swept"))
"""
PARAMS = """
import json
from airflow.dag_processing.dagbag import DagBag
params = DagBag().dags["market_maintenance"].params
print(json.dumps({name: [param.value, param.schema] for name, param in params.items()}))
"""


class Asked:
    """A run that waits for a person, seen from outside."""

    def __init__(self, airflow, platform, params):
        self.airflow, self.platform = airflow, platform
        self.process = subprocess.Popen(
            ["airflow", "dags", "test", "market_maintenance", "--conf", json.dumps(params)],
            env=airflow.environment(**platform), cwd=airflow.home, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        until = time.monotonic() + 300
        while not (waiting := airflow.metadata(WAITING)):
            assert self.process.poll() is None, self.process.communicate()[0][-4000:]
            assert time.monotonic() < until
            time.sleep(0.5)
        ((self.run_id, self.body),) = waiting

    def answer(self, option):
        """Answer as a person does, through the API."""
        status = self.airflow.ask(
            ANSWER % (self.run_id.replace("+", "%2B"), option), AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True"
        )
        assert status == 200

    def let_the_time_pass(self):
        """Put the deadline into the past and let the scheduler look."""
        with sqlite3.connect(self.airflow.home / "airflow.db") as database:
            database.execute(
                "UPDATE task_instance SET trigger_timeout = '2020-01-01 00:00:00.000000' WHERE task_id = 'approve'"
            )
        assert self.airflow.ask(TIME_OUT) == "swept"

    def end(self):
        said = self.process.communicate(timeout=300)[0]
        print(said[-8000:])  # noqa: T201  # pytest shows it when the test fails
        return said


def bundle(warehouse, lake, days_old, answers):
    """A bundle in the archive whose sources are gone."""
    moment = utc_now() - timedelta(days=days_old)
    key = f"{moment:%Y-%m-%d}/BTCUSDT_klines_{answers}.tar.gz"
    lake.put(lake.config.archive_bucket, key, b"a bundle")
    ask(
        warehouse,
        "INSERT INTO archive_bundles (exchange, symbol, data_type, interval_code, date, bucket, object_key, object_count, "
        "source_bytes, bundle_bytes, sha256, state, run_id, archived_at) VALUES ('binance', 'BTCUSDT', 'klines', '1m', %s, %s, "
        "%s, %s, %s, 8, REPEAT('0', 64), 'settled', 'earlier', %s)",
        moment.date(), lake.config.archive_bucket, key, answers, answers * 100, moment,
    )  # fmt: skip


def bundles(warehouse):
    return [row[0] for row in ask(warehouse, "SELECT state FROM archive_bundles ORDER BY date")]


def kept(lake):
    return len(list(lake.keys(lake.config.archive_bucket)))


def held(warehouse):
    return [row[0] for row in ask(warehouse, "SELECT message FROM pipeline_events WHERE kind = 'maintenance_held'")]


@pytest.fixture
def too_much(warehouse, lake):
    """30 of 100 answers in the archive are old enough to go."""
    bundle(warehouse, lake, 40, 30)
    bundle(warehouse, lake, 10, 70)


@pytest.fixture
def asked(airflow, platform):
    """Start a run and wait until it asks."""
    runs = []

    def start(**params):
        runs.append(Asked(airflow, platform, {**ONLY_EXPIRE, **params}))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def test_below_the_guard_nobody_is_asked(airflow, platform, warehouse, lake):
    bundle(warehouse, lake, 40, 10)
    bundle(warehouse, lake, 10, 90)

    done = airflow.test_run("market_maintenance", "--conf", json.dumps(ONLY_EXPIRE), **platform)

    assert airflow.run_state() == "success", done.stdout[-4000:]
    states = {name: state for name, (state,) in airflow.states().items()}
    assert states == {
        "plan": "success", "ask": "success", "approve": "skipped", "consent": "success", "expire": "success",
        "archive": "skipped", "backup": "skipped", "retention": "skipped", "care": "skipped", "sweep": "skipped",
        "storage": "success", "verdict": "skipped",
    }  # fmt: skip
    assert (bundles(warehouse), kept(lake)) == (["expired", "settled"], 1)
    assert "switched off for this run" in done.stdout + done.stderr


@pytest.mark.usefixtures("too_much")
def test_an_approval_lets_the_plan_be_followed_and_the_ledger_says_who(asked, airflow, warehouse, lake):
    run = asked()
    assert "**30 objects**" in run.body
    assert (bundles(warehouse), kept(lake)) == (["settled", "settled"], 2)

    run.answer("Approve")
    run.end()

    assert airflow.run_state() == "success"
    assert (bundles(warehouse), kept(lake)) == (["expired", "settled"], 1)
    ((reason,),) = ask(warehouse, "SELECT reason FROM lifecycle_events WHERE action = 'approved'")
    assert "approved plan" in reason
    assert held(warehouse) == []


@pytest.mark.usefixtures("too_much")
def test_a_rejection_deletes_nothing_and_people_are_told_who(asked, airflow, warehouse, lake):
    run = asked()

    run.answer("Reject")
    run.end()

    states = airflow.states()
    assert (airflow.run_state(), states["expire"], states["storage"]) == ("success", ["skipped"], ["success"])
    assert (bundles(warehouse), kept(lake)) == (["settled", "settled"], 2)
    (message,) = held(warehouse)
    assert "rejected plan" in message


@pytest.mark.usefixtures("too_much")
def test_no_answer_in_time_deletes_nothing_and_the_run_ends_with_that_said(asked, airflow, warehouse, lake):
    run = asked()

    run.let_the_time_pass()
    run.end()

    assert (airflow.run_state(), airflow.states()["expire"]) == ("success", ["skipped"])
    assert (bundles(warehouse), kept(lake)) == (["settled", "settled"], 2)
    (message,) = held(warehouse)
    assert message.startswith("nothing is deleted: nobody answered within 24 h")


@pytest.mark.usefixtures("too_much")
def test_what_was_approved_is_not_deleted_when_more_is_due_by_then(asked, airflow, warehouse, lake):
    run = asked()
    bundle(warehouse, lake, 41, 5)

    run.answer("Approve")
    run.end()

    assert (airflow.run_state(), airflow.states()["expire"]) == ("success", ["skipped"])
    assert (set(bundles(warehouse)), kept(lake)) == ({"settled"}, 3)
    (message,) = held(warehouse)
    assert "made again the plan would delete 35 of 105 objects" in message


@pytest.mark.usefixtures("too_much")
def test_a_dry_run_shows_the_plan_that_the_run_asks_with_and_does_nothing(airflow, platform, warehouse, lake):
    done = airflow.test_run("market_maintenance", "--conf", json.dumps({"dry_run": True}), **platform)

    assert airflow.run_state() == "success", done.stdout[-4000:]
    states = {name: state for name, (state,) in airflow.states().items()}
    assert {name for name, state in states.items() if state == "success"} == {"plan", "ask", "consent"}
    assert re.search(r"30 objects +\| 100 +\| 30\.0%", done.stdout + done.stderr)
    assert (bundles(warehouse), kept(lake)) == (["settled", "settled"], 2)
    assert ask(warehouse, "SELECT * FROM lifecycle_events") == []


def test_nonsense_fails_in_the_plan_with_a_sentence_and_nothing_else_runs(airflow, platform, warehouse):
    airflow.test_run("market_maintenance", "--conf", '{"archive_after_days": 30, "archived_keep_days": 20}', **platform)

    assert airflow.run_state() == "failed"
    states = airflow.states()
    assert (states["plan"], states["expire"], states["storage"]) == (
        ["failed"], ["skipped"], ["skipped"],
    )  # fmt: skip
    ((message,),) = ask(warehouse, "SELECT message FROM pipeline_events WHERE kind = 'task_failed'")
    assert "expected archived_keep_days (20) above archive_after_days (30)" in message


def test_the_form_has_every_parameter_with_the_bounds_the_run_checks(airflow, with_manifest):
    assert with_manifest.is_file()
    form = airflow.ask(PARAMS)

    assert {name: value for name, (value, _) in form.items()} == defaults(Settings())
    bounds = {name: field.metadata for name, field in MaintenanceRequest.model_fields.items()}
    for name, (_, schema) in form.items():
        assert [schema["minimum"]] == [limit.ge for limit in bounds[name]] if "minimum" in schema else not bounds[name]
