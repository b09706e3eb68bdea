"""An Airflow of the tests' own: home, metadata in SQLite, and a way to ask it questions from a clean process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from support.fake_dbt import FakeDbt

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "dbt_project"


class Airflow:
    """Runs programs in a process that knows nothing of this test's imports."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "CANDLEWICK"))}
        return {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY / "include"),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
            "AIRFLOW__COSMOS__CACHE_DIR": str(self.home / "cosmos"),
            "CANDLEWICK_HOME": str(self.home / "candlewick"),
            "CANDLEWICK_DBT_PROJECT_DIR": str(PROJECT),
            **more,
        }

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment(**environment), cwd=self.home, text=True, capture_output=True, timeout=300, check=False
        )  # fmt: skip

    def ask(self, program: str, **environment: str):
        """Return what the program prints last, as JSON."""
        done = self.run(sys.executable, "-c", program, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    def test_run(self, dag_id: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = self.run("airflow", "dags", "test", dag_id, *options, **environment)
        print(done.stdout[-8000:], done.stderr[-2000:])  # noqa: T201  # pytest shows it when the test fails
        return done

    def metadata(self, query: str) -> list[tuple]:
        with sqlite3.connect(self.home / "airflow.db") as database:
            return database.execute(query).fetchall()

    def states(self) -> dict[str, list[str]]:
        """Return the states of the newest run's tasks."""
        found: dict[str, list[str]] = {}
        query = "SELECT task_id, state FROM task_instance WHERE run_id = (SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)"
        for task_id, state in self.metadata(query):
            found.setdefault(task_id, []).append(state)
        return found

    def run_state(self) -> str:
        return self.metadata("SELECT state FROM dag_run ORDER BY id DESC LIMIT 1")[0][0]


@pytest.fixture(scope="session")
def airflow(tmp_path_factory):
    made = Airflow(tmp_path_factory.mktemp("airflow"))
    done = made.run("airflow", "db", "migrate")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def with_manifest(airflow):
    """The manifest of the small project beside these tests, where the launcher would put it."""
    manifest = airflow.home / "candlewick" / "dbt" / "manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text((PROJECT / "manifest.json").read_text())
    return manifest


@pytest.fixture
def dbt(tmp_path):
    return FakeDbt(tmp_path / "dbt-command")


@pytest.fixture
def platform(request, database, config, object_store, market, dbt, tmp_path):
    """The environment of a platform on real parts: database, object store, simulated exchange; dbt is a stand-in."""
    for prepared in ("warehouse", "lake"):
        request.getfixturevalue(prepared)
    extra = {"endpoint_url": object_store.url, "region_name": "us-east-1"}
    return {
        "CANDLEWICK_RAW_SCHEMA": config.raw_schema,
        "CANDLEWICK_MARTS_SCHEMA": config.marts_schema,
        "CANDLEWICK_RAW_BUCKET": config.raw_bucket,
        "CANDLEWICK_ARCHIVE_BUCKET": config.archive_bucket,
        "CANDLEWICK_BACKUP_BUCKET": config.backup_bucket,
        "CANDLEWICK_SHARD_SIZE": "2",
        "CANDLEWICK_DBT_EXECUTABLE": str(dbt.executable),
        "CANDLEWICK_HOME": str(tmp_path / "home"),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps(
            {
                "conn_type": "mysql",
                "host": database.host,
                "port": database.port,
                "login": database.user,
                "password": database.password,
            }
        ),
        "AIRFLOW_CONN_LAKE": json.dumps(
            {"conn_type": "aws", "login": object_store.key, "password": object_store.secret, "extra": extra}
        ),
        "AIRFLOW_CONN_BINANCE": json.dumps({"conn_type": "http", "host": market.url}),
        "AIRFLOW_CONN_BINANCE_ARCHIVE": json.dumps({"conn_type": "http", "host": market.url}),
    }
