"""The platform as its users see it: a warehouse some days old, and a real api-server of Airflow in front of it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import MySQLdb.cursors
import pytest

from candlewick.demo.testing import RunningExchange
from candlewick.lake.store import Lake
from candlewick.pipeline.dbt_project import profile
from candlewick.settings import Settings
from candlewick.warehouse import schema
from candlewick.warehouse.database import Address, Warehouse
from support.api_server import ApiServer
from support.lived_in import LivedIn
from support.places import DBT
from support.warm import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

READER, READER_PASSWORD = f"reader_{os.getpid()}", "throw-away"
_numbers = itertools.count(1)


@dataclass
class PlatformUi:
    """What tests of the pages and of the API work with."""

    server: ApiServer
    exchange: RunningExchange
    warehouse: Warehouse
    database: Any  # a connection as root, autocommit, in the schema of the marts; rows as dicts

    @property
    def url(self) -> str:
        """Airflow's address; ours are below ``/candlewick``."""
        return self.server.url

    @property
    def config(self) -> Settings:
        """The platform's settings."""
        return self.warehouse.config

    @property
    def marts(self) -> str:
        """The schema of the marts."""
        return self.config.marts_schema

    @property
    def raw(self) -> str:
        """The schema of staging and ledgers."""
        return self.config.raw_schema

    def client(self, user: str | None = "admin") -> httpx.Client:
        """Return a client with the token of admin, op, user or viewer; None: without a login."""
        return self.server.client(user)

    def get(self, path: str, user: str | None = "admin", **params: Any) -> httpx.Response:
        """GET a path below ``/candlewick``."""
        return self.client(user).get(f"/candlewick/{path.lstrip('/')}", params=params)

    def sql(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the warehouse directly; ``{raw}`` and ``{marts}`` are the schemas' names."""
        with self.database.cursor() as cursor:
            cursor.execute(query.replace("{raw}", self.raw).replace("{marts}", self.marts), values or None)
            return list(cursor.fetchall())


@pytest.fixture(scope="session")
def ui_exchange() -> Iterator[RunningExchange]:
    """A simulated Binance whose clock is the real one."""
    with RunningExchange(symbols="default") as exchange:
        yield exchange


@pytest.fixture(scope="session")
def platform_ui(database, object_store, ui_exchange, tmp_path_factory) -> Iterator[PlatformUi]:
    """The platform, filled and running; made once a session and engine."""
    home = tmp_path_factory.mktemp("platform-ui")
    config = _settings(home)
    with database.connect() as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        cursor.execute(f"CREATE USER IF NOT EXISTS {READER}@'%' IDENTIFIED BY '{READER_PASSWORD}'")
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"GRANT SELECT, SHOW VIEW ON {name}.* TO {READER}@'%'")
    address = Address(database.host, database.port, database.user, database.password)
    warehouse = Warehouse(lambda: database.connect(config.raw_schema), config, address)
    server = ApiServer(home, _environment(config, database, object_store, ui_exchange))
    direct = MySQLdb.connect(
        host=database.host, port=database.port, user=database.user, password=database.password, charset="utf8mb4",
        database=config.marts_schema, autocommit=True, cursorclass=MySQLdb.cursors.DictCursor,
    )  # fmt: skip
    try:
        with ThreadPoolExecutor(2) as pool, Dbt(database, config, home) as dbt:
            migrated = pool.submit(server.migrate)
            schema.upgrade(warehouse)
            lake = Lake(object_store.client(), config)
            lake.ensure_buckets()
            lived = LivedIn(ui_exchange, lake, warehouse, dbt)
            lived.fill()
            shutil.copyfile(home / "dbt-target" / "manifest.json", config.home / "dbt" / "manifest.json")
            migrated.result()
            serialized = pool.submit(server.serialize_dags)
            lived.finish()
            serialized.result()
        server.start()
        yield PlatformUi(server, ui_exchange, warehouse, direct)
    finally:
        server.stop()
        direct.close()
        with database.connect() as root, root.cursor() as cursor:
            for name in (config.raw_schema, config.marts_schema):
                cursor.execute(f"DROP DATABASE {name}")
            cursor.execute(f"DROP USER {READER}@'%'")


def _settings(home: Path) -> Settings:
    name = f"ui{os.getpid()}_{next(_numbers)}"
    config = Settings(
        home=home / "home",
        dbt_executable=DBT,
        raw_schema=f"{name}_raw",
        marts_schema=name,
        raw_bucket=f"{name}-raw".replace("_", "-"),
        archive_bucket=f"{name}-archive".replace("_", "-"),
        backup_bucket=f"{name}-backup".replace("_", "-"),
        retry_initial_seconds=0.01,
        retry_max_seconds=0.05,
        breaker_failures=100,  # one of its requests is to fail, no more
        api_requests_per_minute=0,
    )
    (config.home / "dbt").mkdir(parents=True)
    return config


def _environment(config: Settings, database: Any, object_store: Any, exchange: RunningExchange) -> dict[str, str]:
    server = {"conn_type": "mysql", "host": database.host, "port": database.port}
    extra = {"endpoint_url": object_store.url, "region_name": "us-east-1"}
    connections = {
        "WAREHOUSE": {**server, "login": database.user, "password": database.password},
        "WAREHOUSE_READ": {**server, "login": READER, "password": READER_PASSWORD},
        "LAKE": {"conn_type": "aws", "login": object_store.key, "password": object_store.secret, "extra": extra},
        "BINANCE": {"conn_type": "http", "host": exchange.url},
        "BINANCE_ARCHIVE": {"conn_type": "http", "host": exchange.url},
    }
    names = ("home", "raw_schema", "marts_schema", "raw_bucket", "archive_bucket", "backup_bucket",
             "retry_initial_seconds", "retry_max_seconds", "breaker_failures", "api_requests_per_minute")  # fmt: skip
    return {
        **{f"AIRFLOW_CONN_{name}": json.dumps(connection) for name, connection in connections.items()},
        **{f"CANDLEWICK_{name.upper()}": str(getattr(config, name)) for name in names},
        "CANDLEWICK_DBT_EXECUTABLE": str(DBT),
    }


class Dbt:
    """dbt with its imports done; each call is an invocation of its own and returns the target folder."""

    def __init__(self, database: Any, config: Settings, home: Path) -> None:
        self.target, self.logs, self.project = home / "dbt-target", home / "dbt-logs", str(config.dbt_project_dir)
        self.worker = Worker(str(DBT.with_name("python")), "support.dbt_actor", home / "dbt.log")
        self.environment = profile(database, config) | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()

    def __call__(self, *arguments: str) -> Path:
        places = ["--project-dir", self.project, "--profiles-dir", self.project]
        kept = ["--target-path", str(self.target), "--log-path", str(self.logs)]
        job = {"failpoint": {}, "environment": self.environment, "arguments": ["--quiet", *arguments, *places, *kept]}
        self.worker.start(job)
        ended = self.worker.finish()
        bad = [node for node in ended.answer.get("nodes", []) if node[1] in ("error", "fail")]
        assert ended.answer.get("success"), (arguments, bad, ended.answer.get("exception"), ended.status)
        return self.target
