"""*Settings*: which symbols are tracked, what the exchange said of them, and the configuration this process runs with."""

from __future__ import annotations

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from fastapi import Request
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.identity import DAG_OF_THE_DATA, has_right
from candlewick_ui.pages.forms import offered_days
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.pages.tables import Column, Symbol, Table, badge, days_there_can_be
from candlewick_ui.queries import configuration, symbols
from candlewick_ui.tracking import HISTORY_JOB

STATUS = badge({"TRADING": "good", "HALT": "warning", "BREAK": "warning", "NOT_LISTED": "bad"})
STATES = (
    Column("valid_from", "Heard"),
    Column("valid_to", "Until"),
    Column("status", "The exchange said", STATUS),
    Column("base_asset", "Traded"),
    Column("quote_asset", "Priced in"),
)

router = page_router()


@router.get("/settings")
def settings_page(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
) -> Response:
    """Answer with the symbols and the configuration; what the user may not see is named, not shown."""
    exchange = settings().exchange
    known = symbols.symbols(reader, exchange)
    sections = configuration.knobs() if may_see(user, "configuration") else None
    return page(
        request,
        user,
        "settings.html",
        exchange=exchange,
        tracked=[row for row in known if row["is_tracked"]],
        others=[row for row in known if not row["is_tracked"]],
        show_status=STATUS,
        symbol=symbol,
        states=Table(
            "What the exchange said, newest first",
            STATES,
            symbols.lifecycle(reader, exchange, symbol)[::-1],
            f"Nothing was heard of {symbol} yet.",
        )
        if symbol
        else None,
        may_change=has_right(user, "PUT", DAG_OF_THE_DATA),
        may_load=has_right(user, "POST", HISTORY_JOB, DagAccessEntity.RUN),
        can_be=days_there_can_be(),
        history=dict(zip(("first", "last"), offered_days(), strict=True)),
        sections=sections,
        changed=configuration.changed(sections or ()),
        connections=configuration.connections() if may_see(user, "connections") else None,
    )


def may_see(user: BaseUser, what: str) -> bool:
    """Tell whether Airflow would show the user its own page of this."""
    manager = get_auth_manager()
    ask = manager.is_authorized_connection if what == "connections" else manager.is_authorized_configuration
    return bool(ask(method="GET", user=user))
