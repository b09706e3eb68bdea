"""An edition of an archive file that lies in the lake, and the rows that queue it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.market import DataType, Lane
from candlewick.warehouse import archive_files, outcomes, processed
from candlewick.warehouse.archive_files import FileState
from candlewick.warehouse.database import from_ms, utc_now
from candlewick.warehouse.outcomes import Outcome
from candlewick.warehouse.processed import ProcessedObject, QuarantinedRow

if TYPE_CHECKING:
    from candlewick.archive_file import ArchiveFile
    from candlewick.market import RejectReason
    from candlewick.warehouse.database import Session
    from candlewick.warehouse.outcomes import LoadableObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """A file as it was put into the lake; ``host``, ``latency_ms`` and ``last_modified_ms`` where it was downloaded."""

    exchange: str
    file: ArchiveFile
    bucket: str
    key: str
    sha256: str
    payload_bytes: int
    captured_at_ms: int
    last_modified_ms: int | None = None
    host: str | None = None
    latency_ms: int | None = None

    def record(self, session: Session, run_id: str, load_state: str) -> LoadableObject:
        """Write its outcome row, which queues it when ``load_state`` is pending. All its candles are final."""
        file = self.file
        outcome = Outcome(
            exchange=self.exchange, symbol=file.symbol, data_type=DataType.KLINES, interval_code=file.interval.value,
            run_id=run_id, shard=file.name, page=1, status="stored", source=file.granularity.source,
            captured_at=from_ms(self.captured_at_ms), load_state=load_state, lane=Lane.BACKFILL,
            bucket=self.bucket, object_key=self.key, payload_bytes=self.payload_bytes, sha256=self.sha256,
            first_open_time=from_ms(file.start_ms), last_open_time=from_ms(file.end_ms - file.interval.milliseconds),
            exchange_time=from_ms(file.end_ms), host=self.host, http_status=200 if self.host else None,
            latency_ms=self.latency_ms,
        )  # fmt: skip
        outcomes.record(session, [outcome])
        (found,) = outcomes.named(session, [self.key])
        return found

    def take(self, session: Session, run_id: str, reason: str | None = None) -> LoadableObject:
        """Queue it and make it the file's newest edition, in the transaction of ``archive_files.asked``."""
        queued = self.record(session, run_id, "pending")
        published_at = None if self.last_modified_ms is None else from_ms(self.last_modified_ms)
        archive_files.change(
            session, self.exchange, self.file,
            state=FileState.STORED, checksum=self.sha256, object_id=queued.object_id, attempts=0, reason=reason,
            payload_bytes=self.payload_bytes, published_at=published_at,
        )  # fmt: skip
        archive_files.count_edition(session, self.exchange, self.file)
        return queued

    def refuse(self, session: Session, run_id: str, why: RejectReason, offending: str) -> LoadableObject:
        """Put it into quarantine as a whole: what a load leaves that takes nothing of it."""
        refused, now = self.record(session, run_id, "quarantined"), utc_now()
        load_id = processed.begin_load(session, Lane.BACKFILL, run_id, now)
        found = ProcessedObject(
            refused, record_count=0, rejected_count=1, sha256=self.sha256, payload_bytes=self.payload_bytes,
            reason=f"{why}: {why.sentence}",
        )  # fmt: skip
        processed.record_objects(session, load_id, [found], now)
        rows = [QuarantinedRow(refused, 0, None, why, offending)]
        processed.record_quarantine(session, load_id, [refused.object_id], rows, now)
        outcomes.settle(session, [refused.object_id], "quarantined", load_id)
        processed.finish_load(session, load_id, 1, {}, 1, now)
        return refused
