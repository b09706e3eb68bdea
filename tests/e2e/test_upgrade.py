"""A platform at the schema of before is upgraded, taken back and upgraded again; its launcher is killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from candlewick.warehouse import schema
from support.launching import as_make_calls, command, launcher, own_environment, shell, shell_lines, sql
from support.ports import wait_until

pytestmark = pytest.mark.e2e

HEAD, BEFORE = schema.revisions()[-1], schema.revisions()[-2]
GO_BACK = f"""
from candlewick.local.database import writer
from candlewick.local.platform import Platform, base_environment
from candlewick.local.progress import Step
from candlewick.warehouse import schema
platform = Platform.create(None, base_environment())
platform.start_warehouse(Step("warehouse", print))
print(schema.downgrade(writer(platform.wiring, platform.settings), "{BEFORE}"))
"""
NEXT_CANDLE_SECONDS = 300
PAUSED = ["market_gaps", "market_hourly"]  # by a person: they stay so
UPGRADE = ("upgrade", "--changed", "--no-backup", "--wait", "3")


@pytest.fixture
def environment(tmp_path):
    """A demo at the schema of before, stopped."""
    made = own_environment(tmp_path / "home")
    try:
        done = launcher(made, "demo")
        assert done.returncode == 0, done.stdout + done.stderr
        for dag_id in PAUSED:
            shell(made, f"airflow dags pause {dag_id} --yes")
        assert launcher(made, "down").returncode == 0
        subprocess.run([sys.executable, "-c", GO_BACK], env=made, check=True)
        yield made
    finally:
        launcher(made, "down")


def notes(environment):
    found = sorted((Path(environment["CANDLEWICK_HOME"]) / "upgrades").glob("*.json"))
    return [json.loads(path.read_text()) for path in found]


def paused(environment):
    printed = shell(environment, "airflow dags list -o json").splitlines()
    dags = json.loads(next(line for line in printed if line.startswith("[{")))
    return [dag["dag_id"] for dag in dags if str(dag["is_paused"]) == "True"]


def facts(environment):
    return sql(environment, "SELECT symbol, open_time, close_price, load_id, created_at FROM candlewick.fact_klines "
                            "WHERE is_final = 1 ORDER BY load_id, symbol, open_time")  # fmt: skip


def upgraded(environment, before):
    """It runs at the newest revision, with fresh data, and with every candle of before."""
    done = launcher(environment, *UPGRADE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"schema at revision {HEAD}" in shell(environment, "python -m candlewick.warehouse.schema current")
    assert launcher(environment, "status").returncode == 0
    assert paused(environment) == PAUSED
    now = facts(environment)
    assert [row for row in before if row not in now] == []
    return now


def test_a_platform_is_upgraded_taken_back_and_upgraded_again_and_the_page_is_right(environment, tmp_path):
    killed = subprocess.Popen(command(*UPGRADE), env=environment, stdout=subprocess.PIPE, text=True)
    for line in killed.stdout:
        if "Schema" in line and "✓" in line:
            killed.kill()
            break
    killed.wait()
    before = facts(environment)
    refused = launcher(environment, "demo")
    assert refused.returncode == 1
    assert "finish it with make upgrade, or take it back with make rollback" in refused.stderr

    candles = upgraded(environment, before)
    assert [(note["schema_before"], note["state"]) for note in notes(environment)] == [(BEFORE, "finished")]

    back = launcher(environment, "rollback", "--wait", "3")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "is taken back. Now: git checkout" in back.stdout
    assert notes(environment)[0]["state"] == "taken back"
    assert list((Path(environment["CANDLEWICK_HOME"]) / "run").glob("*.json")) == []

    upgraded(environment, candles)
    assert len(notes(environment)) == 2
    wait_until(lambda: len(facts(environment)) > len(before), "a new candle", NEXT_CANDLE_SECONDS)

    lines = shell_lines("docs/operations.md")
    assert len(lines) >= 8
    shell(environment, "dbt run --select storage_health")  # the hourly run makes it
    for line in lines:
        done = launcher(environment, *as_make_calls(line, tmp_path))
        assert done.returncode == 0, line + done.stdout + done.stderr
