"""The row of an answer that lies in the lake and has none: its key says what was asked, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.market import Lane, Source
from candlewick.warehouse.database import from_ms
from candlewick.warehouse.outcomes import Outcome

if TYPE_CHECKING:
    from candlewick.lake.keys import RawKey


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundAnswer:
    """An answer as a listing or a bundle shows it; ``named`` is its key, read."""

    named: RawKey
    bucket: str
    key: str
    payload_bytes: int
    sha256: str | None = None
    bundle_id: int | None = None

    def outcome(self, exchange: str, run_id: str, shard: str, *, is_queued: bool = True) -> Outcome:
        """Return its row; it queues the answer in the lane of backfills, unless it is evidence and nothing else."""
        interval = self.named.interval
        return Outcome(
            exchange=exchange, symbol=self.named.symbol, data_type=self.named.data_type,
            interval_code=interval.value if interval else "", run_id=run_id, shard=shard, page=self.named.page,
            status="stored", source=Source.REST, captured_at=from_ms(self.named.captured_at_ms),
            load_state="pending" if is_queued else "none", lane=Lane.BACKFILL, bucket=self.bucket, object_key=self.key,
            payload_bytes=self.payload_bytes, sha256=self.sha256, bundle_id=self.bundle_id,
        )  # fmt: skip
