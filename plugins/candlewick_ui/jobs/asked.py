"""What a run would refuse first of all, refused before it is made: spans and sources that cannot be, symbols nobody knows."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from candlewick.pipeline.backfill.request import BackfillRequest, BackfillSource, RequestRefused
from candlewick.pipeline.reconcile_request import ReconcileRequest
from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.symbols import NOT_LISTED
from candlewick_ui import tracking
from candlewick_ui.database import reader
from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

RECONCILE_JOB = "market_reconcile"
_KNOWN = "SELECT symbol, status FROM {raw}.tracked_symbols WHERE exchange = :exchange AND symbol IN :symbols"


def check(dag_id: str, params: Mapping[str, Any]) -> None:
    """Refuse what a run of this job could only fail with, or do nothing about.

    Args:
        dag_id: of the job.
        params: all of them, those nobody gave with their defaults.

    Raises:
        Problem: 422; 503, whoever knows the symbols cannot be asked now.
    """
    try:
        if dag_id == tracking.HISTORY_JOB:
            _backfill(BackfillRequest.read(params, utc_now()))
        elif dag_id == RECONCILE_JOB and _has_symbols(params):
            _reconciliation(ReconcileRequest.read(params, utc_now()))
    except RequestRefused as refused:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(refused)) from refused


def _backfill(request: BackfillRequest) -> None:
    """The exchange is asked only about symbols it did not name when it was asked last: its answer has megabytes."""
    if request.source in (BackfillSource.ARCHIVE, BackfillSource.FILES):
        return
    known = _statuses(request.symbols)
    if any(known.get(symbol) in (None, NOT_LISTED) for symbol in request.symbols):
        request.demand_known(tracking.traded())


def _has_symbols(params: Mapping[str, Any]) -> bool:
    """Tell whether the symbols are a list of names, or none; what else they are Airflow refuses by the DAG's own schema."""
    symbols = params.get("symbols") or []
    return isinstance(symbols, list) and all(isinstance(symbol, str) for symbol in symbols)


def _reconciliation(request: ReconcileRequest) -> None:
    known = _statuses(request.symbols)
    if unknown := [symbol for symbol in request.symbols if symbol not in known]:
        raise RequestRefused(
            f"expected symbols we have minutes of, got {', '.join(unknown)[:200]}; correct them, or bring their history first"
        )


def _statuses(symbols: tuple[str, ...]) -> dict[str, str | None]:
    """Return what the exchange said last of those of the symbols that were ever tracked or backfilled."""
    if not symbols:
        return {}
    rows = reader().rows(_KNOWN, exchange=settings().exchange, symbols=list(symbols))
    return {row["symbol"]: row["status"] for row in rows}
