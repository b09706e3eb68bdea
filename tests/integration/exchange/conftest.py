"""Clients of the simulated exchange whose clock, the exchange's and ours, moves together and only when told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from candlewick.exchange.binance import from_connection
from candlewick.exchange.clock import Clock
from candlewick.warehouse.host_state import HostStateStore

WORKER = Path(__file__).parent / "worker.py"
PACKAGES = Path(__file__).resolve().parents[3] / "include"
NOON_MS = 1_717_243_230_000
"""2024-06-01 12:00:30 UTC, where the simulated exchange's clock stands."""


class JointClock:
    """Sleeping moves our clocks and the exchange's; nothing really waits."""

    def __init__(self, market):
        self.market, self.wall_ms, self.monotonic_s, self.slept = market, NOON_MS, 500.0, []

    def advance(self, seconds):
        self.wall_ms += round(seconds * 1000)
        self.monotonic_s += seconds
        self.market.advance(round(seconds * 1000))

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(seconds)

    def as_clock(self):
        return Clock(lambda: self.wall_ms, lambda: self.monotonic_s, self.sleep)


class Worker:
    """``worker.py`` in a process of its own."""

    def __init__(self, given):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        )
        self._send(given)

    def start(self, order, argument):
        self._send([order, argument])

    def result(self):
        return json.loads(self.process.stdout.readline())

    def do(self, order, argument):
        self.start(order, argument)
        return self.result()

    def _send(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()


@pytest.fixture
def clock(market):
    return JointClock(market)


@pytest.fixture
def store(warehouse, config):
    made = HostStateStore(warehouse.open, config.raw_schema)
    yield made
    made.close()


@pytest.fixture
def client(market, clock, store, config):
    """Build a client of the exchange's two hosts; keyword arguments are settings."""
    made = []

    def build(**values):
        extra = {"fallback_hosts": market.urls[1:]}
        settings = config.model_copy(update=values)
        made.append(from_connection(market.urls[0], extra, store, settings, clock=clock.as_clock()))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def workers(market, database, warehouse):
    """Start worker processes that share the exchange and the warehouse; keyword arguments are settings."""
    started = []
    login = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}

    def start(count, **values):
        given = {
            "urls": market.urls,
            "database": login,
            "schema": warehouse.config.raw_schema,
            "wall_ms": NOON_MS,
            "settings": {"retry_initial_seconds": 0.01, "retry_max_seconds": 0.05} | values,
        }
        started.extend(Worker(given) for _ in range(count))
        return started[-count:]

    yield start
    for worker in started:
        worker.process.stdin.close()
        worker.process.wait(10)
        worker.process.stdout.close()


@pytest.fixture
def row(warehouse, market):
    """Read columns of the state of a host, by its number."""

    def read(columns, host=0):
        with warehouse.session() as session:
            name = market.urls[host].removeprefix("http://")
            return session.one(f"SELECT {columns} FROM host_state WHERE host = %s", (name,))

    return read
