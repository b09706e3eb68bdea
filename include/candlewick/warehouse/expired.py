"""Which rows were deleted on purpose: spans by symbol, joined, and how far they reach.

``expired_spans`` decides what is expected and what may go at once; ``retention_horizons`` says only the newest moment
before which something was expired. Both are written before the rows go.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from candlewick.spans import Span, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session

_SERIES = "exchange = %s AND data_type = %s AND interval_code = %s"


def spans(session: Session, exchange: str, data_type: str, interval_code: str) -> dict[str, list[Span]]:
    """Return the expired spans of each symbol, in order; they neither overlap nor touch.

    Args:
        session: reads the ledger.
        exchange: of the symbols.
        data_type: klines, depth or indicators.
        interval_code: 1m; empty for depth.
    """
    found: dict[str, list[Span]] = defaultdict(list)
    for symbol, start, end in session.all(
        f"SELECT symbol, from_time, to_time FROM expired_spans WHERE {_SERIES}", (exchange, data_type, interval_code)
    ):
        found[symbol].append(Span(start, end))
    return {symbol: joined(of_symbol) for symbol, of_symbol in found.items()}


def add(
    session: Session,
    exchange: str,
    data_type: str,
    interval_code: str,
    new: Mapping[str, Sequence[Span]],
    now: datetime,
) -> None:
    """Write spans of symbols as expired, joined with those they touch, and move the horizons; the caller commits."""
    known, rows = spans(session, exchange, data_type, interval_code), []
    for symbol, of_symbol in new.items():
        before = known.get(symbol, [])
        after = joined([*before, *of_symbol])
        rows += [(exchange, symbol, data_type, interval_code, s.start, s.end, now) for s in after if s not in before]
        for start in sorted({span.start for span in before} - {span.start for span in after}):
            session.run(
                f"DELETE FROM expired_spans WHERE {_SERIES} AND symbol = %s AND from_time = %s",
                (exchange, data_type, interval_code, symbol, start),
            )
    session.run_many(
        "INSERT INTO expired_spans (exchange, symbol, data_type, interval_code, from_time, to_time, updated_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) "
        "ON DUPLICATE KEY UPDATE to_time = VALUES(to_time), updated_at = VALUES(updated_at)",
        rows,
    )
    ends: dict[datetime, list[str]] = defaultdict(list)
    for symbol, of_symbol in new.items():
        if of_symbol:
            ends[max(span.end for span in of_symbol)].append(symbol)
    for end, symbols in ends.items():
        move_horizons(session, exchange, symbols, data_type, interval_code, end, now)


def move_horizons(
    session: Session,
    exchange: str,
    symbols: Sequence[str],
    data_type: str,
    interval_code: str,
    horizon: datetime,
    now: datetime,
) -> None:
    """Move the horizon of each symbol forward; it never moves back. The caller commits."""
    session.run_many(
        "INSERT INTO retention_horizons (exchange, symbol, data_type, interval_code, horizon, updated_at) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE updated_at = "
        "IF(VALUES(horizon) > horizon, VALUES(updated_at), updated_at), horizon = GREATEST(horizon, VALUES(horizon))",
        [(exchange, symbol, data_type, interval_code, horizon, now) for symbol in symbols],
    )
