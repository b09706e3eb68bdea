"""The returns that are correlated, and the pairs that come of them: read all at once, replaced window by window."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from candlewick.warehouse import tables
from candlewick.warehouse.staging import demand_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session

RETURNS, PAIRS = "window_returns", "correlation_pairs"
_OF_WINDOW = "exchange = %s AND window_name = %s"
# Two symbols (or one and itself), their correlation (NaN: there is none), the returns both have.
Pair: TypeAlias = tuple[str, str, float, int]


class Window(NamedTuple):
    """A window of an exchange's returns, and how many minutes one of them spans."""

    exchange: str
    name: str
    step_minutes: int


def are_built(session: Session, marts: str) -> bool:
    """Tell whether dbt has built the returns."""
    return tables.exist(session, marts, RETURNS)


def windows(session: Session, marts: str) -> list[Window]:
    """Return the windows that hold returns."""
    rows = session.all(f"SELECT DISTINCT exchange, window_name, step_minutes FROM {marts}.{RETURNS} ORDER BY 1, 3, 2")
    return [Window(*row) for row in rows]


def returns(session: Session, marts: str, window: Window) -> Sequence[tuple[str, int, float | None]]:
    """Return (symbol, start in minutes since 1970 UTC, log return) of a window, in no order."""
    return session.all(
        # A whole number is made and read several times as fast as a stamp.
        f"SELECT symbol, TIMESTAMPDIFF(MINUTE, '1970-01-01', open_time), log_return FROM {marts}.{RETURNS} "
        f"WHERE {_OF_WINDOW}",
        (window.exchange, window.name),
    )


def replace(
    session: Session,
    window: Window,
    span: tuple[datetime, datetime],
    pairs: Iterable[Pair],
    expected: int,
    now: datetime,
) -> None:
    """Put a window's pairs in the place of those there are; the caller commits, until then readers see the old ones.

    Args:
        session: the transaction.
        window: whose pairs.
        span: what its returns cover, [from, to), naive UTC.
        pairs: all of them; in the order of the key they are written fastest.
        expected: how many there are.
        now: goes into every row.

    Raises:
        RowsRefused: when the server changed or dropped anything: the transaction must not be committed.
    """
    session.run(f"DELETE FROM {PAIRS} WHERE {_OF_WINDOW}", (window.exchange, window.name))
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="candlewick-", suffix=".tsv") as file:
        # A float's text is the shortest that is this very number again; NaN is the number that is not itself.
        file.writelines(f"{a}\t{b}\t{r if r == r else ''}\t{n}\n" for a, b, r, n in pairs)  # noqa: PLR0124
        file.flush()
        loaded = session.run(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {PAIRS} CHARACTER SET utf8mb4 "
            r"FIELDS TERMINATED BY '\t' ESCAPED BY '' LINES TERMINATED BY '\n' "
            "(symbol_a, symbol_b, @correlation, observations) SET exchange = %s, window_name = %s, "
            "correlation = NULLIF(@correlation, ''), step_minutes = %s, window_start = %s, window_end = %s, computed_at = %s",
            (file.name, *window, *span, now),
        )
        demand_all(session, PAIRS, loaded, expected)


def forget_others(session: Session, kept: Collection[Window]) -> int:
    """Delete the pairs of windows that hold no returns any more; the caller commits. Return how many windows went."""
    known = {(window.exchange, window.name) for window in kept}
    gone = [row for row in session.all(f"SELECT DISTINCT exchange, window_name FROM {PAIRS}") if row not in known]
    for exchange, name in gone:
        session.run(f"DELETE FROM {PAIRS} WHERE {_OF_WINDOW}", (exchange, name))
    return len(gone)
