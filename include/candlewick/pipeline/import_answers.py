"""Answers of the exchange from local files, in our envelope or an older one, into the lake and onto the queue."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from candlewick.lake.envelope import unwrap
from candlewick.lake.keys import parse_raw_key, raw_key
from candlewick.lake.older_envelope import is_older, rewrap
from candlewick.market import DataType, Lane
from candlewick.pipeline.payload import Span, depth_span, klines_span
from candlewick.settings import SYMBOL_PATTERN
from candlewick.warehouse import outcomes
from candlewick.warehouse.database import from_ms, to_ms, utc_now
from candlewick.warehouse.outcomes import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from candlewick.lake.envelope import Envelope
    from candlewick.lake.store import Lake
    from candlewick.pipeline.imported import ImportSummary, Wanted
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

BATCH = 200
LARGEST_BYTES = 64 << 20
SHARD = "files"
CLOCKS_DIFFER_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that is not in the lake yet."""

    payload: bytes
    sha256: str
    outcome: Outcome


class Answers:
    """Collects answers and queues them a batch at a time; its session commits each."""

    def __init__(
        self, lake: Lake, session: Session, config: Settings, run_id: str, wanted: Wanted, summary: ImportSummary
    ) -> None:
        self.lake, self.session, self.config, self.run_id = lake, session, config, run_id
        self.wanted, self.summary = wanted, summary
        self.waiting: dict[str, _Answer] = {}

    def take(self, path: Path) -> None:
        """Read one file; queue it unless it is known or not wanted.

        Raises:
            ValueError: it is no answer; the message says why.
        """
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"expected an answer of at most {LARGEST_BYTES} bytes, got {path.stat().st_size}")
        payload = path.read_bytes()
        if is_older(payload):
            payload = rewrap(payload, self.config.exchange)
        envelope = unwrap(payload)
        self._demand_sense(envelope)
        span = _span(envelope)
        stamps = [stamp for stamp in (span.first_open_ms, span.last_open_ms) if stamp is not None]
        stamps = stamps or [envelope.captured_at]
        if not self.wanted.has(envelope.symbol, envelope.interval, stamps[0], stamps[-1]):
            self.summary.left_out += 1
            return
        told = parse_raw_key(path.name)
        self._queue(envelope, payload, span, told.page if told else 1)
        if len(self.waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Put what waits into the lake, then queue it in one commit."""
        answers, self.waiting = self.waiting, {}
        if not answers:
            return
        with ThreadPoolExecutor(self.config.lake_concurrency, thread_name_prefix="lake") as pool:
            puts = pool.map(lambda key: self.lake.put(self.config.raw_bucket, key, answers[key].payload), answers)
            list(puts)
        outcomes.record(self.session, [one.outcome for one in answers.values()])
        queued = outcomes.named(self.session, list(answers))
        self.session.commit()
        for one in queued:
            self.summary.queued(one.object_id, one.payload_bytes)

    def _demand_sense(self, envelope: Envelope) -> None:
        if envelope.exchange != self.config.exchange or not SYMBOL_PATTERN.fullmatch(envelope.symbol):
            raise ValueError(
                f"expected a symbol of {self.config.exchange}, got {envelope.symbol!r} of {envelope.exchange!r}"
            )
        if envelope.source.is_archive:
            raise ValueError(
                f"expected an answer to a question, got one that says its source is {envelope.source.value}"
            )
        now_ms = to_ms(utc_now())
        if max(envelope.captured_at, envelope.server_time) > now_ms + CLOCKS_DIFFER_MS:
            # It would win against every later capture, and unfinished candles would pass for final.
            raise ValueError(
                f"expected an answer of the past, got one captured at {from_ms(envelope.captured_at)} when the exchange's "
                f"clock showed {from_ms(envelope.server_time)}"
            )
        if (envelope.interval is None) != (envelope.type is DataType.DEPTH):
            raise ValueError(f"expected an interval with klines and none with depth, got {envelope.interval!r}")

    def _queue(self, envelope: Envelope, payload: bytes, span: Span, first_page: int) -> None:
        """Find the answer's key: the page its name says, or the next that is free; with its own content it is known."""
        sha256 = hashlib.sha256(payload).hexdigest()
        for page in count(first_page):
            key = raw_key(envelope.symbol, envelope.type, envelope.interval, envelope.captured_at, page)
            if waiting := self.waiting.get(key):
                if waiting.sha256 == sha256:
                    self.summary.skipped += 1
                    return
                continue
            known = self._known(key)
            if known is None:
                self.waiting[key] = _Answer(payload, sha256, self._outcome(envelope, span, key, page, payload, sha256))
                return
            if known[1] == sha256:
                is_queued = tuple(known[2:]) == ("pending", Lane.BACKFILL.value)
                self.summary.known(known[0], len(payload), is_queued=is_queued)
                return

    def _known(self, key: str) -> tuple[Any, ...] | None:
        """Return (id, sha256, load state, lane) of the answer with this key, also when its outcome was pruned."""
        return self.session.one(
            "SELECT o.outcome_id, COALESCE(o.sha256, p.sha256), o.load_state, o.lane FROM extraction_outcomes AS o "
            "LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id WHERE o.object_key = %s",
            (key,),
        ) or self.session.one(
            "SELECT object_id, sha256, 'loaded', '' FROM processed_files WHERE object_key = %s", (key,)
        )

    def _outcome(self, envelope: Envelope, span: Span, key: str, page: int, payload: bytes, sha256: str) -> Outcome:
        first, last = (None if stamp is None else from_ms(stamp) for stamp in (span.first_open_ms, span.last_open_ms))
        return Outcome(
            exchange=envelope.exchange, symbol=envelope.symbol, data_type=envelope.type,
            interval_code=envelope.interval.value if envelope.interval else "", run_id=self.run_id, shard=SHARD,
            page=page, status="stored", source=envelope.source, captured_at=from_ms(envelope.captured_at),
            load_state="pending", lane=Lane.BACKFILL, bucket=self.config.raw_bucket, object_key=key,
            payload_bytes=len(payload), sha256=sha256, row_count=span.rows, first_open_time=first, last_open_time=last,
            exchange_time=from_ms(envelope.server_time),
        )  # fmt: skip


def _span(envelope: Envelope) -> Span:
    """Measure an answer, whatever it holds; garbage has no row and is judged by the load."""
    if envelope.data_encoding != "json":
        return Span(0)
    data = bytes(envelope.data)
    return depth_span(data) if envelope.type is DataType.DEPTH else klines_span(data, envelope.server_time)
