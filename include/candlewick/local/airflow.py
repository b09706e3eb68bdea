"""Airflow on one machine: its environment, its four components, and the few things asked of its API."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing, suppress
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from candlewick.local.errors import AirflowRefused, LauncherError
from candlewick.local.home import write_private
from candlewick.local.processes import Service
from candlewick.local.wiring import url_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from candlewick.local.home import Credentials, Home
    from candlewick.settings import Settings

COMPONENTS = ("api-server", "scheduler", "triggerer", "dag-processor")
# Ours whatever the environment says: another Airflow of this machine must not be touched.
NEVER_FROM_OUTSIDE = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
ADMIN, VIEWER = "admin", "viewer"
TRIES, BETWEEN_TRIES_SECONDS = 4, 1.0


class Airflow:
    """The local Airflow: SQLite, LocalExecutor, two users."""

    def __init__(self, home: Home, settings: Settings, credentials: Credentials) -> None:
        self.home, self.settings, self.credentials = home, settings, credentials
        self.url = f"http://{url_host(settings.bind_host)}:{settings.airflow_port}"
        self.command = str(Path(sys.executable).with_name("airflow"))
        self._token: str | None = None

    def environment(self, connections: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of every Airflow process; ``AIRFLOW__…`` from outside wins."""
        home, settings, made = self.home, self.settings, self.credentials
        env = {
            "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags_dir),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.plugins_dir),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(settings.airflow_parallelism),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__FERNET_KEY": made["fernet_key"],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{VIEWER}:viewer",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.secrets / "airflow_users.json"),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": settings.bind_host,
            "AIRFLOW__API__PORT": str(settings.airflow_port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": made["api_secret"],
            "AIRFLOW__API_AUTH__JWT_SECRET": made["jwt_secret"],
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs / "airflow"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home.logs / "airflow" / "dag_processor"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
            "AIRFLOW__COSMOS__CACHE_DIR": str(home.data / "cosmos"),
        }
        outside = {key: value for key, value in environ.items() if key not in NEVER_FROM_OUTSIDE}
        ours = {
            "AIRFLOW_HOME": str(home.airflow),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.metadata}",
            "CANDLEWICK_HOME": str(home.root),
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", os.defpath))),
        }
        return {**env, **outside, **connections, **ours}

    @property
    def metadata(self) -> Path:
        """Path of the metadata database."""
        return self.home.airflow / "airflow.db"

    def write_users(self) -> None:
        """Store the generated passwords where the auth manager reads them."""
        passwords = {ADMIN: self.credentials["airflow_admin"], VIEWER: self.credentials["airflow_viewer"]}
        write_private(self.home.secrets / "airflow_users.json", json.dumps(passwords))

    def needs_migration(self) -> bool:
        """Whether the metadata database is missing or of another Airflow version."""
        stamp = self.home.airflow / "migrated"
        return not (self.metadata.exists() and stamp.is_file() and stamp.read_text() == version("apache-airflow"))

    def migrated(self) -> None:
        """Remember the version, and let readers not stand in the way of writers (the mode stays in the file)."""
        with closing(sqlite3.connect(self.metadata)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        self.metadata.chmod(0o600)
        (self.home.airflow / "migrated").write_text(version("apache-airflow"))

    def metadata_version(self) -> str | None:
        """Return the version of Airflow that made the metadata database what it is; None: there is none."""
        stamp = self.home.airflow / "migrated"
        return stamp.read_text(encoding="utf-8") if stamp.is_file() and self.metadata.exists() else None

    def copy_metadata(self, to: Path) -> None:
        """Copy the metadata database, whole or not at all; Airflow is at rest."""
        making = to.with_suffix(".making")
        making.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.metadata)) as source, closing(sqlite3.connect(making)) as target:
            source.backup(target)
        making.chmod(0o600)
        making.replace(to)

    def restore_metadata(self, copy: Path, made_by: str) -> None:
        """Put a copy in the place of the metadata database. Killed in between, it can be done again.

        Args:
            copy: as `copy_metadata` made it.
            made_by: the version of Airflow it is of.
        """
        stamp = self.home.airflow / "migrated"
        stamp.unlink(missing_ok=True)
        for left in ("-wal", "-shm"):  # of the database that goes; beside another one they would be read as its own
            Path(f"{self.metadata}{left}").unlink(missing_ok=True)
        shutil.copyfile(copy, self.metadata)
        self.metadata.chmod(0o600)
        stamp.write_text(made_by, encoding="utf-8")

    def services(self, env: Mapping[str, str]) -> list[Service]:
        """Return the four components. Only the API listens: the others' log servers are for other machines."""
        if not shutil.which(self.command):
            raise LauncherError(
                f"{self.command} is missing; delete {sys.prefix} and run make again, which installs it."
            )
        own = {
            "api-server": ["--host", self.settings.bind_host, "--port", str(self.settings.airflow_port)],
            "scheduler": ["--skip-serve-logs"],
            "triggerer": ["--skip-serve-logs"],
        }
        port = {"api-server": self.settings.airflow_port}
        return [Service(name, [self.command, name, *own.get(name, [])], env, port.get(name)) for name in COMPONENTS]

    def health(self) -> dict[str, str]:
        """Return what Airflow says of its components (``healthy`` or not); empty when it does not answer."""
        with suppress(requests.RequestException, ValueError):
            answer: dict[str, dict[str, str]] = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
            return {name: str((part or {}).get("status")) for name, part in answer.items()}
        return {}

    def healthy(self) -> bool:
        """Whether all four components work."""
        health = self.health()
        return all(
            health.get(name) == "healthy" for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        )

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API as the administrator.

        Raises:
            AirflowRefused: it refuses or does not answer.
        """
        try:
            if self._token is None:
                login = {"username": ADMIN, "password": self.credentials["airflow_admin"]}
                answer = requests.post(f"{self.url}/auth/token", json=login, timeout=30)
                answer.raise_for_status()
                self._token = str(answer.json()["access_token"])
            headers = {"Authorization": f"Bearer {self._token}"}
            answer = requests.request(method, f"{self.url}/api/v2{path}", json=body, headers=headers, timeout=30)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise AirflowRefused(
                f"Airflow's API refused {method} {path}: {error}; see make logs SERVICE=api-server.",
                None if error.response is None else error.response.status_code,
            ) from None
        return answer.json() if answer.content else None

    def trigger(self, dag_id: str, run: Mapping[str, Any]) -> None:
        """Ask for a run that has a name of its own; that it is there already is as good.

        On SQLite a change is refused now and then: Airflow writes its audit log in the very loop that another request,
        which holds the database, waits for; after five seconds one of the two gives up.

        Raises:
            AirflowRefused: as :meth:`call`, after some tries.
        """
        for left in reversed(range(TRIES)):
            try:
                self.call("POST", f"/dags/{dag_id}/dagRuns", run)
            except AirflowRefused as error:
                if error.status == HTTPStatus.CONFLICT:
                    return
                if error.status != HTTPStatus.INTERNAL_SERVER_ERROR or not left:
                    raise
                time.sleep(BETWEEN_TRIES_SECONDS)
            else:
                return

    def create_pools(self) -> None:
        """Create the pools that are missing; sizes that were changed in the UI stay."""
        wanted = {
            "binance": (self.settings.pool_binance_slots, "Tasks that talk to the exchange"),
            "backfill": (self.settings.pool_backfill_slots, "Tasks that bring in history"),
            "warehouse_load": (1, "Loads into the warehouse: one at a time"),
            "dbt": (2, "dbt processes"),
        }
        present = {pool["name"] for pool in self.call("GET", "/pools")["pools"]}
        for name, (slots, description) in wanted.items():
            if name not in present:
                self.call("POST", "/pools", {"name": name, "slots": slots, "description": description})

    def import_errors(self, since: float) -> list[str]:
        """Return the DAG files that cannot be read, each with the last line of its traceback.

        Args:
            since: seconds since 1970; what was found before then is not asked about, it may have been corrected.
        """
        errors = self.call("GET", "/importErrors")["import_errors"]
        return [
            f"{error['filename']}: {str(error['stack_trace']).strip().splitlines()[-1]}"
            for error in errors
            if _seconds(error["timestamp"]) >= since
        ]

    def dags(self) -> dict[str, bool]:
        """Return the DAGs and whether each is paused."""
        return {dag["dag_id"]: bool(dag["is_paused"]) for dag in self.call("GET", "/dags?limit=100")["dags"]}

    def tasks(self, states: Sequence[str]) -> list[str]:
        """Return the tasks, as ``dag.task``, that are in one of these states."""
        asked = "&".join(f"state={state}" for state in states)
        found = self.call("GET", f"/dags/~/dagRuns/~/taskInstances?{asked}&limit=100")["task_instances"]
        return sorted(f"{task['dag_id']}.{task['task_id']}" for task in found)

    def dag_files(self) -> set[str]:
        """Return the files that DAGs were read from, relative to the DAG folder."""
        return {str(dag["relative_fileloc"]) for dag in self.call("GET", "/dags?limit=100")["dags"]}

    def failing(self, dag_id: str, since: float, runs: int = 3) -> str:
        """Return the failed tasks of the newest run when that many in a row failed since a time, else an empty text."""
        newest = self.call("GET", f"/dags/{dag_id}/dagRuns?limit=20&order_by=-run_after")["dag_runs"]
        ended = [
            run for run in newest if run["state"] in ("success", "failed") and _seconds(run["start_date"]) >= since
        ]
        ended = ended[:runs]
        if len(ended) < runs or any(run["state"] == "success" for run in ended):
            return ""
        path = f"/dags/{dag_id}/dagRuns/{quote(ended[0]['dag_run_id'], safe='')}/taskInstances?state=failed"
        return (
            ", ".join(sorted({task["task_id"] for task in self.call("GET", path)["task_instances"]}))
            or "the run itself"
        )

    def unpause_new(self) -> list[str]:
        """Unpause each DAG once in its life, so that a pause by a person stays; return those unpaused now."""
        path = self.home.airflow / "unpaused.json"
        known: list[str] = json.loads(path.read_text()) if path.exists() else []
        new = [dag_id for dag_id in self.dags() if dag_id not in known]
        for dag_id in new:
            self.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})
        if new:
            write_private(path, json.dumps(known + new))
        return new


def _seconds(moment: str | None) -> float:
    """Turn a time of the API into seconds since 1970; none is long ago."""
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
