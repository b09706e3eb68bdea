"""What minute indicators go on from is saved before the bars before it go (dbt: ``save_indicator_checkpoints``).

dbt refuses a call as a whole when one symbol's indicators are not up to date; then the symbols are asked for by halves,
until it is known which ones have to wait.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance.retention_due import BOOKS, INDICATORS, outside
from candlewick.pipeline.transform import TransformFailed
from candlewick.spans import Span, joined
from candlewick.warehouse import tables
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from candlewick.pipeline.maintenance.retention_due import Protected
    from candlewick.pipeline.maintenance.retention_plan import DayOfRows
    from candlewick.warehouse.database import Warehouse

REFUSAL = f"expected rows of {INDICATORS.name}"  # how the macro begins its sentence


def save(
    warehouse: Warehouse, run_id: str, now: datetime, work: Iterable[DayOfRows], keep: Protected, dbt: Callable[..., object]
) -> dict[tuple[str, Span], str]:  # fmt: skip
    """Save the checkpoints of the days whose candles or indicators are to go.

    Args:
        warehouse: the writer's account.
        run_id: for the events.
        now: naive UTC, stamps them.
        work: the days.
        keep: spans that stay; no state is saved at their end.
        dbt: runs dbt with the given words.

    Returns:
        The spans of symbols that have to stay, with the reason.

    Raises:
        TransformError: dbt failed otherwise; nothing may be deleted.
    """
    config = warehouse.config
    with warehouse.session() as session:
        if not tables.exist(session, config.marts_schema, INDICATORS.name, "indicator_progress"):
            return {}
    days: dict[str, list[Span]] = defaultdict(list)
    for one in work:
        if one.table != BOOKS.name:
            for symbol in one.symbols:
                days[symbol] += outside(symbol, one.day, keep)
    together: dict[Span, list[str]] = defaultdict(list)
    for symbol, spans in sorted(days.items()):
        for span in joined(spans):
            together[span].append(symbol)
    refused: dict[tuple[str, Span], str] = {}
    for span, symbols in sorted(together.items()):
        found = _save(span, symbols, dbt)
        refused |= {(symbol, span): reason for symbol, reason in found.items()}
        if saved := len(symbols) - len(found):
            event = LifecycleEvent(
                step=Step.RETENTION, action=Action.SAVED, store=Store.WAREHOUSE, subject="indicator_checkpoints",
                symbol=symbols[0] if len(symbols) == 1 else "", from_time=span.start, to_time=span.end,
                reason=f"what {INDICATORS.name} goes on from after the span ({saved} symbols)",
            )  # fmt: skip
            with warehouse.session() as session:
                record(session, [event], run_id=run_id, now=now)
    return refused


def _save(span: Span, symbols: Sequence[str], dbt: Callable[..., object]) -> dict[str, str]:
    """Save them; return the symbols that dbt refuses, with its sentence."""
    asked = {"model": INDICATORS.name, "from": str(span.start), "to": str(span.end), "symbols": list(symbols)}
    try:
        dbt("run-operation", "save_indicator_checkpoints", "--args", json.dumps(asked))
    except TransformFailed as error:
        if REFUSAL not in str(error):
            raise
        if len(symbols) == 1:
            return {symbols[0]: f"its indicators are not up to date ({_sentence(str(error))})"}
        half = len(symbols) // 2
        return _save(span, symbols[:half], dbt) | _save(span, symbols[half:], dbt)
    return {}


def _sentence(said: str) -> str:
    return " ".join(said[said.index(REFUSAL) :].split())[:300]
