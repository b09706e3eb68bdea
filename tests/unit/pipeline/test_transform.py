"""One dbt process: its words, its results, its errors by kind, and its end."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from candlewick.pipeline.transform import TransformBusy, TransformFailed, run_dbt
from candlewick.settings import Settings
from support.fake_dbt import FakeDbt, result
from support.ports import wait_until

MINUTE = ["run", "--selector", "minute"]
DEADLOCK = "Database Error in model a\n  1213 (40001): Deadlock found when trying to get lock"
UNKNOWN_COLUMN = "Database Error in model b\n  1054 (42S22): Unknown column 'x'"

# A process that runs dbt as a task does, so that it can be killed in the test's place.
TASK = """
import signal, sys
from pathlib import Path
from candlewick.pipeline import transform
from candlewick.settings import Settings
transform.STOP_GRACE_SECONDS = 0.2
if sys.argv[3] == "with a time-out":
    def ring(*_): raise TimeoutError("execution timeout")
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[4]))
transform.run_dbt(["run"], {}, name="minute", config=Settings(home=Path(sys.argv[1]), dbt_executable=Path(sys.argv[2])))
"""


@pytest.fixture
def dbt(tmp_path):
    return FakeDbt(tmp_path / "dbt-command")


@pytest.fixture
def config(tmp_path, dbt):
    return Settings(home=tmp_path / "home", dbt_executable=dbt.executable, dbt_project_dir=tmp_path / "project")


@pytest.fixture
def task(tmp_path, dbt):
    started = []

    def start(*words):
        include = Path(__file__).resolve().parents[3] / "include"
        process = subprocess.Popen(
            [sys.executable, "-c", TASK, str(tmp_path / "home"), str(dbt.executable), *(words or ("plainly",))],
            env={**os.environ, "PYTHONPATH": str(include)},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        wait_until(lambda: dbt.ready, "dbt running")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def is_gone(pid):
    """Tell whether no such process runs (one that nobody has waited for yet does not run)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_results_become_a_summary(dbt, config):
    dbt.will(results=[result("fact_klines", rows=120), result("hourly_klines", rows=3), result("stg_klines")])

    summary = run_dbt(MINUTE, {}, name="minute", config=config)

    assert [(node.name, node.status, node.rows) for node in summary.nodes] == [
        ("fact_klines", "success", 120),
        ("hourly_klines", "success", 3),
        ("stg_klines", "success", None),
    ]
    assert summary.sentence == "3 nodes, 123 rows, 1.5 s of work"


def test_a_warning_is_no_failure_and_is_named(dbt, config):
    dbt.will(results=[result("quality_price_jump"), result("no_violations", "warn", "Got 2 results")])
    summary = run_dbt(["build"], {}, name="warned", config=config)
    assert summary.sentence == "2 nodes, 0 rows, 1.0 s of work; warnings: no_violations (Got 2 results)"


def test_every_line_reaches_the_log(dbt, config, caplog):
    caplog.set_level(logging.INFO)
    dbt.will(lines=["1 of 2 START", "1 of 2 OK"], results=[])

    run_dbt(MINUTE, {}, name="minute", config=config)

    assert [line for line in caplog.messages if line.startswith("1 of 2")] == ["1 of 2 START", "1 of 2 OK"]


def test_each_invocation_has_its_own_target_and_log_folder(dbt, config):
    for name in ("minute", "docs-target"):
        run_dbt(["run"], {}, name=name, config=config)
        argv = dbt.call["argv"]
        assert argv[argv.index("--target-path") + 1] == str(config.home / "dbt" / name / "target")
        assert argv[argv.index("--log-path") + 1] == str(config.home / "dbt" / name / "logs")


def test_dbt_runs_in_the_invocations_folder_whatever_the_current_one_is(dbt, config, monkeypatch):
    # dbt makes dbt_packages/ where it is started; a container's current folder is read-only.
    monkeypatch.chdir("/proc")
    run_dbt(["run"], {}, name="minute", config=config)
    assert dbt.call["cwd"] == str(config.home / "dbt" / "minute")


