"""The ledger of archive files: which edition of each is in the lake, what became of it, when it was asked for last.

An edition in the lake is an outcome row (``object_id``); whether it is queued, loaded or in quarantine stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.archive_file import ArchiveFile, Granularity
from candlewick.market import Interval, RejectReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session

REASON_LIMIT = 500
RECENT = timedelta(days=70)
"""A missing or refused file whose period began within this is asked for again: by then its month was published too."""


class FileState(StrEnum):
    """What became of a file."""

    STORED = "stored"
    LOADED = "loaded"
    MISSING = "missing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a file. ``sha256`` and ``load_state`` are those of the newest edition in the lake."""

    file: ArchiveFile
    state: FileState
    checksum: str | None
    reason: str | None
    attempts: int
    object_id: int | None
    payload_bytes: int | None
    sha256: str | None
    load_state: str | None
    is_bad_archive: bool

    @property
    def usable_sha256(self) -> str | None:
        """The sha256 of an edition that is loaded or queued; None when there is none."""
        return self.sha256 if self.load_state in ("pending", "loaded") else None

    @property
    def useless_sha256(self) -> str | None:
        """The sha256 of an edition that is what its publisher says and still cannot be read; None when there is none."""
        return self.sha256 if self.load_state == "quarantined" and self.is_bad_archive else None


_KEY = "f.exchange = %s AND f.symbol = %s AND f.interval_code = %s AND f.granularity = %s AND f.period_start = %s"
_KNOWN = (
    "SELECT f.symbol, f.interval_code, f.granularity, f.period_start, f.state, f.checksum, f.reason, f.attempts, "
    "f.object_id, f.payload_bytes, o.sha256, o.load_state, EXISTS (SELECT 1 FROM quarantined_rows AS q "
    f"WHERE q.object_id = f.object_id AND q.row_number_in_object = 0 AND q.reason = '{RejectReason.BAD_ARCHIVE}') "
    "FROM archive_files AS f LEFT JOIN extraction_outcomes AS o ON o.outcome_id = f.object_id"
)


def known(session: Session, exchange: str, file: ArchiveFile) -> Known | None:
    """Return what is known of a file; None when it was never asked for."""
    row = session.one(f"{_KNOWN} WHERE {_KEY}", _key(exchange, file))
    return _known(row) if row else None


def asked(session: Session, exchange: str, file: ArchiveFile, state: FileState, now: datetime) -> Known:
    """Note that a file was asked for, and return what is known of it; nobody else may change that until the commit.

    ``state`` is that of a file that was never asked for before; the state of another one stays.
    """
    session.run(
        "INSERT INTO archive_files (exchange, symbol, interval_code, granularity, period_start, path, state, checked_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE checked_at = VALUES(checked_at)",
        (*_key(exchange, file), file.path, state, now),
    )
    found = known(session, exchange, file)
    if found is None:
        raise RuntimeError(f"expected the row of {file.name} that was just written")
    return found


def change(session: Session, exchange: str, file: ArchiveFile, **values: object) -> None:
    """Change columns of a file's row, in the transaction of ``asked``; a reason is cut to what the column holds."""
    if isinstance(reason := values.get("reason"), str):
        values["reason"] = reason[:REASON_LIMIT]
    columns = ", ".join(f"f.{name} = %s" for name in values)
    session.run(f"UPDATE archive_files AS f SET {columns} WHERE {_KEY}", (*values.values(), *_key(exchange, file)))


def count_edition(session: Session, exchange: str, file: ArchiveFile) -> None:
    """Count an edition that is now in the lake."""
    session.run(f"UPDATE archive_files AS f SET f.editions = f.editions + 1 WHERE {_KEY}", _key(exchange, file))


def settle(session: Session, object_id: int, fault: str | None) -> None:
    """Note what a load found in an edition, in its transaction; one that is not the newest changes nothing.

    With a fault (the zip is damaged although its checksum is right, the object is gone) the file is ``refused``; the
    daily look asks for it again.
    """
    session.run(
        "UPDATE archive_files SET state = %s, reason = %s WHERE object_id = %s",
        (FileState.REFUSED if fault else FileState.LOADED, fault and fault[:REASON_LIMIT], object_id),
    )


def worth_a_look(session: Session, exchange: str, most: int, now: datetime) -> list[Known]:
    """Return the files whose checksum may have changed, those that were not looked at for longest first.

    Every file with an edition in the lake, and recent ones that were missing or refused.
    """
    rows = session.all(
        f"{_KNOWN} WHERE f.exchange = %s AND (f.object_id IS NOT NULL OR f.period_start >= %s) "
        "ORDER BY f.checked_at, f.symbol, f.period_start LIMIT %s",
        (exchange, (now - RECENT).date(), most),
    )
    return [_known(row) for row in rows]


def looked_at(session: Session, exchange: str, files: Sequence[ArchiveFile], now: datetime) -> None:
    """Note that files were asked for."""
    for file in files:
        change(session, exchange, file, checked_at=now)


def _key(exchange: str, file: ArchiveFile) -> tuple[object, ...]:
    return exchange, file.symbol, file.interval, file.granularity, file.period_start


def _known(row: tuple[Any, ...]) -> Known:
    symbol, interval_code, granularity, period_start, state, *rest = row
    file = ArchiveFile(symbol, Interval(interval_code), Granularity(granularity), period_start)
    return Known(file, FileState(state), *rest)
