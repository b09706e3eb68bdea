"""A span of candles by REST, page by page, into the lake and onto the queue of the backfill lane.

Every answer is queued before the next question is sent: killed anywhere, what is in the lake is loaded later.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.exchange.errors import BudgetExhausted, ExchangeError, RateLimited, Unavailable
from candlewick.market import DataType, Interval, Lane
from candlewick.pipeline.asked import Asked
from candlewick.pipeline.payload import klines_span
from candlewick.warehouse import outcomes
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from candlewick.exchange.port import Answer, Exchange
    from candlewick.lake.store import Lake
    from candlewick.pipeline.payload import Span
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.outcomes import Outcome

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 600.0
LABEL_LIMIT = 120


@dataclass
class FetchedSpan:
    """What was kept of a span; open times are ms, None when no candle came."""

    object_ids: list[int] = field(default_factory=list)
    object_keys: list[str] = field(default_factory=list)
    rows: int = 0
    payload_bytes: int = 0
    first_open_ms: int | None = None
    last_open_ms: int | None = None


def fetch_span(  # noqa: PLR0913  # three ports and a series: to bundle them would only move the names
    exchange: Exchange,
    lake: Lake,
    warehouse: Warehouse,
    symbol: str,
    interval: Interval,
    start_ms: int,
    end_ms: int,
    run_id: str,
    *,
    label: str,
) -> FetchedSpan:
    """Ask for the candles that open in [start_ms, end_ms); keep every answer, empty ones too, and queue it.

    Args:
        exchange: who is asked; one with a share of its own (``connections.exchange(weight_share)``) leaves the fresh
            candles their room.
        lake: where the answers go.
        warehouse: where their outcomes go.
        symbol: as the exchange writes it.
        interval: of the candles.
        start_ms: first open time wanted.
        end_ms: first open time no longer wanted.
        run_id: goes into the outcomes.
        label: goes into the outcomes as their shard, for people.

    Raises:
        ExchangeError: an answer did not come, or nobody can read it; a used up minute is waited out before. The failed
            question has a row, what came before is queued.
        LakeError, WarehouseError: a store does not answer.
    """
    return _Span(exchange, lake, warehouse, symbol, interval, run_id, label[:LABEL_LIMIT]).fetch(start_ms, end_ms)


class _Span:
    """One call: pages in order."""

    def __init__(
        self,
        exchange: Exchange,
        lake: Lake,
        warehouse: Warehouse,
        symbol: str,
        interval: Interval,
        run_id: str,
        label: str,
    ) -> None:
        self.exchange, self.lake, self.warehouse = exchange, lake, warehouse
        self.symbol, self.interval, self.run_id, self.label = symbol, interval, run_id, label
        self.found = FetchedSpan()

    def fetch(self, start_ms: int, end_ms: int) -> FetchedSpan:
        step, limit = self.interval.milliseconds, self.exchange.capabilities.klines_page_limit
        at = -(-start_ms // step) * step
        while at < end_ms:
            asked = self._asked(at)
            try:
                answer = self._ask_patiently(at, limit, end_ms)
            except ExchangeError as error:
                self._record(asked.failed(error, utc_now()))
                raise
            span = klines_span(answer.body, answer.exchange_time_ms)
            self._record(asked.keep(self.lake, answer, span))
            self._reach(span)
            if span.last_open_ms is None:
                _demand_empty(answer, self.symbol)
            if span.rows < limit or span.last_open_ms is None or span.last_open_ms < at:
                break
            at = self.interval.floor(span.last_open_ms) + step
        return self.found

    def _ask_patiently(self, at: int, limit: int, end_ms: int) -> Answer:
        """Ask for a page; when our share of the minute is used up, or a pause is asked for, wait as long as was named."""
        patience = LONGEST_WAIT_SECONDS
        while True:
            try:
                return self.exchange.klines(self.symbol, self.interval, at, limit, end_ms - 1)
            except (BudgetExhausted, RateLimited) as error:
                patience -= max(error.retry_after_seconds, 1.0)
                if patience < 0:
                    raise
                log.info("%s: %s", self.label, error)
                time.sleep(error.retry_after_seconds)

    def _reach(self, span: Span) -> None:
        """Note which open times have come."""
        stamps = [
            stamp
            for stamp in (span.first_open_ms, span.last_open_ms, self.found.first_open_ms, self.found.last_open_ms)
            if stamp is not None
        ]
        self.found.first_open_ms, self.found.last_open_ms = min(stamps, default=None), max(stamps, default=None)

    def _asked(self, at: int) -> Asked:
        """Name the question by its first candle, counted from 1970: no two spans of a series share a key that way."""
        return Asked(
            exchange=self.warehouse.config.exchange,
            symbol=self.symbol,
            data_type=DataType.KLINES,
            interval=self.interval,
            page=at // self.interval.milliseconds,
            run_id=self.run_id,
            shard=self.label,
            lane=Lane.BACKFILL,
        )

    def _record(self, outcome: Outcome) -> None:
        """Write an outcome, and count what it brought."""
        with self.warehouse.session() as session:
            outcomes.record(session, [outcome])
            kept = outcomes.named(session, [outcome.object_key]) if outcome.object_key else []
        found = self.found
        for one in kept:
            found.object_ids.append(one.object_id)
            found.object_keys.append(one.object_key)
        found.rows += outcome.row_count or 0
        found.payload_bytes += outcome.payload_bytes or 0


def _demand_empty(answer: Answer, symbol: str) -> None:
    """Tell an answer without candles from one that nobody can read; the latter ends in quarantine."""
    if answer.body.strip() != b"[]":
        raise Unavailable(
            f"expected candles of {symbol} or an empty list, got {answer.body[:60]!r}; it is kept, try again"
        ).at(answer.host)