def test_credentials_are_in_the_environment_and_never_on_the_command_line(dbt, config):
    run_dbt(["run"], {"CANDLEWICK_DBT_PASSWORD": "s3cret"}, name="minute", config=config)

    assert dbt.call["environment"]["CANDLEWICK_DBT_PASSWORD"] == "s3cret"
    assert "s3cret" not in json.dumps(dbt.call["argv"])


def test_secrets_of_airflow_are_kept_from_dbt(dbt, config, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", "aws://key:secret@")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    run_dbt(["run"], {}, name="minute", config=config)

    assert not {"AIRFLOW_CONN_LAKE", "PYTHONPATH"} & dbt.call["environment"].keys()


def test_a_failing_model_is_told_in_dbts_own_sentences(dbt, config):
    dbt.will(results=[result("a"), result("b", "error", UNKNOWN_COLUMN)], code=1)

    with pytest.raises(
        TransformFailed, match=r"dbt run --selector minute ended with code 1:\nb: .*1054.*Unknown column"
    ):
        run_dbt(MINUTE, {}, name="minute", config=config)


@pytest.mark.parametrize(
    "message",
    [
        DEADLOCK,
        "1205 (HY000): Lock wait timeout exceeded; try restarting transaction",
        "2006 (HY000): MySQL server has gone away",
        "2013: Lost connection to MySQL server during query",
        "expected the writer lock candlewick.fact_klines within 60 s, but another session writes this table",
        "expected the writer lock candlewick.fact_klines while there was no such table, but another process has built it",
    ],
)
def test_locks_deadlocks_and_lost_servers_can_be_tried_again(dbt, config, message):
    dbt.will(results=[result("a", "error", message)], code=1)

    with pytest.raises(TransformBusy):
        run_dbt(MINUTE, {}, name="minute", config=config)


def test_one_lasting_error_among_passing_ones_is_lasting(dbt, config):
    dbt.will(results=[result("a", "error", DEADLOCK), result("b", "error", UNKNOWN_COLUMN)], code=1)

    with pytest.raises(TransformFailed):
        run_dbt(MINUTE, {}, name="minute", config=config)


def test_a_dbt_that_ends_before_its_first_model_is_told_by_its_lines_not_by_old_results(dbt, config):
    dbt.will(results=[result("old", "error", DEADLOCK)], code=1)
    with pytest.raises(TransformBusy):
        run_dbt(MINUTE, {}, name="minute", config=config)

    dbt.will(
        lines=["12:00:00  Running with dbt=1.7.20", "12:00:01  Encountered an error:", "No dbt_project.yml"], code=2
    )
    with pytest.raises(TransformFailed) as failure:
        run_dbt(MINUTE, {}, name="minute", config=config)

    assert (
        str(failure.value) == "dbt run --selector minute ended with code 2:\nEncountered an error:\nNo dbt_project.yml"
    )


def test_a_second_dbt_in_the_same_target_is_refused(dbt, config, task):
    dbt.will(stay=True)
    task()

    with pytest.raises(TransformBusy, match="only dbt in"):
        run_dbt(["run"], {}, name="minute", config=config)


def test_a_killed_task_takes_its_dbt_with_it(dbt, task):
    dbt.will(stay=True, ignore_term=True)
    process = task()

    process.send_signal(signal.SIGKILL)

    wait_until(lambda: is_gone(dbt.call["pid"]), "dbt gone with its task")


def test_a_task_that_is_told_to_stop_stops_its_dbt_first(dbt, task):
    dbt.will(stay=True)
    process = task()

    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=20)

    assert "TransformBusy: dbt was stopped because its task was told to stop" in words
    assert is_gone(dbt.call["pid"])


def test_a_dbt_deaf_to_sigterm_is_killed_after_the_grace_time(dbt, task):
    dbt.will(stay=True, ignore_term=True)
    process = task()

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    assert is_gone(dbt.call["pid"])


def test_a_timeout_of_the_task_stops_dbt(dbt, task):
    dbt.will(stay=True)
    process = task("with a time-out", "1")

    _, words = process.communicate(timeout=20)

    assert "TimeoutError: execution timeout" in words
    assert is_gone(dbt.call["pid"])
