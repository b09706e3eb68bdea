"""Correlate the log returns of all symbols of an exchange, window by window: `window_returns` → `correlation_pairs`.

In numpy, because 300 symbols are 44,850 pairs in each window: a self-join takes many seconds for what matrices do in
milliseconds (docs/deviations.md).
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

from candlewick.pipeline.pearson import correlations
from candlewick.warehouse.correlations import are_built, forget_others, replace, returns, windows
from candlewick.warehouse.database import from_ms, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from candlewick.pipeline.pearson import Counts, Floats
    from candlewick.warehouse.correlations import Pair, Window
    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

LOCK = "correlations"
MINUTE_MS = 60_000
WRITERS = 2  # windows at once: Python works on one while the server takes in another


@dataclass
class CorrelateSummary:
    """What was written."""

    windows: list[str] = field(default_factory=list)
    forgotten: int = 0
    is_too_early: bool = False

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        if self.is_too_early:
            return "nothing to do: dbt has not built window_returns yet"
        gone = f"; {self.forgotten} windows without returns were forgotten" if self.forgotten else ""
        return f"correlated {'; '.join(self.windows) or 'nothing: no symbol has a return'}{gone}"


@dataclass(frozen=True, slots=True)
class Returns:
    """The returns of a window: a row per moment, a column per symbol, NaN where there is none; and what they span."""

    symbols: list[str]
    values: Floats
    span: tuple[datetime, datetime]


def correlate(warehouse: Warehouse) -> CorrelateSummary:
    """Write the correlation of every pair of symbols, each window in a transaction of its own.

    Args:
        warehouse: the writer's account.

    Raises:
        WarehouseBusy: another run keeps the lock, or the server does not answer; it can be run again.
    """
    summary, marts = CorrelateSummary(), warehouse.config.marts_schema
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        if not are_built(session, marts):
            return CorrelateSummary(is_too_early=True)
        # All in one transaction: the table cannot be swapped for another one in between.
        found = {window: _read(session, marts, window) for window in windows(session, marts)}
        session.commit()  # an idle transaction would hold up that swap
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="correlations") as pool:
            summary.windows = list(pool.map(lambda item: _write(warehouse, *item), found.items()))
        summary.forgotten = forget_others(session, found)
        session.commit()
    log.info("%s", summary.sentence)
    return summary


def _read(session: Session, marts: str, window: Window) -> Returns:
    import numpy as np

    rows = returns(session, marts, window)
    symbols = sorted({symbol for symbol, _, _ in rows})
    columns = {symbol: column for column, symbol in enumerate(symbols)}
    moments, places = np.unique(np.array([minute for _, minute, _ in rows]), return_inverse=True)
    values = np.full((len(moments), len(symbols)), np.nan)
    values[places, [columns[symbol] for symbol, _, _ in rows]] = np.array([value for _, _, value in rows], dtype=float)
    span = (int(moments[0]), int(moments[-1]) + window.step_minutes)
    return Returns(symbols, values, (from_ms(span[0] * MINUTE_MS), from_ms(span[1] * MINUTE_MS)))


def _write(warehouse: Warehouse, window: Window, found: Returns) -> str:
    """Correlate a window's returns and write the pairs; return what that was."""
    import numpy as np

    symbols = found.symbols
    values, counts = correlations(found.values, warehouse.config.correlation_min_observations)
    cells = len(symbols) * (len(symbols) + 1) // 2
    with warehouse.session() as session:
        replace(session, window, found.span, _pairs(symbols, values, counts), cells, utc_now())
    without = int(np.triu(np.isnan(values), 1).sum())
    return (
        f"{window.exchange} {window.name}: {len(symbols)} symbols over {len(found.values)} returns of "
        f"{window.step_minutes} minutes, {cells - len(symbols)} pairs ({without} without a value)"
    )


def _pairs(symbols: Sequence[str], values: Floats, counts: Counts) -> Iterator[Pair]:
    """Yield one triangle of the matrix with its diagonal."""
    for place, symbol in enumerate(symbols):
        yield from zip(
            repeat(symbol),
            symbols[place:],
            values[place, place:].tolist(),
            counts[place, place:].tolist(),
            strict=False,
        )
