"""Jobs by the API: what Airflow's own database says of them, and what changes there."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager

import pytest

JOBS = [
    "market_backfill",
    "market_gaps",
    "market_hourly",
    "market_maintenance",
    "market_minute",
    "market_rebuild",
    "market_reconcile",
]


def audit(platform_ui, event):
    return platform_ui.server.metadata(
        "SELECT owner, dag_id, run_id, extra FROM log WHERE event = ? ORDER BY id DESC LIMIT 1", f"candlewick_{event}"
    )[0]


def variable(platform_ui):
    said = platform_ui.server.command("variables", "get", "candlewick_schedules")
    return json.loads(said.strip().splitlines()[-1])


@pytest.fixture
def schedules(platform_ui):
    """Whatever a test wished, the next one finds none."""
    yield platform_ui.client()
    for job in ("market_minute", "market_hourly"):
        platform_ui.client().put(f"/candlewick/api/v1/jobs/{job}/schedule", json={"cron": None})


def test_every_dag_of_the_platform_is_a_job_with_its_schedule(platform_ui):
    found = {job["dag_id"]: job for job in platform_ui.get("api/v1/jobs").json()["data"]}

    assert sorted(found) == JOBS
    minute, backfill = found["market_minute"], found["market_backfill"]
    assert minute["schedule"] == {"cron": "* * * * *", "default": "* * * * *", "is_changed": False, "problem": ""}
    assert minute["current_schedule"] == "* * * * *"
    assert minute["next_run_after"].endswith("Z")
    assert (backfill["schedule"]["cron"], backfill["current_schedule"], backfill["next_run_after"]) == (
        None,
        None,
        None,
    )
    assert (minute["may_trigger"], minute["may_edit"], minute["page"]) == (True, True, "/dags/market_minute")


def test_a_viewer_sees_the_jobs_and_that_nothing_may_be_changed(platform_ui):
    found = platform_ui.get("api/v1/jobs", user="viewer").json()["data"]

    assert [job["dag_id"] for job in found] == JOBS
    assert {(job["may_trigger"], job["may_edit"]) for job in found} == {(False, False)}


def test_one_job_tells_what_its_runs_can_be_given(platform_ui):
    params = platform_ui.get("api/v1/jobs/market_backfill").json()["params"]

    assert params["interval"]["value"] == "1m"
    assert params["symbols"]["schema"]["type"] == "array"
    assert platform_ui.get("api/v1/jobs/no_such_job").status_code == 404


def test_a_job_is_paused_and_goes_on_and_both_are_written_down(platform_ui):
    path = "/candlewick/api/v1/jobs/market_reconcile"
    paused = platform_ui.client("user").patch(path, json={"is_paused": True})
    state = "SELECT is_paused FROM dag WHERE dag_id = 'market_reconcile'"

    assert (paused.status_code, paused.json()["is_paused"], paused.json()["next_run_after"]) == (200, True, None)
    assert platform_ui.server.metadata(state) == [{"is_paused": 1}]
    assert audit(platform_ui, "pause_dag") | {"extra": ""} == {
        "owner": "user", "dag_id": "market_reconcile", "run_id": None, "extra": "",
    }  # fmt: skip
    assert json.loads(audit(platform_ui, "pause_dag")["extra"])["request_id"] == paused.headers["x-request-id"]
    platform_ui.client("user").patch(path, json={"is_paused": False})
    assert platform_ui.server.metadata(state) == [{"is_paused": 0}]
    assert audit(platform_ui, "unpause_dag")["dag_id"] == "market_reconcile"


def test_a_run_is_queued_with_its_params_and_cancelled(platform_ui):
    conf = {"symbols": ["ETHUSDT"], "start": "2024-01-01", "end": "2024-01-02"}
    path = "/candlewick/api/v1/jobs/market_backfill/runs"
    made = platform_ui.client().post(path, json={"conf": conf, "note": "for the report"})
    run_id = made.json()["run_id"]
    row = "SELECT state, run_type, triggering_user_name FROM dag_run WHERE run_id = ?"

    assert (made.status_code, made.json()["conf"]) == (201, conf)
    assert platform_ui.server.metadata(row, run_id) == [
        {"state": "queued", "run_type": "manual", "triggering_user_name": "admin"}
    ]
    assert json.loads(audit(platform_ui, "trigger_dag_run")["extra"])["conf"] == conf
    assert audit(platform_ui, "trigger_dag_run")["run_id"] == run_id
    assert platform_ui.get("api/v1/jobs/market_backfill/runs").json()["data"][0]["run_id"] == run_id
    cancelled = platform_ui.client().post(f"{path}/{run_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "failed")
    assert platform_ui.server.metadata(row, run_id)[0]["state"] == "failed"
    assert audit(platform_ui, "cancel_dag_run")["run_id"] == run_id
    assert platform_ui.client().post(f"{path}/{run_id}/cancel").status_code == 409
    assert platform_ui.client().post(f"{path}/nonsense/cancel").status_code == 404


def test_a_run_that_was_cleared_in_airflow_is_no_longer_called_ended_by_who_ended_it_before(platform_ui):
    path, client = "/candlewick/api/v1/jobs/market_reconcile/runs", platform_ui.client()
    run_id = client.post(path, json={}).json()["run_id"]
    of_airflow = f"/api/v2/dags/market_reconcile/dagRuns/{run_id}"

    def told():
        (run,) = (run for run in client.get(path).json()["data"] if run["run_id"] == run_id)
        return run["state"], run["ended_by"]

    assert client.post(f"{path}/{run_id}/cancel").status_code == 200
    assert told() == ("failed", "admin")
    cleared = client.post(f"{of_airflow}/clear", json={"dry_run": False})
    assert cleared.status_code == 200, cleared.text
    assert told() == ("queued", None)
    assert client.patch(of_airflow, json={"state": "failed"}).status_code == 200
    assert told() == ("failed", None)
    client.post(f"{of_airflow}/clear", json={"dry_run": False})
    assert platform_ui.client("op").post(f"{path}/{run_id}/cancel").status_code == 200
    assert told() == ("failed", "op")


@contextmanager
def import_errors(platform_ui, job):
    """A job whose file cannot be read, as Airflow notes it."""
    mark = "UPDATE dag SET has_import_errors = ? WHERE dag_id = ?"
    with closing(sqlite3.connect(platform_ui.server.home / "airflow.db", timeout=30)) as database:
        try:
            with database:
                database.execute(mark, (1, job))
            yield
        finally:
            with database:
                database.execute(mark, (0, job))


def test_a_job_that_cannot_be_triggered_says_so_before_anybody_is_asked_about_its_params(platform_ui):
    conf = {"symbols": ["FOOBAR"], "start": "2026-03-01", "end": "2026-03-01"}
    with import_errors(platform_ui, "market_backfill"):
        refused = platform_ui.client().post("/candlewick/api/v1/jobs/market_backfill/runs", json={"conf": conf})

    assert refused.status_code == 409, refused.text
    assert "market_backfill has import errors" in refused.json()["detail"]


def test_params_that_cannot_be_make_no_run_and_no_row_in_the_audit_log(platform_ui):
    count = "SELECT (SELECT COUNT(*) FROM dag_run) AS runs, (SELECT COUNT(*) FROM log WHERE event = 'candlewick_trigger_dag_run') AS rows"
    before = platform_ui.server.metadata(count)
    conf = {"symbols": ["ETHUSDT"], "start": "2024-02-30", "end": "2024-03-01"}
    refused = platform_ui.client().post("/candlewick/api/v1/jobs/market_backfill/runs", json={"conf": conf})

    assert refused.status_code == 422
    assert "expected start as a date or moment" in refused.json()["detail"]
    assert platform_ui.server.metadata(count) == before


def test_a_schedule_is_stored_where_dags_read_it_and_the_other_jobs_keep_theirs(platform_ui, schedules):
    first = schedules.put("/candlewick/api/v1/jobs/market_minute/schedule", json={"cron": "*/2 * * * *"})
    schedules.put("/candlewick/api/v1/jobs/market_hourly/schedule", json={"cron": "@hourly"})

    assert first.json() == {"cron": "*/2 * * * *", "default": "* * * * *", "is_changed": True, "problem": ""}
    assert variable(platform_ui) == {"market_minute": "*/2 * * * *", "market_hourly": "@hourly"}
    assert json.loads(audit(platform_ui, "change_schedule")["extra"])["cron"] == "@hourly"
    asked = platform_ui.server.metadata("SELECT relative_fileloc FROM dag_priority_parsing_request")
    assert {"relative_fileloc": "market_minute.py"} in asked
    assert platform_ui.server.parsed_schedule("market_minute") == "*/2 * * * *"
    back = schedules.put("/candlewick/api/v1/jobs/market_minute/schedule", json={"cron": None})
    assert (back.json()["cron"], back.json()["is_changed"]) == ("* * * * *", False)
    assert variable(platform_ui) == {"market_hourly": "@hourly"}


@pytest.mark.parametrize(
    ("job", "cron", "status"),
    [
        ("market_minute", "every minute", 422),
        ("market_minute", "* * * * * *", 422),
        ("market_minute", "61 * * * *", 422),
        ("market_minute", "0 0 31 2 *", 422),
        ("market_backfill", "* * * * *", 409),
        ("no_such_job", "* * * * *", 404),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_and_nothing_is_stored(platform_ui, job, cron, status):
    answer = platform_ui.client().put(f"/candlewick/api/v1/jobs/{job}/schedule", json={"cron": cron})
    stored = {one["dag_id"]: one for one in platform_ui.get("api/v1/jobs").json()["data"]}

    assert answer.status_code == status, answer.text
    assert stored["market_minute"]["schedule"]["is_changed"] is False


def test_a_backfill_tells_its_progress_and_its_parts(platform_ui):
    (row,) = platform_ui.sql("SELECT * FROM backfill_progress WHERE run_id = 'manual__history'")
    listed = platform_ui.get("api/v1/backfills").json()
    one = platform_ui.get("api/v1/backfills/manual__history").json()

    assert listed["data"][0] == one
    assert (one["state"], one["finished_parts"], one["part_count"]) == (
        "finished",
        row["finished_parts"],
        row["part_count"],
    )
    assert one["rows_loaded"] == row["rows_loaded"] > 3 * 1440
    assert one["eta_seconds"] is None


def test_parts_come_in_pages_that_together_are_all_of_them(platform_ui):
    wanted = platform_ui.sql("SELECT part_number, symbol, state, row_count FROM {raw}.backfill_parts ORDER BY 1")
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = platform_ui.get("api/v1/backfills/manual__history/parts", limit=2, **more).json()
        found += page["data"]
        cursor = page["next"]
        if cursor is None:
            break

    assert [{name: row[name] for name in wanted[0]} for row in found] == wanted
    assert platform_ui.get("api/v1/backfills/nobody/parts").status_code == 404


@pytest.mark.parametrize(
    ("job", "conf", "sentence"),
    [
        ("market_gaps", {"nope": 1}, "expected params of market_gaps among"),
        ("market_backfill", {"start": "2026-03-02", "end": "2026-03-01"}, "expected an end after the start"),
        ("market_backfill", {"start": "2999-01-01", "end": "2999-01-02"}, "expected a start in the past"),
        ("market_backfill", {"start": "2016-01-01", "end": "2016-01-02"}, "expected a start from 2017-07-01 on"),
        ("market_gaps", {"a": "\ud800"}, "expected whole characters"),
        (
            "market_gaps",
            {"full": "yes"},
            'full of market_gaps to be true or false, got "yes"; correct it, GET /jobs/market_gaps',
        ),
        (
            "market_gaps",
            {"symbols": ["btc usdt"]},
            'symbols[0] of market_gaps to be as "As the exchange writes them (BTCUSDT)',
        ),
        (
            "market_maintenance",
            {"retention_klines_by_symbol": {"BTCUSDT": -1}},
            "symbol.BTCUSDT of market_maintenance to be at least 0",
        ),
        ("market_reconcile", {"from": "yesterday"}, "expected from as a day like 2023-02-14, got 'yesterday'"),
        (
            "market_backfill",
            {"symbols": ["BTCUSDT", "BTCUSDT"], "start": "2026-03-01", "end": "2026-03-02"},
            "symbols of market_backfill to be a list that names nothing twice",
        ),
        (
            "market_backfill",
            {"interval": "7m", "start": "2026-03-01", "end": "2026-03-02"},
            "expected an interval of 1m, ",
        ),
        (
            "market_backfill",
            {"symbols": ["FOOBAR"], "start": "2026-03-01", "end": "2026-03-01"},
            "expected symbols the exchange knows, got FOOBAR",
        ),
        (
            "market_backfill",
            {"interval": ["1m"], "start": "2026-03-01", "end": "2026-03-01"},
            "expected an interval of 1m, ",
        ),
        (
            "market_backfill",
            {"source": {}, "start": "2026-03-01", "end": "2026-03-01"},
            "expected a source of auto, ",
        ),
        (
            "market_backfill",
            {"start": "2026-03-01", "end": "9999-12-31"},
            "expected end as a time the exchange can have",
        ),
        ("market_backfill", {"nope": 1}, "expected params of market_backfill among"),
        ("market_backfill", {"symbols": 5, "start": "2026-03-01", "end": "2026-03-01"}, "expected a list of symbols"),
        ("market_reconcile", {"symbols": ["BTCUSDT", "FOOBAR"]}, "expected symbols we have minutes of, got FOOBAR"),
        ("market_reconcile", {"from": "2026-03-02", "to": "2026-03-01"}, "expected to on or after from"),
        ("market_reconcile", {"symbols": 5}, "symbols of market_reconcile to be"),
        ("market_reconcile", {"symbols": [5]}, "symbols[0] of market_reconcile to be text"),
    ],
)
def test_a_run_that_could_only_fail_is_not_made(platform_ui, job, conf, sentence):
    path = f"/candlewick/api/v1/jobs/{job}/runs"
    before = platform_ui.get(path.removeprefix("/candlewick/")).json()
    body = json.dumps({"conf": conf})
    refused = platform_ui.client().post(path, content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, sentence in refused.json()["detail"]) == (422, True), refused.text
    assert platform_ui.get(path.removeprefix("/candlewick/")).json() == before


@pytest.mark.parametrize("source", ["archive", "files"])
def test_of_a_symbol_that_was_delisted_the_archive_may_be_asked(platform_ui, source):
    conf = {"symbols": ["OLDUSDT"], "start": "2026-03-01", "end": "2026-03-01", "source": source}
    conf |= {"folder": "old"} if source == "files" else {}
    path = "/candlewick/api/v1/jobs/market_backfill/runs"
    made = platform_ui.client().post(path, json={"conf": conf})
    assert made.status_code == 201, made.text
    assert platform_ui.client().post(f"{path}/{made.json()['run_id']}/cancel").status_code == 200
