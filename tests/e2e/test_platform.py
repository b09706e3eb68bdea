"""A whole platform, started as `make demo` does: real Airflow, real database, real object store, simulated exchange."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import requests

from candlewick_ui.navigation import PAGES
from support.launching import as_make_calls, last_words, launcher, own_environment, shell, shell_lines, sql
from support.person import person
from support.ports import wait_until

pytestmark = pytest.mark.e2e

RUN_SECONDS = 600
HANGS_SECONDS = 900


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A home and ports of this test's own; nothing set outside reaches the platform."""
    return own_environment(
        tmp_path_factory.mktemp("home"),
        CANDLEWICK_MINUTE_DEADLINE_MINUTES="1",
        # So that a run can hang: by default five time-outs of 15 s rest the exchange's host, and the run is over in time.
        CANDLEWICK_READ_TIMEOUT_SECONDS=str(HANGS_SECONDS),
        CANDLEWICK_ANSWER_TIMEOUT_SECONDS=str(HANGS_SECONDS),
    )


@pytest.fixture(scope="module")
def demo(environment):
    """A running demo platform; its first start's output."""
    done = launcher(environment, "demo")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield done
    finally:
        launcher(environment, "down")


def ours(environment):
    """Every process of this platform, however deep: they all carry its home folder in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("CANDLEWICK_HOME") == environment["CANDLEWICK_HOME"]
                and process.pid != os.getpid()
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def demand_success(environment, dag_id, run_id):
    """Wait for the end of a DAG run, which has to be a success."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        printed = shell(environment, f"airflow dags list-runs {dag_id} -o json").splitlines()
        runs = json.loads(next(line for line in printed if line.startswith("[{")))  # beside Airflow's own warnings
        state = next(run["state"] for run in runs if run["run_id"] == run_id)
        if state in ("success", "failed"):
            assert state == "success", last_words(Path(environment["CANDLEWICK_HOME"]), dag_id, run_id)
            return
        time.sleep(1)
    raise TimeoutError(f"{dag_id} {run_id} did not end within {RUN_SECONDS} s")


def test_the_demo_prints_what_landed_the_address_and_the_login(demo, environment):
    assert "BTCUSDT" in demo.stdout
    assert f"http://127.0.0.1:{environment['CANDLEWICK_AIRFLOW_PORT']}" in demo.stdout
    assert "admin" in demo.stdout


def test_every_printed_address_answers(demo, environment):
    pages = re.findall(r"^(?:Airflow|API|Exchange|S3) +(http\S+)", demo.stdout, re.MULTILINE)
    assert len(pages) == 4
    for page in pages:
        assert requests.get(page, timeout=10).status_code < 500, page
    assert f"Database   127.0.0.1:{environment['CANDLEWICK_DATABASE_PORT']}" in demo.stdout


def test_facts_and_hours_equal_the_exchange_through_the_real_scheduler(demo, environment):
    rows = sql(
        environment,
        "SELECT FLOOR(UNIX_TIMESTAMP(open_time) * 1000), open_price, high_price, low_price, close_price, volume "
        "FROM candlewick.fact_klines WHERE symbol = 'ETHUSDT' AND interval_code = '1m' AND is_final = 1 ORDER BY open_time",
    )
    url = f"http://127.0.0.1:{environment['CANDLEWICK_EXCHANGE_PORT']}/api/v3/klines"
    asked = {"symbol": "ETHUSDT", "interval": "1m", "startTime": rows[0][0], "endTime": rows[-1][0], "limit": 1000}
    official = requests.get(url, params=asked, timeout=10).json()

    assert len(rows) >= 99
    assert [[int(float(row[0])), *row[1:]] for row in rows] == [[row[0], *row[1:6]] for row in official]


def test_a_second_demo_leaves_every_service_as_it_is(demo, environment):
    records = Path(environment["CANDLEWICK_HOME"]) / "run"
    before = {path.name: path.read_text() for path in records.glob("*.json")}
    again = launcher(environment, "demo")

    assert again.returncode == 0, again.stdout + again.stderr
    assert {path.name: path.read_text() for path in records.glob("*.json")} == before


def test_the_status_tells_how_the_data_is(demo, environment):
    done = launcher(environment, "status")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Data" in done.stdout


def listens_on(process):
    try:
        connections = process.net_connections(kind="inet")
    except psutil.NoSuchProcess:  # that of a task, which has ended since
        return set()
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def test_everything_listens_on_loopback_only(demo, environment):
    assert set().union(*map(listens_on, ours(environment))) == {"127.0.0.1"}


def test_the_web_interface_asks_who_you_are(demo, environment):
    base = f"http://127.0.0.1:{environment['CANDLEWICK_AIRFLOW_PORT']}"

    assert requests.get(f"{base}/api/v2/dags", timeout=10).status_code == 401


