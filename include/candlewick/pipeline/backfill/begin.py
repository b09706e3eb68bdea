"""Begin a backfill: check what was asked for against the exchange, plan its parts, write them down."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.exchange.errors import ExchangeError
from candlewick.pipeline.backfill.plan import Published, chunk_name, chunks, plan_files, plan_parts
from candlewick.pipeline.backfill.request import BackfillSource, RequestRefused
from candlewick.pipeline.listing import first_open_time
from candlewick.pipeline.local_files import FolderRefused, folder_below
from candlewick.warehouse import backfills, symbols
from candlewick.warehouse.backfills import Backfill, BackfillState
from candlewick.warehouse.database import to_ms, utc_now

if TYPE_CHECKING:
    from candlewick.pipeline.backfill.request import BackfillRequest
    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.settings import Settings
    from candlewick.warehouse.backfills import Part

log = logging.getLogger(__name__)

ABANDONED_AFTER = timedelta(days=1)


def begin(tools: Tools, request: BackfillRequest, now_ms: int) -> list[dict[str, Any]]:
    """Write a backfill and its parts; return the tasks ``{"name", "backfill_id", "first", "last", "folder"}`` to be done.

    A run that was begun before goes on: its parts stay as they are, those that failed are tried again.

    Raises:
        RequestRefused: a symbol the exchange does not know, or a folder that may not be read.
        ExchangeError: the exchange does not answer.
    """
    warehouse = tools.warehouse
    with warehouse.session() as session:
        backfills.end_abandoned(session, utc_now() - ABANDONED_AFTER)
        known = backfills.find(session, tools.run_id)
        parts = backfills.resume(session, known, utc_now()) if known else []
    if not known:
        parts = _plan(tools, request, now_ms)
        with warehouse.session() as session:
            known = backfills.create(session, _row(tools, request), parts, utc_now())
    tasks = chunks(parts, warehouse.config.backfill_parts_per_task)
    log.info("%s parts, %s tasks", len(parts), len(tasks))
    if not tasks:
        with warehouse.session() as session:
            backfills.set_state(session, known, BackfillState.FINISHED, utc_now())
    return [
        {
            "name": chunk_name(first, last),
            "backfill_id": known,
            "first": first.number,
            "last": last.number,
            "folder": request.folder,
        }
        for first, last in tasks
    ]


def _plan(tools: Tools, request: BackfillRequest, now_ms: int) -> list[Part]:
    config = tools.warehouse.config
    if request.source is BackfillSource.FILES:
        _demand_folder(config, request)
    elif request.source is not BackfillSource.ARCHIVE:
        request.demand_known(tools.exchange.exchange_info().symbols)
    with tools.warehouse.session() as session:
        symbols.ensure_known(session, config.exchange, request.symbols, utc_now())
    if request.source is BackfillSource.FILES:
        return plan_files(request, now_ms)
    opened = {symbol: _first_open_ms(tools, request, symbol) for symbol in request.symbols}
    for symbol, first in opened.items():
        if first is not None and first >= to_ms(request.end):
            log.info("%s had no candles before the end of the span: it was listed later", symbol)
    published = Published(now_ms, config.archive_delay_hours)
    return plan_parts(request, opened, published, tools.exchange.capabilities.klines_page_limit)


def _demand_folder(config: Settings, request: BackfillRequest) -> None:
    try:
        folder_below(config.files_dir, request.folder)
    except FolderRefused as refused:
        raise RequestRefused(str(refused)) from None


def _first_open_ms(tools: Tools, request: BackfillRequest, symbol: str) -> int | None:
    """Ask when the symbol's life began; where only the archive is asked, that may stay unknown."""
    try:
        opened = first_open_time(tools.exchange, tools.lake, tools.warehouse, symbol, tools.run_id)
    except ExchangeError as error:
        if request.source is not BackfillSource.ARCHIVE:
            raise
        log.warning("planned without the first candle of %s: %s", symbol, error)
        return None
    return None if opened is None else to_ms(opened)


def _row(tools: Tools, request: BackfillRequest) -> Backfill:
    return Backfill(
        run_id=tools.run_id,
        exchange=tools.warehouse.config.exchange,
        symbols=request.symbols,
        interval=request.interval,
        from_time=request.start,
        to_time=request.end,
        source=request.source.value,
        is_forced=request.force,
        is_kept=request.keep,
    )
