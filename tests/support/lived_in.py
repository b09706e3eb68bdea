"""A warehouse as it is after some days of use, up to this minute: live minutes, history, gaps, revisions, every mart.

Its exchange's clock is the real one, as that of the api-server that shows it.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.exchange.archive import from_connection as open_archive
from candlewick.exchange.binance import from_connection as open_exchange
from candlewick.pipeline.backfill.begin import begin
from candlewick.pipeline.backfill.report import report
from candlewick.pipeline.backfill.request import BackfillRequest
from candlewick.pipeline.backfill.tools import Tools
from candlewick.pipeline.backfill.work import work_through
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.correlate import correlate
from candlewick.pipeline.dbt_docs import publish
from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.gaps.depth import look_at_books
from candlewick.pipeline.gaps.detect import detect
from candlewick.pipeline.gaps.fetch import fetch_due
from candlewick.pipeline.gaps.settle import classify_open
from candlewick.pipeline.load import load_pending
from candlewick.pipeline.maintenance.sizes import sample
from candlewick.pipeline.reconcile import choose, fetch_candles
from candlewick.pipeline.reconcile_request import ReconcileRequest
from candlewick.pipeline.symbols import refresh_states, seed
from candlewick.warehouse.database import to_ms, utc_now
from candlewick.warehouse.host_state import HostStateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from candlewick.demo.testing import RunningExchange
    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse

DAYS = 3
CYCLES = 10  # so that the log of requests has more than a page
LANE = ("--vars", "{lane: backfill}")


class LivedIn:
    """Fills an empty warehouse at the newest revision."""

    def __init__(self, market: RunningExchange, lake: Lake, warehouse: Warehouse, dbt: Callable[..., Path]) -> None:
        self.market, self.lake, self.warehouse, self.dbt = market, lake, warehouse, dbt
        self.symbols = list(warehouse.config.symbols)

    def fill(self) -> None:
        """Go every road once; afterwards every mart has been built by dbt."""
        seed(self.warehouse)
        self.gaps_of_the_past()
        for number in range(CYCLES):
            self.cycle(f"scheduled__live_{number}")
        self.dbt("run", "--selector", "minute")
        self.history()
        self.gaps()
        self.bad_minutes()
        self.reconcile()
        self.dbt("run", "--selector", "minute")
        self.dbt("run", "--selector", "minute", *LANE)
        self.settle()

    def finish(self) -> Path:
        """Do what market_hourly does; return dbt's target folder with the docs."""
        sample(self.warehouse, self.warehouse.config, utc_now(), lake=self.lake)
        self.dbt("run", "--selector", "hourly")
        correlate(self.warehouse)
        self.dbt("run", "--select", "reconciliation", *LANE)
        self.dbt("build", "--selector", "quality")
        target = self.dbt("docs", "generate")
        publish(target, self.warehouse.config.home / "dbt" / "docs")
        return target

    def gaps_of_the_past(self) -> None:
        """Minutes the exchange never had: an outage of all, and a hole of one symbol."""
        midnight = to_ms(utc_now().replace(hour=0, minute=0, second=0, microsecond=0))
        day, hour = 86_400_000, 3_600_000
        self.market.add_faults(
            {"kind": "outage", "start": midnight - 2 * day + 3 * hour, "end": midnight - 2 * day + 3 * hour + 600_000},
            {
                "kind": "hole",
                "symbol": self.symbols[1],
                "start": midnight - 3 * day + 5 * hour,
                "end": midnight - 3 * day + 5 * hour + 180_000,
            },
        )

    def cycle(self, run_id: str) -> None:
        """One run of market_minute without dbt."""
        with self.exchange() as exchange:
            refresh_states(exchange, self.warehouse)
            shard = {"name": "all", "symbols": self.symbols}
            extract_shard(exchange, self.lake, self.warehouse, shard, run_id)
        load_pending(self.lake, self.warehouse, run_id)

    def history(self) -> None:
        """Bring the last days, as market_backfill does."""
        now, run_id = utc_now(), "manual__history"
        days = {"start": f"{now - timedelta(days=DAYS):%Y-%m-%d}", "end": f"{now:%Y-%m-%d}"}
        request = BackfillRequest.read({"symbols": self.symbols, **days}, now)
        with self.tools(run_id) as tools:
            for task in begin(tools, request, to_ms(now)):
                work_through(tools, task["backfill_id"], task["first"], task["last"], task["folder"])
        report(self.warehouse, run_id)

    def gaps(self) -> None:
        """Find what is missing and ask for it."""
        detect(self.warehouse, full=True)
        with self.tools("scheduled__gaps") as tools:
            fetch_due(tools)
        load_backlog(self.lake, self.warehouse, "scheduled__gaps")

    def settle(self) -> None:
        """Say why the rest is missing."""
        detect(self.warehouse)
        with self.tools("scheduled__gaps") as tools:
            classify_open(tools)
        look_at_books(self.warehouse)

    def bad_minutes(self) -> None:
        """Bring a late revision, rows that are refused, and a request that fails; then all is well again."""
        symbol = self.symbols[-1]
        kept = [fault for fault in self.market.control("GET", "faults") if fault["kind"] in ("outage", "hole")]
        self.market.add_faults(
            {"kind": "late_revision", "path": "/api/v3/klines", "symbol": self.symbols[0], "seconds": 240},
            {"kind": "bad_rows", "path": "/api/v3/klines", "symbol": symbol, "count": 1},
            {"kind": "500", "path": "/api/v3/depth", "symbol": symbol},
        )
        self.cycle("scheduled__bad")
        self.market.clear_faults()
        self.market.add_faults(*({name: fault[name] for name in ("kind", "symbol", "start", "end")} for fault in kept))
        self.cycle("scheduled__good")

    def reconcile(self) -> None:
        """Bring the exchange's own hours and days of the days that are whole."""
        with self.tools("scheduled__reconcile") as tools:
            fetch_candles(tools, choose(self.warehouse, ReconcileRequest.read({}, utc_now())))
        load_backlog(self.lake, self.warehouse, "scheduled__reconcile")

    @contextmanager
    def exchange(self) -> Iterator[Any]:
        states = HostStateStore(self.warehouse.open, self.warehouse.config.raw_schema)
        client = open_exchange(self.market.url, {}, states, self.warehouse.config)
        try:
            yield client
        finally:
            client.close()

    @contextmanager
    def tools(self, run_id: str) -> Iterator[Tools]:
        archive = open_archive(self.market.url, {}, self.warehouse.config)
        try:
            with self.exchange() as exchange:
                yield Tools(exchange, archive, self.lake, self.warehouse, run_id)
        finally:
            archive.close()
