"""The doors of a platform: saved on one machine, restored on another; days rebuilt beside the live ones."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from candlewick.local import cli, safekeeping
from candlewick.local.errors import LauncherError
from candlewick.local.platform import Platform
from candlewick.local.shutdown import stop_all
from candlewick.pipeline.drill.__main__ import NOT_PROVEN, REFUSED
from candlewick.pipeline.transform import run_dbt
from candlewick.settings import REPOSITORY
from support.asking import rows, step
from support.places import DBT
from support.ports import free_port

BACKUP, DRILL = "candlewick.pipeline.backup", "candlewick.pipeline.drill"
SYMBOLS = "SELECT symbol, added_at FROM candlewick_raw.tracked_symbols ORDER BY 1"


@pytest.fixture
def config(config):
    return config.model_copy(update={"dbt_executable": DBT})


@pytest.fixture
def running(platform):
    """Database and object store of a platform, provisioned; no Airflow."""
    names = ("database_port", "s3_port", "exchange_port", "dbt_executable")
    platform.environ |= {f"CANDLEWICK_{name.upper()}": str(getattr(platform.settings, name)) for name in names}
    platform.start_warehouse(step())
    platform.start_store(step())
    platform.provision()
    return platform


@pytest.fixture
def other_machine(running, config, tmp_path):
    """A platform with a database of its own, still to be made, and the same lake."""
    own = config.model_copy(update={"home": tmp_path / "other", "database_port": free_port()})
    lake = {"AIRFLOW_CONN_LAKE": running.wiring.variables["AIRFLOW_CONN_LAKE"]}
    made = Platform(own, "demo", {**running.environ, **lake})
    made.environ |= {"CANDLEWICK_DATABASE_PORT": str(own.database_port)}
    yield made
    stop_all(made.processes, 5)


def test_what_is_saved_on_one_machine_is_restored_on_another(running, other_machine, capfd):
    assert safekeeping.run(running, BACKUP, ["save"]) == 0
    assert "saved " in capfd.readouterr().out
    assert safekeeping.restore(other_machine, "latest", "", "") == 0
    assert "each table's rows and checksum as saved" in capfd.readouterr().out
    before, after = (rows(one.wiring.account("WAREHOUSE"), SYMBOLS) for one in (running, other_machine))
    assert before == after
    assert len(after) == 3
    assert safekeeping.run(running, BACKUP, ["list"]) == 0
    assert "restored and verified" in capfd.readouterr().out
    # It is a platform's database now: the next start finds it as it should be, and nothing restores over it.
    assert "schema at revision" in other_machine.provision()
    assert safekeeping.restore(other_machine, "latest", "", "") == 1
    assert "expected the schema candlewick_raw empty" in capfd.readouterr().err


def test_a_backup_is_restored_beside_the_live_rows_under_other_names(running, capfd):
    assert safekeeping.run(running, BACKUP, ["save"]) == 0
    assert safekeeping.restore(running, "latest", "look_raw", "look") == 0
    there = rows(running.wiring.account("WAREHOUSE"), SYMBOLS.replace("candlewick_raw", "look_raw"))
    assert len(there) == 3
    assert safekeeping.run(running, BACKUP, ["restore", "latest", "--raw-schema=Look Raw"]) == 1
    assert "expected a schema name" in capfd.readouterr().err


def test_the_private_accounts_may_drill(running, capfd):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    words = [f"--from={yesterday}", f"--to={yesterday}"]
    assert safekeeping.run(running, DRILL, words) == REFUSED
    assert "dbt has built none; run market_minute first" in capfd.readouterr().err
    run_dbt(["run", "--selector", "minute"], running.environment, name="minute", config=running.settings)
    assert safekeeping.run(running, DRILL, words) == REFUSED
    assert "kline_revisions in the schema candlewick, but dbt has not built that yet" in capfd.readouterr().err
    run_dbt(["run", "--select", "kline_revisions"], running.environment, name="hourly", config=running.settings)
    assert safekeeping.run(running, DRILL, words) == NOT_PROVEN
    assert "nothing that could be compared" in capfd.readouterr().out
    assert safekeeping.run(running, DRILL, []) == REFUSED
    assert "expected FROM as a date" in capfd.readouterr().err
    left = rows(running.wiring.account("WAREHOUSE"), "SHOW DATABASES LIKE '%drill'")
    assert left == ()


def test_a_platform_that_is_down_is_named(platform):
    with pytest.raises(LauncherError, match="The platform's database is not running; start it: make demo"):
        safekeeping.run(platform, BACKUP, ["save"])


def test_a_restore_on_a_new_machine_wants_to_know_whose_data_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path))
    assert cli.main(["restore", "latest"]) == 1
    assert "add MODE=live or MODE=demo" in capsys.readouterr().err


def test_make_names_the_three_doors():
    said = subprocess.run(["make", "help"], capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    assert all(f"make {door} " in said for door in ("backup", "restore", "drill"))
