"""Extract a shard of symbols: ask, keep every answer in the lake, leave an outcome row for each request.

The watermark does not move here but with the load, so whatever is lost on the way is asked for again. An object is
in the lake before its outcome is in the warehouse: killed in between, the object is an orphan that nobody misses.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from candlewick.exchange.errors import BudgetExhausted, ExchangeError, IpBanned, UnknownSymbol
from candlewick.market import DataType, Interval
from candlewick.pipeline.asked import Asked
from candlewick.pipeline.payload import depth_span, klines_span
from candlewick.warehouse import outcomes, room, symbols, watermarks
from candlewick.warehouse.database import to_ms, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from candlewick.exchange.port import Answer, Exchange
    from candlewick.lake.store import Lake
    from candlewick.pipeline.payload import Span
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.outcomes import Outcome

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5


@dataclass
class ExtractSummary:
    """What a shard brought in."""

    stored: int = 0
    stored_candles: int = 0
    rows: int = 0
    failed: int = 0
    symbols_failed: dict[str, str] = field(default_factory=dict)
    no_books: str = ""
    """Why no order book was asked for, though the configuration wants them."""

    def count(self, outcome: Outcome) -> None:
        """Add the outcome of one request."""
        if outcome.status == "stored":
            self.stored += 1
            self.stored_candles += outcome.data_type is DataType.KLINES
            self.rows += outcome.row_count or 0
        else:
            self.failed += 1
            self.symbols_failed[outcome.symbol] = outcome.error_message or ""

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        failures = "; ".join(f"{symbol}: {why}" for symbol, why in sorted(self.symbols_failed.items()))
        told = f"{self.stored} answers kept, {self.rows} rows" + (f"; failed: {failures}" if failures else "")
        return f"{told}; {self.no_books}" if self.no_books else told


class ShardFailed(ExchangeError):
    """Not one symbol of the shard gave its candles."""


def extract_shard(
    exchange: Exchange, lake: Lake, warehouse: Warehouse, shard: dict[str, Any], run_id: str
) -> ExtractSummary:
    """Extract a shard ``{"name", "symbols", "closing"}``: candles of all, books of ``symbols``; one failing symbol alone.

    Pages are asked for in turns, the first of every symbol before the second of any, until the shard's time is used up;
    the next cycle goes on from there.

    Raises:
        IpBanned: the exchange bans us; nothing more was sent once that was known.
        ShardFailed: not one symbol's candles came.
        WarehouseError, LakeError: a store does not answer; what was kept before is queued.
    """
    return _Shard(exchange, lake, warehouse, str(shard["name"]), run_id).extract(
        list(shard["symbols"]), list(shard.get("closing", []))
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """A question for candles; ``start_ms`` None is where the series begins."""

    symbol: str
    number: int
    start_ms: int | None


class _Shard:
    """One run over one shard: worker threads ask and put, the calling thread writes the outcomes."""

    def __init__(self, exchange: Exchange, lake: Lake, warehouse: Warehouse, name: str, run_id: str) -> None:
        self.exchange, self.lake, self.warehouse = exchange, lake, warehouse
        self.name, self.run_id = name, run_id
        self.config: Settings = warehouse.config
        self.done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.added_at: dict[str, datetime] = {}
        self.summary = ExtractSummary()

    def extract(self, names: list[str], closing: list[str]) -> ExtractSummary:
        deadline = time.monotonic() + self.config.shard_budget_seconds
        with self.warehouse.session() as session:
            marks = watermarks.last_open_times(session, self.config.exchange, DataType.KLINES, Interval.MINUTE_1.value)
            self.added_at = symbols.added_at(session, self.config.exchange)
            space = room.look(session, self.config)
        jobs: list[Callable[[], _Page | None]] = [
            partial(self._candles, _Page(name, 1, self._start_ms(marks.get(name)))) for name in (*names, *closing)
        ]
        if self.config.depth_levels and space.stops_depth:
            self.summary.no_books = f"no order books: {space.fullest}"
            log.warning("%s", self.summary.no_books)
        elif self.config.depth_levels:
            jobs += [partial(self._book, name) for name in names]
        fatal: BaseException | None = None
        try:
            with ThreadPoolExecutor(self.config.request_concurrency, thread_name_prefix="extract") as pool:
                try:
                    running = {pool.submit(self._guarded, job) for job in jobs}
                    while running:
                        finished, running = wait(running, timeout=FLUSH_SECONDS, return_when=FIRST_COMPLETED)
                        fatal = fatal or next((f.exception() for f in finished if f.exception()), None)
                        further = [page for f in finished if not f.exception() and (page := f.result())]
                        if time.monotonic() < deadline:
                            running |= {pool.submit(self._guarded, partial(self._candles, page)) for page in further}
                        self._flush()
                except BaseException:
                    self.stop.set()
                    raise
        finally:
            self._flush()  # what is in the lake is queued, also when the task is told to stop
        if fatal:
            raise fatal
        wanted = len(names) + len(closing)
        if wanted and not self.summary.stored_candles:
            raise ShardFailed(f"expected candles of {wanted} symbols, got none: {self.summary.sentence}")
        return self.summary

    def _guarded(self, job: Callable[[], _Page | None]) -> _Page | None:
        """Run a job unless the shard stops; an error that concerns everyone stops it for everyone."""
        if self.stop.is_set():
            return None
        try:
            return job()
        except Exception:
            self.stop.set()
            raise

    def _candles(self, page: _Page) -> _Page | None:
        """Ask for one page of minutes; return the next one when this was full."""
        limit = self.exchange.capabilities.klines_page_limit
        try:
            start = self._first_start_ms(page.symbol, limit) if page.start_ms is None else page.start_ms
            answer = self.exchange.klines(page.symbol, Interval.MINUTE_1, start, limit)
        except ExchangeError as error:
            self._failed(page.symbol, DataType.KLINES, Interval.MINUTE_1, page.number, error)
            return None
        span = klines_span(answer.body, answer.exchange_time_ms)
        self._keep(page.symbol, DataType.KLINES, Interval.MINUTE_1, answer, span, page.number)
        if span.rows < limit or span.last_open_ms is None or span.last_open_ms < start:
            return None
        return _Page(page.symbol, page.number + 1, span.last_open_ms + Interval.MINUTE_1.milliseconds)

    def _book(self, symbol: str) -> None:
        """Ask for the order book once."""
        try:
            answer = self.exchange.depth(symbol, self.config.depth_levels)
        except ExchangeError as error:
            self._failed(symbol, DataType.DEPTH, None, 1, error)
            return
        self._keep(symbol, DataType.DEPTH, None, answer, depth_span(answer.body), 1)

    def _start_ms(self, watermark: datetime | None) -> int | None:
        """Where a series goes on: at its watermark, less the newest candles, which are read again."""
        if watermark is None:
            return None
        return to_ms(watermark) - (self.config.reread_candles - 1) * Interval.MINUTE_1.milliseconds

    def _first_start_ms(self, symbol: str, limit: int) -> int:
        """Where a series begins that has no watermark yet: counted from when the symbol was added, as what is missing is.

        The first answer comes in a later minute than that, or after hours of failures. Fresh candles go first all the same:
        what lies further back than a page is a gap.
        """
        step, minutes = Interval.MINUTE_1.milliseconds, self.config.first_fetch_minutes
        now = Interval.MINUTE_1.floor(self.exchange.time_ms())
        start = now - minutes * step
        if added := self.added_at.get(symbol):
            start = min(start, to_ms(symbols.asked_from(added, minutes)))
        return max(start, now - max(minutes, limit - 1) * step)

    def _keep(
        self, symbol: str, data_type: DataType, interval: Interval | None, answer: Answer, span: Span, page: int
    ) -> None:
        """Put an answer into the lake, then queue its outcome."""
        self.done.put(self._asked(symbol, data_type, interval, page).keep(self.lake, answer, span))

    def _failed(
        self, symbol: str, data_type: DataType, interval: Interval | None, page: int, error: ExchangeError
    ) -> None:
        """Leave a row for a request that failed; a ban or an empty budget concerns every symbol and stops the shard."""
        self.done.put(self._asked(symbol, data_type, interval, page).failed(error, utc_now()))
        if isinstance(error, IpBanned | BudgetExhausted):
            raise error

    def _asked(self, symbol: str, data_type: DataType, interval: Interval | None, page: int) -> Asked:
        return Asked(self.config.exchange, symbol, data_type, interval, page, self.run_id, self.name)

    def _flush(self) -> None:
        """Write the outcomes that are ready, in one commit, and count them."""
        ready = list(_drain(self.done))
        if not ready:
            return
        with self.warehouse.session() as session:
            outcomes.record(session, ready)
            unknown = [o.symbol for o in ready if o.error_kind == UnknownSymbol.__name__]
            symbols.expire_states(session, self.config.exchange, unknown)
        for outcome in ready:
            self.summary.count(outcome)
            if outcome.status == "failed":
                log.warning("%s %s failed: %s", outcome.symbol, outcome.data_type.value, outcome.error_message)


def _drain(done: queue.SimpleQueue[Outcome]) -> Iterator[Outcome]:
    while True:
        try:
            yield done.get_nowait()
        except queue.Empty:
            return
