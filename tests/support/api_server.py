"""A real api-server of Airflow with our plugin: its metadata, its users, its process, and clients that are logged in."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from support.ports import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
USERS = {"admin": "admin", "op": "op", "user": "user", "viewer": "viewer"}  # and what each may do
TRUSTED_ORIGIN = "https://trusted.example"
READY_SECONDS = 120


class ApiServer:
    """Airflow as the launcher starts it, without scheduler: what a test triggers stays queued."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / "api-server.log"
        passwords = home / "passwords.json"
        passwords.write_text(json.dumps({user: f"{user}-password" for user in USERS}))
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "CANDLEWICK"))}
        self.environment = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY / "include"),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__FERNET_KEY": "Zp6DUcXLUhTMVYUQTnKhrgtsS-86Bf8PMhD2TSDkkQA=",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": "of-a-throw-away-server-of-the-tests",
            "AIRFLOW__API__ACCESS_CONTROL_ALLOW_ORIGINS": TRUSTED_ORIGIN,
            "AIRFLOW__API__ACCESS_CONTROL_ALLOW_METHODS": "GET,POST,PUT,PATCH,DELETE",
            "AIRFLOW__API__ACCESS_CONTROL_ALLOW_HEADERS": "Authorization,Content-Type",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of-a-throw-away-server-of-the-tests-as-well",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
            "AIRFLOW__COSMOS__CACHE_DIR": str(home / "cosmos"),
            "CANDLEWICK_ENV_FILE": "",
            **environment,
        }
        self._clients: dict[str | None, httpx.Client] = {}
        self.process: subprocess.Popen[bytes] | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Make the metadata database."""
        self.command("db", "migrate")
        with closing(sqlite3.connect(self.home / "airflow.db")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")

    def serialize_dags(self) -> None:
        """Read our DAGs into it."""
        self.command("dags", "reserialize")

    def parsed_schedule(self, dag_id: str) -> str:
        """Read a DAG's file as it would be parsed now, Variables included; return the schedule it has then."""
        program = (
            "import sys; from airflow.dag_processing.dagbag import DagBag; "
            "print(DagBag(sys.argv[1]).dags[sys.argv[2]].schedule)"
        )
        words = [sys.executable, "-c", program, str(REPOSITORY / "dags" / f"{dag_id}.py"), dag_id]
        env = {
            **self.environment,
            "_AIRFLOW_PROCESS_CONTEXT": "server",
        }  # else Variables of the database are not looked at
        done = subprocess.run(words, env=env, cwd=self.home, text=True, capture_output=True, check=True)
        return done.stdout.strip().splitlines()[-1]

    def command(self, *words: str) -> str:
        done = subprocess.run(
            ["airflow", *words], env=self.environment, cwd=self.home, text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"airflow {' '.join(words)}: {done.stdout[-3000:]} {done.stderr[-3000:]}")
        return done.stdout

    def start(self) -> None:
        words = ["airflow", "api-server", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                words, env=self.environment, cwd=self.home, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self._answers() or self.process.poll() is not None, "the api-server", READY_SECONDS)
        if self.process.poll() is not None:
            raise RuntimeError(f"the api-server ended: {self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, 9)
                self.process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/monitor/health", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    # --- clients -----------------------------------------------------------------------------------------------------

    def token(self, user: str) -> str:
        """Log in."""
        login = {"username": user, "password": f"{user}-password"}
        answer = httpx.post(f"{self.url}/auth/token", json=login, timeout=30, trust_env=False)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self, user: str | None = "admin") -> httpx.Client:
        """Return a client that sends this user's token; None: without a login. Addresses begin with ``/candlewick``."""
        if user not in self._clients:
            headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
            self._clients[user] = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        return self._clients[user]

    def browser(self, user: str = "admin") -> httpx.Client:
        """Return a new client that is logged in as browsers are, by the cookie; the caller closes it."""
        return httpx.Client(base_url=self.url, cookies={"_token": self.token(user)}, timeout=60, trust_env=False)

    def metadata(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Ask Airflow's metadata database."""
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]
