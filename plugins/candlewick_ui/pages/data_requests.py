"""*Data*: every request to the exchange, what of it was kept, and what it cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.data_sections import data_page, data_router
from candlewick_ui.pages.frame import PageUser
from candlewick_ui.pages.tables import (
    ROWS_OF_A_PAGE,
    Blank,
    Column,
    Day,
    Symbol,
    Table,
    badge,
    code,
    day_end,
    day_start,
    number,
    prose,
    seconds,
    share,
    size,
)
from candlewick_ui.paging import Cursor, decode
from candlewick_ui.queries import deduplication, ingestion, weights

LOG_DAYS, DEDUPLICATION_DAYS, WEIGHT_MINUTES = 2, 15, timedelta(minutes=60)
REQUESTS = (
    Column("captured_at", "Captured"), Column("symbol", "Symbol"), Column("data_type", "Data"), Column("interval_code", "Interval"),
    Column("source", "Source"), Column("status", "Status", badge({"stored": "good", "failed": "bad"})), number("http_status", "HTTP"),
    number("latency_ms", "Latency, ms"), number("weight", "Weight"), number("payload_bytes", "Size", size), number("rows_received", "Rows"),
    Column("load_state", "Load", badge({"loaded": "good", "quarantined": "bad", "pending": "warning"})), number("rows_rejected", "Rejected"),
    seconds("load_delay_seconds", "Loaded after"), Column("error_message", "Failure", prose), Column("load_reason", "Rejected why", prose),
    Column("object_key", "Object", code), Column("run_id", "Run", code),
)  # fmt: skip
DAYS = (
    Column("date", "Day of load"), number("object_count", "Payloads"), number("rows_received", "Received"), number("rows_rejected", "Rejected"),
    number("rows_kept", "Kept"), number("rows_replaced", "Replaced", hint="re-reads of one candle, its unfinished versions, losers"),
    number("kept_share", "Kept of received", share),
)  # fmt: skip
SERIES = (Column("symbol", "Symbol"), Column("data_type", "Data"), Column("interval_code", "Interval"), *DAYS)
HOSTS = (
    Column("host", "Host"), number("used_weight", "Used this minute"), number("allowed_weight", "We stay under"),
    number("weight_limit", "The exchange allows"), Column("is_banned", "Banned"), Column("banned_until", "Until"), Column("ban_reason", "Why", prose),
    Column("paused_until", "Asked again"), Column("breaker_state", "Breaker", badge({"closed": "good", "open": "bad", "half_open": "warning"})),
    number("clock_offset_ms", "Its clock, ms", hint="the exchange's clock minus ours"), Column("updated_at", "As of"),
)  # fmt: skip
MINUTES = (
    Column("minute", "Minute"), Column("host", "Host"), number("requests", "Requests"), number("weight", "Weight"), number("failures", "Failures"),
    number("mean_latency_ms", "Latency, mean ms"), number("max_latency_ms", "worst ms"),
)  # fmt: skip

router = data_router()


@router.get("/data/ingestion")
def ingestion_log(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    data_type: Annotated[ingestion.Kind | None, Blank, Query()] = None,
    status: Annotated[ingestion.Status | None, Blank, Query()] = None,
    load_state: Annotated[ingestion.LoadState | None, Blank, Query()] = None,
    source: Annotated[ingestion.Source | None, Blank, Query()] = None,
    start: Day = None,
    end: Day = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with the log of requests, the newest first."""
    first, last = times.days(start, end, LOG_DAYS, utc_now())
    filters = ingestion.Filters(symbol, data_type, status, load_state, source)
    begin, finish = day_start(first), day_end(last)
    before = decode(cursor, *ingestion.KEY)
    found = ingestion.page(reader, settings().exchange, filters, begin, finish, ROWS_OF_A_PAGE, before)
    nothing = (
        "No request is like that in this span."
        if not found.next
        else "None among the newest requests looked at; go on with Older."
    )
    return data_page(
        request, user, "data/ingestion", found=found, cursor=cursor,
        intro="Every request to the exchange or its archive, and what became of its payload.",
        tables=[Table("Requests", REQUESTS, found.rows, nothing, head=False)],
        values={
            "symbol": symbol, "data_type": data_type, "status": status, "load_state": load_state, "source": source,
            "start": first, "end": last,
        },
    )  # fmt: skip


@router.get("/data/deduplication")
def deduplication_counts(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    start: Day = None,
    end: Day = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with what was received and what of it is stored, by day of load."""
    exchange = settings().exchange
    first, last = times.days(start, end, DEDUPLICATION_DAYS, utc_now())
    after = decode(cursor, *deduplication.KEY)
    found = deduplication.page(reader, exchange, symbol, first, last, ROWS_OF_A_PAGE, after)
    nothing = "Nothing was loaded in this span, or it is not counted yet; market_hourly does it."
    tables = [Table("By series", SERIES, shares(found.rows), nothing)]
    if not cursor:
        totals = deduplication.totals(reader, exchange, symbol, first, last)
        tables.insert(0, Table("Sums of each day", DAYS, shares(totals), nothing))
    return data_page(
        request, user, "data/deduplication", found=found, cursor=cursor, tables=tables,
        intro="What was received and what of it is stored: a candle that is read again, or while it is unfinished, is kept once.",
        values={"symbol": symbol, "start": first, "end": last},
    )  # fmt: skip


def shares(rows: Any) -> list[dict[str, Any]]:
    """Add the share of the rows received that is kept; None where nothing was received."""
    return [
        {**row, "kept_share": row["rows_kept"] / row["rows_received"] if row["rows_received"] else None} for row in rows
    ]


@router.get("/data/weight")
def weight_budget(request: Request, user: PageUser, reader: ReaderOfMarts) -> Response:
    """Answer with the budget of requests, host by host, and the last hour minute by minute."""
    now = utc_now()
    hosts, minutes = weights.hosts(reader, now), weights.minutes(reader, now - WEIGHT_MINUTES, now)
    return data_page(
        request, user, "data/weight",
        intro="What the exchange charged us, and what it allows: all processes share one budget a host.",
        tables=[
            Table("Hosts", HOSTS, hosts, "No host was asked yet."),
            Table("The last hour", MINUTES, minutes[::-1], "Nothing was asked in the last hour."),
        ],
    )  # fmt: skip
