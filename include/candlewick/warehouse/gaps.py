"""The rows of the gap ledger. Rows of a series that are not closed never overlap."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.market import DataType, GapReason
from candlewick.spans import Span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session

EVIDENCE_LIMIT, CLOSED_BY_LIMIT = 2000, 255
_COLUMNS = (
    "gap_id, exchange, symbol, data_type, interval_code, from_time, to_time, reason, evidence, status, attempts, "
    "next_attempt_at, detected_at"
)


class GapStatus(StrEnum):
    """What becomes of a gap."""

    OPEN = "open"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A row; ``gap_id`` 0 is one that is not written yet. Times are naive UTC."""

    exchange: str
    symbol: str
    data_type: DataType
    interval_code: str
    span: Span
    detected_at: datetime
    gap_id: int = 0
    reason: GapReason = GapReason.UNKNOWN
    evidence: dict[str, Any] = field(default_factory=dict)
    status: GapStatus = GapStatus.OPEN
    attempts: int = 0
    next_attempt_at: datetime | None = None

    @property
    def rule(self) -> str:
        """The rule that gave the reason; empty: none did yet."""
        return str(self.evidence.get("rule", ""))


def standing(
    session: Session,
    exchange: str,
    data_type: DataType,
    *,
    symbol: str | None = None,
    status: GapStatus | None = None,
    ending_from: datetime | None = None,
) -> list[Gap]:
    """Return the rows that are not closed, in order: of one symbol, in one status, that end then or later, or all."""
    query = f"SELECT {_COLUMNS} FROM gap_ledger WHERE exchange = %s AND data_type = %s AND status <> 'closed'"
    parameters: list[object] = [exchange, data_type.value]
    for condition, value in (("symbol = %s", symbol), ("status = %s", status), ("to_time >= %s", ending_from)):
        if value is not None:
            query, parameters = f"{query} AND {condition}", [*parameters, value]
    return [_gap(row) for row in session.all(f"{query} ORDER BY symbol, from_time", parameters)]


def due(
    session: Session, exchange: str, now: datetime, most: int, *, symbols: Sequence[str] | None = None
) -> list[Gap]:
    """Return the gaps of candles that are to be tried now, the longest waiting first: of these symbols, or of all."""
    of_symbols = f"AND symbol IN ({', '.join(['%s'] * len(symbols))}) " if symbols else ""
    rows = session.all(
        f"SELECT {_COLUMNS} FROM gap_ledger WHERE status IN ('open', 'unexplained') AND next_attempt_at <= %s AND exchange = %s "
        f"AND data_type = 'klines' {of_symbols}ORDER BY next_attempt_at, gap_id LIMIT %s",
        (now, exchange, *(symbols or ()), most),
    )
    return [_gap(row) for row in rows]


def add(session: Session, gap: Gap, now: datetime) -> int:
    """Write a new row; return its id."""
    return session.insert(
        "INSERT INTO gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, evidence, "
        "status, attempts, next_attempt_at, detected_at, updated_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            gap.exchange, gap.symbol, gap.data_type.value, gap.interval_code, gap.span.start, gap.span.end,
            gap.span.minutes, gap.reason.value, evidence_text(gap.evidence), gap.status.value, gap.attempts,
            gap.next_attempt_at, gap.detected_at, now,
        ),
    )  # fmt: skip


def rewrite(session: Session, gap: Gap, now: datetime) -> None:
    """Write a row anew, unless it was closed meanwhile; series and detection stay."""
    session.run(
        "UPDATE gap_ledger SET from_time = %s, to_time = %s, minutes = %s, reason = %s, evidence = %s, status = %s, "
        "attempts = %s, next_attempt_at = %s, updated_at = %s WHERE gap_id = %s AND status <> 'closed'",
        (
            gap.span.start, gap.span.end, gap.span.minutes, gap.reason.value, evidence_text(gap.evidence),
            gap.status.value, gap.attempts, gap.next_attempt_at, now, gap.gap_id,
        ),
    )  # fmt: skip


def close(session: Session, gap_id: int, closed_by: str, now: datetime) -> None:
    """Close a row and say what closed it."""
    session.run(
        "UPDATE gap_ledger SET status = 'closed', next_attempt_at = NULL, closed_at = %s, closed_by = %s, updated_at = %s "
        "WHERE gap_id = %s",
        (now, closed_by[:CLOSED_BY_LIMIT], now, gap_id),
    )


def evidence_text(evidence: dict[str, Any]) -> str | None:
    """Return evidence as the column holds it; when it is too long, its longest lists lose their last items."""
    if not evidence:
        return None
    kept = dict(evidence)
    while len(text := json.dumps(kept, ensure_ascii=False, default=str)) > EVIDENCE_LIMIT:
        lists = [name for name, value in kept.items() if isinstance(value, list) and value]
        longest = max(lists, key=lambda name: len(json.dumps(kept[name], default=str)), default=None)
        if longest is None:
            return text[:EVIDENCE_LIMIT]
        kept[longest] = kept[longest][:-1]
        kept["is_cut"] = True
    return text


def _gap(row: Sequence[Any]) -> Gap:
    (
        gap_id,
        exchange,
        symbol,
        data_type,
        interval_code,
        start,
        end,
        reason,
        evidence,
        status,
        attempts,
        due_at,
        found,
    ) = row
    return Gap(
        gap_id=gap_id, exchange=exchange, symbol=symbol, data_type=DataType(data_type), interval_code=interval_code,
        span=Span(start, end), reason=GapReason(reason), evidence=read_evidence(evidence), status=GapStatus(status),
        attempts=attempts, next_attempt_at=due_at, detected_at=found,
    )  # fmt: skip


def read_evidence(evidence: str | None) -> dict[str, Any]:
    """Read the column; what is no JSON object becomes one."""
    try:
        found = json.loads(evidence or "{}")
    except json.JSONDecodeError:  # it was cut
        return {"text": evidence}
    return found if isinstance(found, dict) else {"text": evidence}
