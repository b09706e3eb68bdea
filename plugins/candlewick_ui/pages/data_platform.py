"""*Data*: how large everything is and how fast it grows, and how the pipeline stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from candlewick.settings import settings
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.data_sections import data_page, data_router
from candlewick_ui.pages.frame import PageUser
from candlewick_ui.pages.tables import (
    ROWS_OF_A_PAGE,
    Blank,
    Column,
    Symbol,
    Table,
    as_written,
    badge,
    code,
    number,
    prose,
    said,
    seconds,
    size,
    today,
)
from candlewick_ui.paging import Cursor, decode
from candlewick_ui.queries import status, storage

GROWTH_DAYS = timedelta(days=30)
SUMS = "(all)"
GROWTH_HINT = "since the first sample of the seven days before"
UNKNOWN_YET = Markup(
    '<span class="faint" title="its growth is known once it was sampled on two days">needs two days</span>'
)
SIZES = (
    Column("store", "Store"), Column("name", "What", code), number("byte_count", "Size", size), number("growth", "Growth a day", as_written, GROWTH_HINT),
    number("full_at_bytes", "Full at", size), number("full_in", "Full in, days", as_written, hint="at the growth of its last days"), number("row_count", "Rows, about"),
    number("object_count", "Objects"), Column("oldest", "Oldest"), Column("newest", "Newest"), Column("sampled_at", "Sampled"),
)  # fmt: skip
GROWTH = (
    Column("date", "Day"), Column("store", "Store"), number("byte_count", "Size", size), number("growth", "Growth a day", as_written, GROWTH_HINT),
    number("deleted_objects", "Objects deleted"), number("deleted_rows", "Rows deleted"), number("deleted_bytes", "Bytes deleted", size),
)  # fmt: skip
CARE = (
    Column("occurred_at", "When"), Column("step", "Step"), Column("action", "Action"), Column("store", "Store"), Column("subject", "What", code),
    Column("symbol", "Symbol"), Column("from_time", "From"), Column("to_time", "To"), number("object_count", "Objects"), number("row_count", "Rows"),
    number("byte_count", "Bytes", size), Column("reason", "Why", prose),
)  # fmt: skip
OUTCOME = badge({"stored": "good", "failed": "bad"})
SERIES = (
    Column("symbol", "Symbol"), Column("data_type", "Data"), Column("interval_code", "Interval"), Column("symbol_status", "Exchange says"),
    seconds("lag_seconds", "Lag", hint="since the close of the last final candle, or the last book"), Column("last_outcome_status", "Last request", OUTCOME),
    Column("last_error_kind", "Its failure"), number("pending_loads", "Loads waiting"), number("quarantined_rows_24h", "Quarantined, 24 h"),
    number("events_24h", "Alerts, 24 h"), Column("watermark", "Watermark"), Column("newest_final_open_time", "Newest final"),
    Column("newest_captured_at", "Last heard"),
)  # fmt: skip
QUEUES = (
    Column("model", "Model", code), Column("lane", "Lane"), number("loads", "Loads"), number("rows_staged", "Rows"), Column("oldest_loaded_at", "Oldest"),
)  # fmt: skip
ALERTS = (
    Column("occurred_at", "When"), Column("severity", "Severity", badge({"error": "bad", "critical": "bad", "warning": "warning"})), Column("kind", "Kind"),
    Column("subject", "What"), Column("message", "Message", prose), Column("dag_id", "DAG"), Column("notified_via", "Sent by"),
    Column("notified_at", "Sent"), Column("notify_error", "Not sent because", prose),
)  # fmt: skip

router = data_router()


@router.get("/data/storage")
def storage_and_growth(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    store: Annotated[storage.Store | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with sizes, growth and what maintenance did."""
    before = decode(cursor, *storage.EVENTS_KEY)
    care = storage.events(reader, store, ROWS_OF_A_PAGE, before[0] if before else None)
    tables = [
        Table("What maintenance did", CARE, care.rows, "Maintenance has archived and deleted nothing yet.", head=False)
    ]
    if not cursor:
        tables[:0] = sizes(reader, store)
    return data_page(
        request, user, "data/storage", found=care, cursor=cursor, tables=tables,
        intro="How large tables, buckets and disks are, how fast they grow, and when they are full.",
        values={"store": store},
    )  # fmt: skip


def sizes(reader: ReaderOfMarts, store: storage.Store | None) -> list[Table]:
    """Return how large everything is now, and the sums of the last days."""
    newest = [row for row in storage.newest(reader) if store is None or row["store"] == store]
    days = storage.days(reader, store, today() - GROWTH_DAYS, today())
    not_yet = "Nothing was sampled yet; market_hourly does it."
    return [
        Table("Now, store by store", SIZES, list(map(growing, newest)), not_yet),
        Table("The sums, day by day", GROWTH, [growing(row) for row in days if row["name"] == SUMS], not_yet),
    ]


def growing(row: dict[str, Any]) -> dict[str, Any]:
    """Add to a size its growth and when that fills the store, in words where there is no number."""
    growth, left = row["growth_bytes_per_day"], row["days_until_full"]
    full_in = said(left)
    if left is None and row["full_at_bytes"] is not None:
        full_in = UNKNOWN_YET if growth is None else "does not grow"
    return {**row, "growth": UNKNOWN_YET if growth is None else size(growth), "full_in": full_in}


@router.get("/data/pipeline")
def pipeline(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    kind: Annotated[status.Kind | None, Blank, Query()] = None,
    severity: Annotated[status.Severity | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with how far each series is, what waits, and what people were told."""
    before = decode(cursor, *status.EVENTS_KEY)
    told = status.events(
        reader, ROWS_OF_A_PAGE, kind=kind, severity=severity, subject=symbol, before=before[0] if before else None
    )
    tables = [Table("Alerts", ALERTS, told.rows, "Nobody had to be told anything.", head=False)]
    if not cursor:
        tables[:0] = [
            Table("Series", SERIES, status.series(reader, settings().exchange, symbol), "No symbol is tracked."),
            Table("Waiting loads", QUEUES, status.queues(reader), "No load waits: everything is built."),
        ]
    return data_page(
        request, user, "data/pipeline", found=told, cursor=cursor, tables=tables,
        intro="How far each series is at this moment, which loads wait for dbt, and the alerts, newest first.",
        values={"symbol": symbol, "kind": kind, "severity": severity},
    )  # fmt: skip
