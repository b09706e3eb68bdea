"""Backfills and their parts: how far they are, at what pace, and when they will be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "backfill_id", "run_id", "exchange", "symbols", "interval_code", "source", "state", "part_count", "finished_parts",
    "missing_parts", "failed_parts", "pending_parts", "object_count", "rows_loaded", "payload_bytes", "rows_per_second",
    "eta_seconds", "is_forced", "is_kept", "from_time", "to_time", "requested_at", "updated_at", "finished_at",
)  # fmt: skip
PARTS = (
    "part_number", "symbol", "interval_code", "method", "from_time", "to_time", "state", "object_count", "row_count",
    "payload_bytes", "seconds", "reason", "finished_at",
)  # fmt: skip
KEY, PARTS_KEY = (int,), (int,)
NEWEST, BEFORE_ALL = 2**63 - 1, 0

# The pace is counted over the last minutes: numbers of the parts of one backfill, by the key of the parts.
_NEWEST = "SELECT backfill_id FROM {raw}.backfills WHERE backfill_id < :before ORDER BY backfill_id DESC LIMIT :most"
_OF_RUN = "SELECT backfill_id FROM {raw}.backfills WHERE run_id = :run_id"
_PROGRESS = f"SELECT {', '.join(COLUMNS)} FROM backfill_progress WHERE backfill_id IN :ids ORDER BY backfill_id DESC"
_PARTS = f"""
SELECT {", ".join(PARTS)} FROM {{raw}}.backfill_parts
WHERE backfill_id = :backfill_id AND part_number > :after
    AND (:state IS NULL OR state = :state)
ORDER BY backfill_id, part_number
LIMIT :most
"""


def newest(reader: Reader, limit: int, before: int | None = None) -> Page:
    """Return a page of backfills, newest first; ``before`` is the id the page before ended with."""
    found = reader.rows(_NEWEST, before=NEWEST if before is None else before, most=limit + 1)
    return cut(_progress(reader, [row["backfill_id"] for row in found]), limit, "backfill_id")


def of_run(reader: Reader, run_id: str) -> dict[str, Any] | None:
    """Return the backfill of a run of market_backfill; None while it has not planned one."""
    found = reader.one(_OF_RUN, run_id=run_id)
    return _progress(reader, [found["backfill_id"]])[0] if found else None


def parts(reader: Reader, backfill_id: int, limit: int, after: int | None = None, state: str | None = None) -> Page:
    """Return a page of a backfill's parts, in their order."""
    rows = reader.rows(
        _PARTS,
        backfill_id=backfill_id,
        after=BEFORE_ALL if after is None else after,
        state=state,
        most=limit + 1,
    )
    return cut(rows, limit, "part_number")


def _progress(reader: Reader, ids: list[int]) -> list[dict[str, Any]]:
    rows = reader.rows(_PROGRESS, ids=ids) if ids else []
    for row in rows:
        row["is_forced"], row["is_kept"] = bool(row["is_forced"]), bool(row["is_kept"])
    return rows
