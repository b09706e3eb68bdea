"""Both schemas with the raw tables and the transformer's account, and dbt as a process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from candlewick.market import Interval
from support.places import DBT

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "dbt_project"
MIGRATIONS = REPOSITORY / "include/candlewick/warehouse/migrations/versions"
TRANSFORMER, PASSWORD = f"dbt_{os.getpid()}", "throw-away"
CANDLE = ("open_price", "high_price", "low_price", "close_price", "volume", "quote_volume", "trade_count",
          "taker_buy_volume", "taker_buy_quote_volume")  # fmt: skip


@pytest.fixture(scope="session")
def raw_tables():
    """Names and columns of the raw tables, from the migrations themselves."""
    tables = {}
    for path in sorted(MIGRATIONS.glob("0*.py")):
        spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tables |= module.TABLES
        for table, columns in getattr(module, "COLUMNS", {}).items():
            tables[table] += "".join(f", {column} {definition}" for column, definition in columns.items())
    return tables


SERVE = """
import json, os, sys
from dbt.cli.main import dbtRunner
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    environment, arguments = json.loads(line)
    os.environ.update(environment)
    done = dbtRunner().invoke(arguments)
    said = [str(done.exception)] if done.exception else []
    nodes = [r for r in getattr(done.result, "results", []) if hasattr(r, "node")]  # an operation has none
    said += [f"{r.node.name}: {r.status}: {r.message}" for r in nodes]
    print(json.dumps({"success": done.success, "said": chr(10).join(said)}), file=answers, flush=True)
