"""Fixtures every test may use: real servers for the session, fresh schemas and buckets for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

import pytest

from candlewick.demo.testing import RunningExchange
from candlewick.exchange.binance import from_connection
from candlewick.lake.store import Lake
from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.transform import run_dbt
from candlewick.settings import Settings
from candlewick.warehouse import schema
from candlewick.warehouse.database import Address, Warehouse
from candlewick.warehouse.host_state import HostStateStore
from support.places import DBT, NO_RECORDINGS, RECORDINGS
from support.servers import GivenMySQL, MariaDB, ObjectStore

os.environ["CANDLEWICK_ENV_FILE"] = ""  # nobody's .env decides which servers tests talk to
GIVEN_MYSQL = os.environ.get("CANDLEWICK_TEST_MYSQL")
_numbers = itertools.count(1)
# Workers take whole files in this order: long ones first, short ones fill the end, and two whole platforms are not
# started beside one another.
TURNS = ("e2e/test_platform.py", "integration", "ui", "dbt", "e2e", "dags", "chaos", "unit")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Bring the tests into the order of their turns."""
    folder = Path(__file__).parent

    def turn(item):
        name = item.path.relative_to(folder).as_posix()
        return next(place for place, start in enumerate(TURNS) if name.startswith(start))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    """A private MariaDB."""
    server = MariaDB(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(
    scope="session",
    params=["mariadb", pytest.param("mysql", marks=[pytest.mark.mysql])] if GIVEN_MYSQL else ["mariadb"],
)
def database(request):
    """Each database engine we promise to run on."""
    return GivenMySQL(GIVEN_MYSQL) if request.param == "mysql" else request.getfixturevalue("mariadb")


@pytest.fixture(scope="session")
def object_store(tmp_path_factory):
    """A private S3 endpoint."""
    server = ObjectStore(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def running_exchange():
    """A simulated Binance for the session; use ``market`` for a clean one."""
    with RunningExchange(ports=2, symbols="default,3") as exchange:
        yield exchange


@pytest.fixture
def market(running_exchange):
    """The simulated Binance without faults, its clock standing at a known moment."""
    running_exchange.control("POST", "reset")
    running_exchange.set_clock("2024-06-01T12:00:30Z")
    yield running_exchange
    running_exchange.control("POST", "reset")


@pytest.fixture
def config(tmp_path):
    """Settings with schemas, buckets and a home of this test's own."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    return Settings(
        home=tmp_path / "home",
        dbt_executable=DBT,
        raw_schema=f"{name}_raw",
        marts_schema=name,
        raw_bucket=f"{name}-raw".replace("_", "-"),
        archive_bucket=f"{name}-archive".replace("_", "-"),
        backup_bucket=f"{name}-backup".replace("_", "-"),
        retry_initial_seconds=0.01,
        retry_max_seconds=0.05,
        lock_wait_seconds=5,
    )


@pytest.fixture
def warehouse(database, config):
    """An empty warehouse at the newest revision."""
    with database.connect() as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    address = Address(database.host, database.port, database.user, database.password)
    made = Warehouse(lambda: database.connect(config.raw_schema), config, address)
    schema.upgrade(made)
    yield made
    with database.connect() as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def lake(object_store, config):
    """An object store with this test's own empty buckets."""
    made = Lake(object_store.client(), config)
    made.ensure_buckets()
    return made


@pytest.fixture
def binance(market, warehouse, config):
    """Open a Binance client on the simulated exchange, as each task opens its own; its shared state is in the warehouse."""

    @contextlib.contextmanager
    def connect():
        client = from_connection(market.url, {}, HostStateStore(warehouse.open, config.raw_schema), config)
        yield client
        client.close()

    return connect


@pytest.fixture
def dbt(database, warehouse, config):
    """Run one dbt process on the test's warehouse: ``dbt("run", "--selector", "minute")``."""
    environment = profile(database, config)
    return lambda *arguments: run_dbt(arguments, environment, name="test", config=warehouse.config)


@pytest.fixture(scope="session")
def recordings():
    """The folder of real recorded exchange data; the simulated exchange covers the same ground without it."""
    if NO_RECORDINGS:
        pytest.skip(NO_RECORDINGS)
    return RECORDINGS
