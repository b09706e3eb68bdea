"""Operations and settings as pages: what they show, and to whom they offer which change."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from candlewick.settings import Settings
from candlewick.warehouse.database import utc_now
from candlewick_ui.database import Reader
from candlewick_ui.pages.text import NOTHING
from candlewick_ui.queries import backfills
from support.html_page import opened


@pytest.fixture
def no_other_backfills(platform_ui):
    """The page lists runs that ended before they had a plan: those other tests left would stand between ours."""
    client, runs = platform_ui.client(), "/api/v2/dags/market_backfill/dagRuns"
    left = client.get(runs, params={"limit": 100})
    assert left.status_code == 200, left.text
    assert left.json()["total_entries"] < 100
    for run in left.json()["dag_runs"]:
        answer = client.delete(f"{runs}/{run['dag_run_id']}")
        assert answer.status_code == 204, f"{run['dag_run_id']} {run['state']}: {answer.text}"


def changes(page) -> list[tuple[str, str]]:
    """The changes a page offers: method and path of its forms."""
    return [
        (str(one.attributes["data-method"]), str(one.attributes["data-path"]))
        for one in page.elements
        if "data-path" in one.attributes
    ]


JOBS = {
    "market_minute",
    "market_hourly",
    "market_gaps",
    "market_reconcile",
    "market_maintenance",
    "market_backfill",
    "market_rebuild",
}


def test_every_job_is_listed_with_its_schedule(platform_ui):
    rows = {
        row["Job"].split()[0]: row for row in opened(platform_ui, "operations").table("Jobs, their last and next runs")
    }
    assert rows.keys() == JOBS
    assert rows["market_minute"]["Schedule (UTC)"].startswith("* * * * *")
    assert rows["market_backfill"]["Schedule (UTC)"] == "on demand"


def test_a_viewer_sees_the_jobs_and_is_offered_no_change(platform_ui):
    for path in ("operations", "operations/market_gaps", "settings"):
        page = opened(platform_ui, path, user="viewer")
        assert changes(page) == []
    assert opened(platform_ui, "operations", user="viewer").table("Jobs, their last and next runs")


def test_an_admin_is_offered_what_the_api_can_do(platform_ui):
    offered = changes(opened(platform_ui, "operations"))
    assert ("PATCH", "/api/v1/jobs/market_minute") in offered
    assert ("POST", "/api/v1/jobs/market_gaps/runs") in offered
    assert ("POST", "/api/v1/jobs/market_backfill/runs") in offered
    one = changes(opened(platform_ui, "operations/market_gaps"))
    assert ("PUT", "/api/v1/jobs/market_gaps/schedule") in one


def test_every_change_a_page_offers_is_a_route_of_the_api(platform_ui):
    paths = platform_ui.get("api/openapi.json").json()["paths"]
    routes = {(method.upper(), tuple(path.split("/"))) for path, methods in paths.items() for method in methods}

    def is_route(method, path):
        words = path.split("/")
        return any(
            method == known
            and len(words) == len(parts)
            and all(part == word or part.startswith("{") for part, word in zip(parts, words, strict=True))
            for known, parts in routes
        )

    pages = ("operations", "operations/market_gaps", "operations/market_backfill", "settings")
    offered = {change for path in pages for change in changes(opened(platform_ui, path))}
    assert len(offered) > 10
    assert [change for change in sorted(offered) if not is_route(*change)] == []


def test_the_form_of_a_job_has_a_field_for_each_of_its_params(platform_ui):
    page = opened(platform_ui, "operations/market_backfill")
    names = {str(one.attributes["name"]) for one in page.elements if one.tag in ("input", "select", "textarea")}
    assert {"symbols", "interval", "start", "end", "source", "folder", "force", "keep"} <= names


def test_a_job_nobody_knows_is_refused_with_a_sentence(platform_ui):
    answer = platform_ui.get("operations/no_such_job")
    assert answer.status_code in (403, 404)
    assert "no_such_job" in answer.text


@pytest.mark.usefixtures("no_other_backfills")
def test_a_backfill_is_listed_with_what_it_brought(platform_ui):
    (row,) = opened(platform_ui, "operations").table("Newest backfills")
    (ledger,) = platform_ui.sql("SELECT SUM(row_count) AS n, COUNT(*) AS parts FROM {raw}.backfill_parts")
    assert row["State"] == "finished"
    assert row["Rows"] == f"{ledger['n']:,}"
    assert f"of {ledger['parts']} parts" in row["Progress"]
    assert row["Change"] == ""


def test_every_tracked_symbol_is_shown_with_what_the_exchange_says(platform_ui):
    rows = opened(platform_ui, "settings").table("Tracked symbols")
    known = platform_ui.sql("SELECT symbol, status FROM {raw}.tracked_symbols WHERE active = 1 ORDER BY symbol")
    assert [(row["Symbol"], row["Exchange says"]) for row in rows] == [(row["symbol"], row["status"]) for row in known]


def test_the_states_of_a_symbol_can_be_seen(platform_ui):
    page = opened(platform_ui, "settings", symbol="BTCUSDT")
    assert [row["The exchange said"] for row in page.table("What the exchange said, newest first")] == ["TRADING"]


def test_the_configuration_is_the_one_the_server_runs_with(platform_ui):
    page = opened(platform_ui, "settings")
    values = {
        row["Variable"]: row["Value"] for table in page.tables if "Variable" in table.headings for row in table.rows
    }
    assert values.keys() == {f"CANDLEWICK_{name.upper()}" for name in Settings.model_fields}
    assert values["CANDLEWICK_RAW_SCHEMA"] == f"{platform_ui.raw} changed"
    assert values["CANDLEWICK_SHARD_SIZE"] == "100"


@pytest.mark.parametrize("user", ["admin", "op", "user", "viewer"])
def test_no_secret_is_on_the_page(platform_ui, user):
    text = platform_ui.get("settings", user=user).text
    assert "throw-away" not in text
    for name in ("WAREHOUSE", "LAKE"):
        connection = json.loads(platform_ui.server.environment[f"AIRFLOW_CONN_{name}"])
        if connection["password"]:
            assert connection["password"] not in text


def test_connections_are_shown_to_those_airflow_shows_its_own(platform_ui):
    caption = "Endpoints and accounts; what may be a secret is masked"
    viewer, op = (opened(platform_ui, "settings", user=user) for user in ("viewer", "op"))
    assert caption not in [table.caption for table in viewer.tables]
    assert [text for text in viewer.texts("p", "notice") if text.startswith("Not shown")] == [
        "Not shown: it needs the right to see Airflow's connections."
    ]
    assert next(row for row in op.table(caption) if row["Connection"] == "lake")["Password"] == "•••"


@contextmanager
def a_running_backfill(platform_ui, run_id, requested_at):
    """A backfill of ten days: four are there, the last two since a minute, one failed, five are to come."""
    day = timedelta(days=1)
    first = datetime(2026, 1, 1)
    with platform_ui.database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {platform_ui.raw}.backfills (run_id, exchange, symbols, interval_code, from_time, to_time, source, "
            "is_forced, is_kept, state, requested_at, updated_at) "
            "VALUES (%s, 'binance', 'BTCUSDT', '1m', %s, %s, 'rest', 0, 1, 'running', %s, %s)",
            (run_id, first, first + 10 * day, requested_at, requested_at),
        )
        backfill_id = cursor.lastrowid
        for number in range(10):
            state = "done" if number < 4 else "failed" if number == 4 else "pending"
            ended = None if state == "pending" else requested_at + timedelta(minutes=3 * number)
            cursor.execute(
                f"INSERT INTO {platform_ui.raw}.backfill_parts (backfill_id, part_number, exchange, symbol, interval_code, method, "
                "from_time, to_time, state, object_count, row_count, payload_bytes, finished_at) "
                "VALUES (%s, %s, 'binance', 'BTCUSDT', '1m', 'rest', %s, %s, %s, 2, %s, 1000, %s)",
                (
                    backfill_id,
                    number,
                    first + number * day,
                    first + (number + 1) * day,
                    state,
                    1440 if state == "done" else 0,
                    ended,
                ),
            )
    try:
        yield backfill_id
    finally:
        with platform_ui.database.cursor() as cursor:
            for table in ("backfill_parts", "backfills"):
                cursor.execute(f"DELETE FROM {platform_ui.raw}.{table} WHERE backfill_id = %s", (backfill_id,))


def test_progress_pace_and_time_left_are_those_of_the_mart(platform_ui):
    now = utc_now().replace(microsecond=0)
    reader = Reader(lambda: _marts_connection(platform_ui), raw_schema=platform_ui.raw)
    with a_running_backfill(platform_ui, "manual__of_a_test", now - timedelta(minutes=14)) as backfill_id:
        (ours, *_) = backfills.newest(reader, 5, now=now).rows
        with platform_ui.database.cursor() as cursor:
            cursor.execute("SET timestamp = UNIX_TIMESTAMP(%s)", (f"{now:%Y-%m-%d %H:%M:%S}",))
            cursor.execute("SELECT * FROM backfill_progress WHERE backfill_id = %s", (backfill_id,))
            mart = cursor.fetchone()
            cursor.execute("SET timestamp = DEFAULT")
    reader.close()
    names = (
        "part_count",
        "finished_parts",
        "missing_parts",
        "failed_parts",
        "pending_parts",
        "rows_loaded",
        "payload_bytes",
        "eta_seconds",
    )
    assert {name: ours[name] for name in names} == {name: mart[name] for name in names}
    assert ours["rows_per_second"] == mart["rows_per_second"]
    assert ours["eta_seconds"] > 0


def _marts_connection(platform_ui):
    connection = platform_ui.warehouse.open()
    connection.select_db(platform_ui.marts)
    return connection


@pytest.mark.usefixtures("no_other_backfills")
def test_a_backfill_whose_run_was_ended_is_called_stopped(platform_ui):
    day = utc_now().date() - timedelta(days=1)
    client = platform_ui.client()
    conf = {"symbols": ["BTCUSDT"], "start": f"{day}", "end": f"{day}"}
    run = client.post("/candlewick/api/v1/jobs/market_backfill/runs", json={"conf": conf}).json()
    assert [text for text in opened(platform_ui, "operations").texts("div", "info") if run["run_id"] in text]
    with a_running_backfill(platform_ui, run["run_id"], utc_now() - timedelta(minutes=9)) as backfill_id:
        page = opened(platform_ui, "operations")
        row = page.table("Newest backfills")[0]
        assert (row["State"], row["Change"]) == ("running", "Stop")
        assert row["Left"] not in (NOTHING, "not known yet")
        assert not opened(platform_ui, "operations", user="viewer").table("Newest backfills")[0]["Change"]
        (path,) = {path for _, path in changes(page) if path.endswith("/cancel")}
        newer = [
            client.post("/candlewick/api/v1/jobs/market_backfill/runs", json={"conf": conf}).json()["run_id"]
            for _ in range(6)
        ]
        assert opened(platform_ui, "operations").table("Newest backfills")[0]["State"] == "running"
        for one in newer:
            client.post(f"/candlewick/api/v1/jobs/market_backfill/runs/{one}/cancel")
        assert client.post(f"/candlewick{path}").status_code == 200
        rows = opened(platform_ui, "operations").table("Newest backfills")
        never_planned = [row for row in rows if row["Progress"] == "Stopped by admin before it was planned."]
        assert len(never_planned) == 5
        row = next(row for row in rows if row not in never_planned)
        assert (row["State"], row["Change"], row["Left"]) == ("stopped", "", NOTHING)
        assert backfill_id


@contextmanager
def a_failed_run(platform_ui, message=None):
    """A run of market_backfill that failed before it had a plan, as Airflow and the alerts know it."""
    day = utc_now().date() - timedelta(days=1)
    conf = {"symbols": ["BTCUSDT", "ETHUSDT"], "start": f"{day}", "end": f"{day}"}
    client = platform_ui.client()
    run_id = client.post("/candlewick/api/v1/jobs/market_backfill/runs", json={"conf": conf}).json()["run_id"]
    ended = client.patch(f"/api/v2/dags/market_backfill/dagRuns/{run_id}", json={"state": "failed"})
    assert ended.status_code == 200, ended.text
    if message:
        platform_ui.sql(
            "INSERT INTO {raw}.pipeline_events (occurred_at, kind, severity, subject, message, dag_id, task_id, run_id) "
            "VALUES (UTC_TIMESTAMP(3), 'task_failed', 'error', 'market_backfill.plan', %s, 'market_backfill', 'plan', %s)",
            message, run_id,
        )  # fmt: skip
    try:
        yield run_id
    finally:
        platform_ui.sql("DELETE FROM {raw}.pipeline_events WHERE run_id = %s", run_id)
        assert client.delete(f"/api/v2/dags/market_backfill/dagRuns/{run_id}").status_code == 204


@pytest.mark.usefixtures("no_other_backfills")
def test_a_backfill_that_failed_before_it_had_a_plan_is_listed_with_the_reason(platform_ui):
    sentence = "expected symbols the exchange knows, got FOOBAR"
    with a_failed_run(platform_ui, f"AirflowFailException: {sentence}\nhttp://the.log") as run_id:
        page = opened(platform_ui, "operations")
        row = page.table("Newest backfills")[0]
        assert (row["State"], row["Progress"], row["Change"]) == ("failed", f"Not planned: {sentence}", "")
        assert row["What"].startswith("BTCUSDT, ETHUSDT 1m, ")
        assert any(quote(run_id, safe="") in link for link in page.attribute("a", "href"))
    with a_failed_run(platform_ui):
        row = opened(platform_ui, "operations").table("Newest backfills")[0]
        assert (row["State"], row["Progress"]) == ("failed", "Not planned; the log of its run says why.")
    assert "failed" not in [row["State"] for row in opened(platform_ui, "operations").table("Newest backfills")]


def test_a_run_somebody_ended_is_called_stopped_and_one_that_failed_is_not(platform_ui):
    client = platform_ui.client("op")
    with a_failed_run(platform_ui) as failed:
        path = "/candlewick/api/v1/jobs/market_reconcile/runs"
        ended = client.post(path, json={}).json()["run_id"]
        assert client.post(f"{path}/{ended}/cancel").json()["ended_by"] == "op"
        row = opened(platform_ui, "operations/market_reconcile").table("Runs of market_reconcile, newest first")[0]
        assert (row["Run"], row["State"]) == (ended, "stopped by op")
        row = opened(platform_ui, "operations/market_backfill").table("Runs of market_backfill, newest first")[0]
        assert (row["Run"], row["State"]) == (failed, "failed")
        jobs = opened(platform_ui, "operations").table("Jobs, their last and next runs")
        assert next(row for row in jobs if row["Job"].startswith("market_reconcile"))["Last runs"].startswith("stopped")
        known = platform_ui.get("api/v1/jobs/market_reconcile/runs").json()["data"][0]
        assert (known["state"], known["ended_by"]) == ("failed", "op")


def test_the_lifecycle_of_a_symbol_names_it_whatever_is_known(platform_ui):
    for symbol, heard in (("BTCUSDT", True), ("NOBODY", False)):
        page = opened(platform_ui, "settings", symbol=symbol)
        assert f"Lifecycle of {symbol}" in page.texts("h3")
        assert (f"Nothing was heard of {symbol} yet." in page.texts("p", "empty")) is not heard


@pytest.mark.parametrize(("path", "days_ago"), [("operations", 0), ("operations/market_reconcile", 1), ("settings", 0)])
def test_a_form_offers_the_days_its_job_takes(platform_ui, path, days_ago):
    fields = [one.attributes for one in opened(platform_ui, path).elements if one.attributes.get("type") == "date"]
    assert len(fields) == 2
    last = utc_now().date() - timedelta(days=days_ago)
    assert {(one["min"], one["max"]) for one in fields} == {("2017-07-01", f"{last}")}
