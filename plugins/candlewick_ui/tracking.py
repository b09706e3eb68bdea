"""Which symbols the platform follows: added when the exchange trades them, removed with their data left in place."""

from __future__ import annotations

import difflib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from candlewick import connections
from candlewick.exchange.errors import ExchangeError
from candlewick.settings import SYMBOL_PATTERN, settings
from candlewick.warehouse import symbols as table
from candlewick.warehouse.database import WarehouseError, utc_now
from candlewick.warehouse.symbols import TRADING
from candlewick_ui import audit, identity
from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from candlewick.exchange.port import SymbolState

HISTORY_JOB, FIRST_DAY = "market_backfill", "2017-07-01"


def add(user: BaseUser, symbol: str) -> dict[str, Any]:
    """Follow a symbol from the next cycle on; return what of its history could be loaded, and how.

    Raises:
        Problem: 403; 409, it is tracked already; 422, the exchange does not trade it; 503, nobody can be asked now.
    """
    _demand(user)
    exchange = settings().exchange
    if not SYMBOL_PATTERN.fullmatch(symbol):
        raise Problem(422, f"expected a symbol as the exchange writes it (BTCUSDT), got {symbol[:60]!r}; correct it")
    _check(symbol, traded())
    try:
        with connections.warehouse().session() as session:
            if any(known.symbol == symbol for known in table.active(session, exchange)):
                raise Problem(
                    HTTPStatus.CONFLICT, f"expected a symbol that is not tracked, but {symbol} is; nothing was changed"
                )
            with audit.recorded(user, "add_symbol", dag_id=identity.DAG_OF_THE_DATA, symbol=symbol):
                table.add(session, exchange, [symbol], utc_now())
                session.commit()
            first = table.first_open_time(session, exchange, symbol)  # known of one that was removed and comes back
    except WarehouseError as error:
        raise _unavailable(error) from error
    return {"symbol": symbol, "history": history_offer(symbol, first)}


def remove(user: BaseUser, symbol: str) -> None:
    """Stop following a symbol; its data stays.

    Raises:
        Problem: 403; 404, it is not tracked; 503, the warehouse does not answer.
    """
    _demand(user)
    try:
        with (
            connections.warehouse().session() as session,
            audit.recorded(user, "remove_symbol", dag_id=identity.DAG_OF_THE_DATA, symbol=symbol),
        ):
            if not table.remove(session, settings().exchange, symbol, utc_now()):
                raise Problem(
                    HTTPStatus.NOT_FOUND, f"expected a tracked symbol, got {symbol[:60]!r}; GET /symbols has them"
                )
            session.commit()
    except WarehouseError as error:
        raise _unavailable(error) from error


def history_offer(symbol: str, first_open_time: datetime | None = None) -> dict[str, Any]:
    """Return the run that would load all history of a symbol: `POST /jobs/{job}/runs` with this conf.

    It begins with the exchange's first candle of the symbol (naive UTC) where that is known: what lies before is not there to be had.
    """
    start = f"{first_open_time:%Y-%m-%d}" if first_open_time else FIRST_DAY
    conf = {"symbols": [symbol], "start": start, "end": f"{utc_now():%Y-%m-%d}"}
    return {"job": HISTORY_JOB, "conf": conf}


def _demand(user: BaseUser) -> None:
    identity.demand_dag(user, "PUT", identity.DAG_OF_THE_DATA, "change which symbols are tracked")


def traded() -> dict[str, SymbolState]:
    """Ask the exchange for its symbols, by name, those that do not trade now included.

    Raises:
        Problem: 503, it cannot be asked now.
    """
    try:
        with connections.exchange() as market:
            return market.exchange_info().symbols
    except ExchangeError as error:
        wait = getattr(error, "retry_after_seconds", None)
        headers = {"Retry-After": str(int(wait) + 1)} if wait else None
        raise Problem(
            503, f"the exchange cannot be asked for its symbols now ({error}); try again later", headers=headers
        ) from error
    except WarehouseError as error:
        raise _unavailable(error) from error


def _check(symbol: str, traded: dict[str, SymbolState]) -> None:
    found = traded.get(symbol)
    if found is None:
        near = difflib.get_close_matches(symbol, _names(traded), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; look the symbol up at the exchange"
        raise Problem(422, f"expected a symbol the exchange knows, got {symbol!r}{hint}", near=near)
    if found.status != TRADING:
        raise Problem(
            422,
            f"expected a symbol that trades, but the exchange says {symbol} is {found.status}; add it when it trades",
        )


def _names(traded: dict[str, SymbolState]) -> Collection[str]:
    return [name for name, state in traded.items() if state.status == TRADING]


def _unavailable(error: WarehouseError) -> Problem:
    return Problem(503, f"{error}; nothing was changed", headers={"Retry-After": "10"})
