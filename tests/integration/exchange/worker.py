"""A process of its own with a client of its own: reads one order a line from stdin, answers each with a line of JSON.

Its clock is the machine's plus what it was told to advance, so a test moves it as it moves the exchange's.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import MySQLdb

from candlewick.exchange.binance import from_connection
from candlewick.exchange.clock import Clock
from candlewick.exchange.errors import ExchangeError
from candlewick.market import Interval
from candlewick.settings import Settings
from candlewick.warehouse.host_state import HostStateStore


class MovedClock:
    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.monotonic_s = time.monotonic()  # stands still but for what it is told, as the exchange's does

    def advance(self, seconds: float) -> None:
        self.ahead_s += seconds

    def as_clock(self, wall_ms: int) -> Clock:
        return Clock(
            time_ms=lambda: wall_ms + round(self.ahead_s * 1000),
            monotonic=lambda: self.monotonic_s + self.ahead_s,
            sleep=self.advance,
        )


def ask(client, symbol):
    try:
        return client.klines(symbol, Interval.MINUTE_1, 0, 1).http_status
    except ExchangeError as error:
        return type(error).__name__


def main() -> None:
    given = json.loads(sys.stdin.readline())
    clock = MovedClock()
    store = HostStateStore(lambda: MySQLdb.connect(**given["database"]), given["schema"])
    extra = {"fallback_hosts": given["urls"][1:]}
    settings = Settings(**given["settings"])
    client = from_connection(given["urls"][0], extra, store, settings, clock=clock.as_clock(given["wall_ms"]))
    with ThreadPoolExecutor(8) as threads:
        for line in sys.stdin:
            order, argument = json.loads(line)
            if order == "advance":
                clock.advance(argument)
                told = None
            else:
                told = list(threads.map(lambda _: ask(client, "BTCUSDT"), range(argument)))
            print(json.dumps(told), flush=True)  # noqa: T201 - the answer to the test that started this


if __name__ == "__main__":
    main()
