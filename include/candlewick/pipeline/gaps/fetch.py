"""Ask for what is missing: REST, then the archive's files of the days; note with each gap what was asked and answered.

Neighbouring gaps share a page. A gap longer than a page is looked for in the archive first: a file brings a day or a
month at once. An exchange that does not answer makes the gap ``fetch_failed``; it is tried again, each time after twice
as long; after ``gap_attempts`` people are told, and it is asked for once a day. What a run has no pages left for keeps
its turn: nobody judges minutes that were not asked for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from candlewick.exchange.errors import BudgetExhausted, ExchangeError
from candlewick.pipeline.gaps.asking import CONCERN_EVERYONE, FetchSummary, Group
from candlewick.pipeline.gaps.requested import exchange_now
from candlewick.pipeline.listing import first_open_time
from candlewick.spans import MINUTE
from candlewick.warehouse import gaps, room
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.gaps import Gap

log = logging.getLogger(__name__)

MOST_GAPS = 5000


def fetch_due(
    tools: Tools,
    *,
    symbols: Sequence[str] | None = None,
    now: datetime | None = None,
    summary: FetchSummary | None = None,
) -> FetchSummary:
    """Ask for the gaps that are due, within ``gap_pages_per_run``.

    Args:
        tools: the ports; the exchange with a backfill's share of the weight.
        symbols: only these; None: all.
        now: the present by the exchange's clock; default: as it was last heard.
        summary: counts; give one to know of it also when this raises.

    Raises:
        IpBanned, HostStateUnavailable: nobody may ask; the gap in hand is not blamed for it.
        LakeError, WarehouseError: a store does not answer.
    """
    warehouse, summary = tools.warehouse, summary if summary is not None else FetchSummary()
    with warehouse.session() as session:
        moment = now or exchange_now(session)
        due = gaps.due(session, warehouse.config.exchange, utc_now(), MOST_GAPS, symbols=symbols)
    due = _within_life(tools, due)
    waiting = grouped(due, tools.exchange.capabilities.klines_page_limit)
    for number, group in enumerate(waiting):
        if summary.pages >= warehouse.config.gap_pages_per_run:
            summary.left = sum(len(rest) for rest in waiting[number:])
            break
        if no_room := _no_room(warehouse):
            summary.stopped, summary.left = no_room, sum(len(rest) for rest in waiting[number:])
            break
        try:
            Group(tools, group, summary, moment).ask()
        except BudgetExhausted as error:
            log.warning("stopped, the rest waits for the next run: %s", error)
            summary.left = sum(len(rest) for rest in waiting[number:])
            break
    log.info("%s", summary.sentence)
    return summary


def _no_room(warehouse: Warehouse) -> str:
    """Return why gaps have to wait for room; empty when there is."""
    with warehouse.session() as session:
        space = room.look(session, warehouse.config)
    return space.history_waits if space.stops_backfills else ""


def _within_life(tools: Tools, due: Sequence[Gap]) -> list[Gap]:
    """Leave out what lies before a symbol's first candle; that is asked for where it is not known yet."""
    opened: dict[str, datetime | None] = {}
    for symbol in sorted({gap.symbol for gap in due}):
        try:
            opened[symbol] = first_open_time(tools.exchange, tools.lake, tools.warehouse, symbol, tools.run_id)
        except CONCERN_EVERYONE:
            raise
        except ExchangeError as error:
            log.warning("the first candle of %s is not known yet: %s", symbol, error)
            opened[symbol] = None
    return [gap for gap in due if (first := opened[gap.symbol]) is None or gap.span.end > first]


def grouped(due: Iterable[Gap], page: int) -> list[list[Gap]]:
    """Put gaps of a symbol together that one page covers."""
    found: list[list[Gap]] = []
    for gap in sorted(due, key=lambda one: (one.symbol, one.span)):
        group = found[-1] if found else []
        fits = group and group[0].symbol == gap.symbol and gap.span.end - group[0].span.start <= page * MINUTE
        if fits:
            group.append(gap)
        else:
            found.append([gap])
    return found
