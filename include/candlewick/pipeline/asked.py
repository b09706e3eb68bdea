"""A question to the exchange, the object its answer becomes, and the row its outcome leaves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from candlewick.lake.envelope import wrap
from candlewick.lake.keys import evidence_key, raw_key
from candlewick.market import DataType, Interval, Lane, Source
from candlewick.warehouse.database import from_ms
from candlewick.warehouse.outcomes import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.exchange.errors import ExchangeError
    from candlewick.exchange.port import Answer
    from candlewick.lake.store import Lake
    from candlewick.pipeline.payload import Span

ERROR_MESSAGE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was put into the lake."""

    bucket: str
    key: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, by which run."""

    exchange: str
    symbol: str
    data_type: DataType
    interval: Interval | None
    page: int
    run_id: str
    shard: str
    lane: Lane = Lane.LIVE

    def keep(self, lake: Lake, answer: Answer, span: Span, *, as_evidence: bool = False) -> Outcome:
        """Put an answer into the lake, byte for byte in its envelope; return the row that queues it for the load.

        ``as_evidence``: it lies apart and is not queued, now or by a rebuild, since nobody asked for its candles.
        """
        payload = wrap(
            answer.body,
            exchange=self.exchange,
            symbol=self.symbol,
            data_type=self.data_type,
            interval=self.interval,
            source=Source.REST,
            captured_at_ms=answer.captured_at_ms,
            exchange_time_ms=answer.exchange_time_ms,
        )
        bucket = lake.config.raw_bucket
        key = raw_key(self.symbol, self.data_type, self.interval, answer.captured_at_ms, self.page)
        key = evidence_key(key) if as_evidence else key
        lake.put(bucket, key, payload)
        outcome = self.stored(answer, span, StoredObject(bucket, key, payload))
        return replace(outcome, load_state="none") if as_evidence else outcome

    def stored(self, answer: Answer, span: Span, kept: StoredObject) -> Outcome:
        """Return the row of an answer that is in the lake; it queues the object for the load."""
        return replace(
            self._outcome("stored", from_ms(answer.captured_at_ms), load_state="pending"),
            bucket=kept.bucket,
            object_key=kept.key,
            payload_bytes=len(kept.payload),
            sha256=hashlib.sha256(kept.payload).hexdigest(),
            row_count=span.rows,
            first_open_time=None if span.first_open_ms is None else from_ms(span.first_open_ms),
            last_open_time=None if span.last_open_ms is None else from_ms(span.last_open_ms),
            host=answer.host,
            http_status=answer.http_status,
            weight=answer.weight,
            latency_ms=answer.latency_ms,
            exchange_time=from_ms(answer.exchange_time_ms),
        )

    def failed(self, error: ExchangeError, now: datetime) -> Outcome:
        """Return the row of a question without an answer."""
        return replace(
            self._outcome("failed", now, load_state="none"),
            host=error.host,
            http_status=error.http_status,
            error_kind=type(error).__name__,
            error_message=str(error)[:ERROR_MESSAGE_LIMIT],
        )

    def _outcome(self, status: str, captured_at: datetime, load_state: str) -> Outcome:
        return Outcome(
            exchange=self.exchange,
            symbol=self.symbol,
            data_type=self.data_type,
            interval_code=self.interval.value if self.interval else "",
            run_id=self.run_id,
            shard=self.shard,
            page=self.page,
            status=status,
            source=Source.REST,
            captured_at=captured_at,
            load_state=load_state,
            lane=self.lane,
        )
