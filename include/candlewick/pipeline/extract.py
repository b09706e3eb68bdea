"""Extract a shard of symbols: ask, keep every answer in the lake, leave an outcome row for each request.

The watermark does not move here but with the load, so whatever is lost on the way is asked for again. An object is
in the lake before its outcome is in the warehouse: killed in between, the object is an orphan that nobody misses.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.exchange.errors import BudgetExhausted, ExchangeError, IpBanned, UnknownSymbol
from candlewick.lake.envelope import wrap
from candlewick.lake.keys import raw_key
from candlewick.market import DataType, Interval, Source
from candlewick.pipeline.payload import Span, depth_span, klines_span
from candlewick.pipeline.symbols import utc_now
from candlewick.warehouse import outcomes, symbols, watermarks
from candlewick.warehouse.database import from_ms, to_ms
from candlewick.warehouse.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from candlewick.exchange.port import Answer, Exchange
    from candlewick.lake.store import Lake
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Warehouse

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
ERROR_MESSAGE_LIMIT = 1000


@dataclass
class ExtractSummary:
    """What a shard brought in."""

    stored: int = 0
    rows: int = 0
    failed: int = 0
    symbols_failed: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        failures = "; ".join(f"{symbol}: {why}" for symbol, why in sorted(self.symbols_failed.items()))
        return f"{self.stored} answers kept, {self.rows} rows" + (f"; failed: {failures}" if failures else "")


class ShardFailed(ExchangeError):
    """Not one symbol of the shard could be extracted."""


def extract_shard(
    exchange: Exchange, lake: Lake, warehouse: Warehouse, shard: dict[str, object], run_id: str
) -> ExtractSummary:
    """Extract candles and books of a shard ``{"name", "symbols"}``; many requests at once, one failing symbol alone.

    Raises:
        IpBanned: the exchange bans us; nothing more was sent once that was known.
        ShardFailed: every symbol failed.
        WarehouseError, LakeError: a store does not answer; what was kept before is queued.
    """
    return _Shard(exchange, lake, warehouse, str(shard["name"]), run_id).extract(list(shard["symbols"]))  # type: ignore[call-overload]


class _Shard:
    """One run over one shard: worker threads ask and put, the calling thread writes the outcomes."""

    def __init__(self, exchange: Exchange, lake: Lake, warehouse: Warehouse, name: str, run_id: str) -> None:
        self.exchange, self.lake, self.warehouse = exchange, lake, warehouse
        self.name, self.run_id = name, run_id
        self.config: Settings = warehouse.config
        self.done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.stop = threading.Event()

    def extract(self, names: list[str]) -> ExtractSummary:
        with self.warehouse.session() as session:
            marks = watermarks.last_open_times(session, self.config.exchange, DataType.KLINES, Interval.MINUTE_1.value)
        jobs: list[Callable[[], None]] = [lambda name=name: self._candles(name, marks.get(name)) for name in names]  # type: ignore[misc]
        if self.config.depth_levels:
            jobs += [lambda name=name: self._book(name) for name in names]  # type: ignore[misc]
        summary = ExtractSummary()
        fatal: Exception | None = None
        with ThreadPoolExecutor(self.config.request_concurrency, thread_name_prefix="extract") as pool:
            running: set[Future[None]] = {pool.submit(self._guarded, job) for job in jobs}
            try:
                while running:
                    finished, running = wait(running, timeout=FLUSH_SECONDS, return_when=FIRST_COMPLETED)
                    fatal = fatal or next((f.exception() for f in finished if f.exception()), None)  # type: ignore[assignment]
                    self._flush(summary)
            except BaseException:
                self.stop.set()
                raise
        self._flush(summary)
        if fatal:
            raise fatal
        if names and not summary.stored:
            raise ShardFailed(f"expected answers for {len(names)} symbols, got none: {summary.sentence}")
        return summary

    def _guarded(self, job: Callable[[], None]) -> None:
        """Run a job unless the shard stops; an error that concerns everyone stops it for everyone."""
        if self.stop.is_set():
            return
        try:
            job()
        except Exception:
            self.stop.set()
            raise

    def _candles(self, symbol: str, watermark: datetime | None) -> None:
        """Ask for the minutes since the watermark, page by page, the newest few again."""
        step = Interval.MINUTE_1.milliseconds
        limit = self.exchange.capabilities.klines_page_limit
        try:
            start = self._first_open_ms(watermark)
            for page in range(1, 1_000_000):
                answer = self.exchange.klines(symbol, Interval.MINUTE_1, start, limit)
                span = klines_span(answer.body, answer.exchange_time_ms)
                self._keep(symbol, DataType.KLINES, Interval.MINUTE_1, answer, span, page)
                if span.rows < limit or span.last_open_ms is None or span.last_open_ms < start or self.stop.is_set():
                    return
                start = span.last_open_ms + step
        except ExchangeError as error:
            self._failed(symbol, DataType.KLINES, Interval.MINUTE_1.value, error)

    def _book(self, symbol: str) -> None:
        """Ask for the order book once."""
        try:
            answer = self.exchange.depth(symbol, self.config.depth_levels)
            self._keep(symbol, DataType.DEPTH, None, answer, depth_span(answer.body), 1)
        except ExchangeError as error:
            self._failed(symbol, DataType.DEPTH, "", error)

    def _first_open_ms(self, watermark: datetime | None) -> int:
        step = Interval.MINUTE_1.milliseconds
        if watermark is None:
            return Interval.MINUTE_1.floor(self.exchange.time_ms()) - self.config.first_fetch_minutes * step
        return to_ms(watermark) - (self.config.reread_candles - 1) * step

    def _keep(
        self, symbol: str, data_type: DataType, interval: Interval | None, answer: Answer, span: Span, page: int
    ) -> None:
        """Put an answer into the lake, then queue its outcome."""
        payload = wrap(
            answer.body,
            exchange=self.config.exchange,
            symbol=symbol,
            data_type=data_type,
            interval=interval,
            source=Source.REST,
            captured_at_ms=answer.captured_at_ms,
            exchange_time_ms=answer.exchange_time_ms,
        )
        key = raw_key(symbol, data_type, interval, answer.captured_at_ms, page)
        self.lake.put(self.config.raw_bucket, key, payload)
        self.done.put(
            Outcome(
                exchange=self.config.exchange,
                symbol=symbol,
                data_type=data_type,
                interval_code=interval.value if interval else "",
                run_id=self.run_id,
                shard=self.name,
                page=page,
                status="stored",
                source=Source.REST,
                captured_at=from_ms(answer.captured_at_ms),
                load_state="pending",
                bucket=self.config.raw_bucket,
                object_key=key,
                payload_bytes=len(payload),
                sha256=hashlib.sha256(payload).hexdigest(),
                row_count=span.rows,
                first_open_time=_moment(span.first_open_ms),
                last_open_time=_moment(span.last_open_ms),
                host=answer.host,
                http_status=answer.http_status,
                weight=answer.weight,
                latency_ms=answer.latency_ms,
                exchange_time=from_ms(answer.exchange_time_ms),
            )
        )

    def _failed(self, symbol: str, data_type: DataType, interval_code: str, error: ExchangeError) -> None:
        """Leave a row for a request that failed; a ban or an empty budget concerns every symbol and stops the shard."""
        self.done.put(
            Outcome(
                exchange=self.config.exchange,
                symbol=symbol,
                data_type=data_type,
                interval_code=interval_code,
                run_id=self.run_id,
                shard=self.name,
                page=1,
                status="failed",
                source=Source.REST,
                captured_at=utc_now(),
                load_state="none",
                http_status=error.http_status,
                error_kind=type(error).__name__,
                error_message=str(error)[:ERROR_MESSAGE_LIMIT],
            )
        )
        if isinstance(error, IpBanned | BudgetExhausted):
            raise error

    def _flush(self, summary: ExtractSummary) -> None:
        """Write the outcomes that are ready, in one commit, and count them."""
        ready = list(_drain(self.done))
        if not ready:
            return
        with self.warehouse.session() as session:
            outcomes.record(session, ready)
            unknown = [o.symbol for o in ready if o.error_kind == UnknownSymbol.__name__]
            symbols.expire_states(session, self.config.exchange, unknown)
        for outcome in ready:
            if outcome.status == "stored":
                summary.stored += 1
                summary.rows += outcome.row_count or 0
            else:
                summary.failed += 1
                summary.symbols_failed[outcome.symbol] = outcome.error_message or ""
                log.warning("%s %s failed: %s", outcome.symbol, outcome.data_type.value, outcome.error_message)


def _drain(done: queue.SimpleQueue[Outcome]) -> Iterator[Outcome]:
    while True:
        try:
            yield done.get_nowait()
        except queue.Empty:
            return


def _moment(stamp_ms: int | None) -> datetime | None:
    return None if stamp_ms is None else from_ms(stamp_ms)