"""


class Worker:
    """dbt kept in memory: its imports alone take seconds. Each request is an invocation of its own."""

    def __init__(self, log: Path) -> None:
        self.process = subprocess.Popen(
            [str(DBT.with_name("python")), "-c", SERVE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("ab"), text=True,
            cwd=log.parent,  # where dbt makes its dbt_packages
        )  # fmt: skip

    def ask(self, environment, arguments):
        self.process.stdin.write(json.dumps([environment, arguments]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="session")
def worker(tmp_path_factory):
    """The dbt of this test session."""
    made = Worker(tmp_path_factory.getbasetemp() / "dbt-worker.log")
    yield made
    made.stop()


@dataclass
class Warehouse:
    """Both schemas of one test, and dbt on them."""

    server: object
    raw: str
    marts: str
    scratch: Path
    admin: object
    worker: Worker
    project: Path = PROJECT
    transformer: str = TRANSFORMER

    def run(self, statement, parameters=None):
        with self.admin.cursor() as cursor:
            cursor.execute(statement.replace("{raw}", self.raw).replace("{marts}", self.marts), parameters)
            return list(cursor.fetchall())

    def one(self, statement, parameters=None):
        return self.run(statement, parameters)[0][0]

    def command(self, *arguments, project=PROJECT):
        return [str(DBT), "--quiet", *arguments, "--project-dir", str(project), "--profiles-dir", str(PROJECT),
                "--target-path", str(self.scratch / project.name / "target"), "--log-path", str(self.scratch / "logs")]  # fmt: skip

    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "CANDLEWICK_DBT_HOST": self.server.host,
            "CANDLEWICK_DBT_PORT": str(self.server.port),
            "CANDLEWICK_DBT_USER": TRANSFORMER,
            "CANDLEWICK_DBT_PASSWORD": PASSWORD,
            "CANDLEWICK_MARTS_SCHEMA": self.marts,
            "CANDLEWICK_RAW_SCHEMA": self.raw,
        }

    def dbt(self, *arguments, succeeds=True, project=PROJECT):
        """Run dbt; return what its nodes and its exception say."""
        answer = self.worker.ask(self.environment(), self.command(*arguments, project=project)[1:])
        assert answer["success"] == succeeds, answer["said"]
        return answer["said"]

    def start_dbt(self, *arguments):
        """Start dbt as a process of its own, to be killed."""
        return subprocess.Popen(
            self.command(*arguments), env=self.environment(), cwd=self.scratch,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def minute(self, *arguments):
        return self.dbt("run", "--selector", "minute", *arguments)

    def load(self, candles, *, load_id=None, connection=None, commit=True):
        """Stage candles as the loader does: rows and the queue entry in one transaction. Returns the load_id."""
        load_id = load_id or (self.one("select coalesce(max(load_id), 0) from {raw}.staging_klines") + 1)
        connection = connection or self.server.connect(autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute("set session transaction isolation level read committed")  # as the loader's sessions are
            columns = ["load_id", "row_number_in_load", *candles[0]]
            cursor.executemany(
                f"insert into {self.raw}.staging_klines ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
                [(load_id, place, *row.values()) for place, row in enumerate(candles, 1)],
            )
            cursor.execute(f"insert into {self.raw}.pending_loads values ('fact_klines', %s)", (load_id,))
        if commit:
            connection.commit()
            connection.close()
        return load_id

    def load_books(self, levels, *, load_id):
        with self.admin.cursor() as cursor:
            columns = ["load_id", "row_number_in_load", *levels[0]]
            cursor.executemany(
                f"insert into {self.raw}.staging_orderbook ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
                [(load_id, place, *row.values()) for place, row in enumerate(levels, 1)],
            )
            cursor.execute(f"insert into {self.raw}.pending_loads values ('fact_orderbook', %s)", (load_id,))

    def pending(self):
        """What the models of the minute path have yet to consume."""
        minute = (
            "('fact_klines', 'fact_orderbook', 'klines_5m', 'klines_15m', 'hourly_klines', 'klines_4h', 'daily_klines', 'indicators_1m',"
            " 'market_stats_24h', 'orderbook_metrics')"
        )
        return self.run("select model, load_id from {raw}.pending_loads where model in " + minute + " order by 1, 2")


def at(text):
    """A moment of the test day: '12:05' or a whole '2026-03-05 12:05:00.000'."""
    return datetime.fromisoformat(text if "-" in text else f"2026-03-05 {text}")


def candle(open_time, close=100, *, open_=None, high=None, low=None, trades=10, symbol="BTCUSDT", interval="1m",
           source="rest", captured=None, clock=None, close_time=None, volume=None):  # fmt: skip
    """One staged candle; flat and without volume when it had no trades; captured when it was over, unless told."""
    open_time = at(open_time) if isinstance(open_time, str) else open_time
    length = timedelta(milliseconds=Interval(interval).milliseconds)
    captured = (at(captured) if isinstance(captured, str) else captured) or open_time + length + timedelta(seconds=5)
    clock = at(clock) if isinstance(clock, str) else clock
    open_ = close if open_ is None else open_
    volume = trades if volume is None else volume
    return {
        "object_id": 1, "exchange": "binance", "symbol": symbol, "interval_code": interval, "open_time": open_time,
        "open_price": open_, "high_price": max(open_, close) if high is None else high,
        "low_price": min(open_, close) if low is None else low, "close_price": close, "volume": volume,
        "close_time": close_time or open_time + length - timedelta(milliseconds=1), "quote_volume": volume * 100,
        "trade_count": trades, "taker_buy_volume": volume / 2, "taker_buy_quote_volume": volume * 50,
        "source": source, "captured_at": captured, "exchange_time": clock or captured,
    }  # fmt: skip


@contextmanager
def open_warehouse(database, raw_tables, worker, tmp_path_factory):
    """Empty schemas with the raw tables; tests share the parsed project through one target folder per engine."""
    marts = f"t{os.getpid()}_dbt"
    raw = f"{marts}_raw"
    scratch = tmp_path_factory.getbasetemp() / f"dbt-{database.name}"
    admin = database.connect()
    made = Warehouse(database, raw, marts, scratch, admin, worker)
    for schema in (raw, marts):
        made.run(f"create database {schema} character set utf8mb4 collate utf8mb4_unicode_ci")
    for name, columns in raw_tables.items():
        made.run(f"create table {raw}.{name} ({columns}) engine=InnoDB")
    made.run(f"create user if not exists {TRANSFORMER}@'%' identified by '{PASSWORD}'")
    for grant in (
        f"select on {raw}.*",
        f"insert, delete on {raw}.pending_loads",
        f"insert, update on {raw}.kline_revisions",
        f"insert, delete on {raw}.indicator_checkpoints",
        f"insert on {raw}.pipeline_events",
        f"select, insert, update, delete, create, drop, alter, index, create temporary tables, create view, show view on {marts}.*",
    ):
        made.run(f"grant {grant} to {TRANSFORMER}@'%'")
    yield made
    for schema in (raw, marts):
        made.run(f"drop database {schema}")
    made.run(f"drop user {TRANSFORMER}@'%'")
    admin.close()


@pytest.fixture
def warehouse(database, raw_tables, worker, tmp_path_factory):
    """A warehouse of this test's own."""
    with open_warehouse(database, raw_tables, worker, tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def shared_warehouse(database, raw_tables, worker, tmp_path_factory):
    """A warehouse that the tests of a file share, where filling it is what takes long; instead of ``warehouse``."""
    with open_warehouse(database, raw_tables, worker, tmp_path_factory) as made:
        yield made


@pytest.fixture(name="candle")
def candle_function():
    """The function that makes a candle."""
    return candle


@pytest.fixture(name="at")
def at_function():
    """The function that makes a moment."""
    return at