def test_the_hourly_path_builds_every_mart_and_the_docs(demo, environment):
    assert "first_marts" in demo.stdout
    demand_success(environment, "market_hourly", "first_marts")
    assert len(sql(environment, "SELECT symbol FROM candlewick.pipeline_status")) == 6
    assert int(sql(environment, "SELECT COUNT(*) FROM candlewick.ingestion_log")[0][0]) >= 6
    assert (Path(environment["CANDLEWICK_HOME"]) / "dbt" / "docs" / "index.html").is_file()


def test_every_page_is_reached_from_airflows_navigation(demo, environment):
    user, password = re.search(r"\((admin) / (\S+),", demo.stdout).groups()
    with person() as somebody:
        somebody.log_in(f"http://127.0.0.1:{environment['CANDLEWICK_AIRFLOW_PORT']}/", user, password)
        assert [somebody.go_to(name) for _, name in PAGES] == [name for _, name in PAGES]
        assert somebody.complaints == []


def test_the_first_history_of_the_demo_and_two_days_on_demand_end_green_and_are_there(demo, environment):
    days = [f"{datetime.now(UTC) - timedelta(days=back):%Y-%m-%d}" for back in (6, 5)]
    asked = json.dumps({"symbols": ["ETHUSDT"], "start": days[0], "end": days[1]})
    shell(environment, f"airflow dags trigger market_backfill --run-id e2e --conf '{asked}'")

    assert "first_history" in demo.stdout
    demand_success(environment, "market_backfill", "first_history")
    demand_success(environment, "market_backfill", "e2e")
    states = sql(environment, "SELECT run_id, state FROM candlewick_raw.backfills ORDER BY run_id")
    assert states == [["e2e", "finished"], ["first_history", "finished"]]
    begun = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"
    whole = sql(
        environment,
        "SELECT COUNT(*) > 4320, COUNT(*) = TIMESTAMPDIFF(MINUTE, MIN(open_time), MAX(open_time)) + 1 "
        f"FROM candlewick.fact_klines WHERE symbol = 'BTCUSDT' AND interval_code = '1m' AND open_time >= '{begun}'",
    )
    assert whole == [["1", "1"]]  # up to now, without a hole between the history and the first candles
    facts = sql(
        environment,
        "SELECT DATE(open_time), COUNT(*), MIN(source), MIN(is_final) FROM candlewick.fact_klines "
        f"WHERE symbol = 'ETHUSDT' AND interval_code = '1m' AND DATE(open_time) IN ('{days[0]}', '{days[1]}') GROUP BY 1",
    )
    assert facts == [[day, "1440", "archive_daily", "1"] for day in days]
    hours = sql(
        environment,
        f"SELECT COUNT(*) FROM candlewick.hourly_klines WHERE DATE(hour_start) = '{days[0]}' AND symbol = 'ETHUSDT'",
    )
    assert hours == [["24"]]


def test_nonsense_is_refused_by_the_api_before_a_run_is_made(demo, environment):
    conf = json.dumps({"symbols": ["ETHUSDT"], "start": "2024-02-30", "end": "2024-03-01"})
    refused = launcher(environment, "shell", "-c", f"airflow dags trigger market_backfill --conf '{conf}'")

    assert refused.returncode != 0
    assert "'2024-02-30' is not a 'date'" in refused.stdout + refused.stderr


def test_a_symbol_added_while_running_comes_with_the_next_cycles(demo, environment):
    shell(environment, "python -m candlewick.pipeline.symbols add SOLUSDT")
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        if int(sql(environment, "SELECT COUNT(*) FROM candlewick.fact_klines WHERE symbol = 'SOLUSDT'")[0][0]) >= 100:
            return
        time.sleep(2)
    pytest.fail(f"no candles of SOLUSDT within {RUN_SECONDS} s")


@pytest.mark.parametrize("line", shell_lines("README.md"))
def test_what_the_readme_tells_to_type_works(demo, environment, tmp_path, line):
    assert len(shell_lines("README.md")) >= 7
    done = launcher(environment, *as_make_calls(line, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_a_run_that_hangs_is_announced_and_going_down_with_it_leaves_no_process(demo, environment):
    control = f"http://127.0.0.1:{environment['CANDLEWICK_EXCHANGE_PORT']}/_control"
    shell(environment, "airflow variables delete candlewick_schedules || true")  # README's example: every two minutes
    slow = [{"kind": "slow", "path": "klines", "seconds": HANGS_SECONDS}]
    requests.post(f"{control}/faults", json=slow, timeout=10).raise_for_status()
    wait_until(
        lambda: any(fault["struck"] for fault in requests.get(f"{control}/state", timeout=10).json()["faults"]),
        "an extract task asking the slow exchange",
        seconds=RUN_SECONDS,
    )
    told = "SELECT message FROM candlewick_raw.pipeline_events WHERE kind = 'deadline_missed' AND subject = 'market_minute'"
    wait_until(
        lambda: any("its state: running" in row[0] for row in sql(environment, told)),
        "the triggerer's word that the run is not done a minute after it was queued",
        seconds=HANGS_SECONDS,
    )
    done = launcher(environment, "down")

    assert done.returncode == 0, done.stdout + done.stderr
    assert [process.cmdline() for process in ours(environment)] == []
    assert launcher(environment, "status").returncode != 0
