"""*Data*: what is missing and why, what changed, whether it agrees with the exchange, and what the rules found."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from candlewick.market import Interval
from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.data_sections import data_page, data_router
from candlewick_ui.pages.frame import PageUser, base
from candlewick_ui.pages.tables import (
    ROWS_OF_A_PAGE,
    Blank,
    Column,
    Day,
    Symbol,
    Table,
    as_written,
    badge,
    code,
    day_end,
    day_start,
    folded,
    number,
    prose,
    said,
    today,
)
from candlewick_ui.pages.text import NOTHING, moment
from candlewick_ui.paging import Cursor, decode
from candlewick_ui.queries import gaps, quality, reconciliation, revisions
from candlewick_ui.queries.ingestion import Kind

SHOWN_DAYS = 31

STATUS = badge({"open": "warning", "explained": "good", "unexplained": "bad"})
GAP_COLUMNS = (
    Column("symbol", "Symbol"), Column("data_type", "Data"), Column("from_time", "From"), Column("to_time", "To (exclusive)"),
    number("minutes", "Minutes"), Column("status", "Status", STATUS), Column("reason", "Reason", badge({"unknown": "bad", "fetch_failed": "bad"})),
    Column("evidence", "Evidence", folded), number("attempts", "Asked", hint="how often it was asked for"),
    Column("next_attempt_at", "Asked again"), Column("detected_at", "Noticed"), Column("closed_at", "Closed"), Column("closed_by", "Closed by", code),
)  # fmt: skip
REVISION_COLUMNS = (
    Column("symbol", "Symbol"), Column("interval_code", "Interval"), Column("open_time", "Opens"), Column("lost_source", "Lost"),
    Column("kept_source", "Kept"), Column("changes", "What changed", as_written), Column("lost_captured_at", "Lost heard"),
    Column("kept_captured_at", "Kept heard"), Column("recorded_at", "Recorded"),
    Column("is_current", "Still stands", hint="no: the minute has expired since"),
)  # fmt: skip
CHECK_COLUMNS = (
    Column("symbol", "Symbol"), Column("date", "Day"), Column("check_name", "Check"), number("bucket_count", "Compared"),
    number("match_count", "Agree"), number("difference_count", "Differ"), number("explained_count", "Explained"),
    number("unexplained_count", "Unexplained"), Column("first_offending_bucket", "First"), Column("explanation", "Why", prose),
    Column("compared_at", "Compared at"),
)  # fmt: skip
CHECK_SUMS = (
    Column("check_name", "Check"), number("days", "Days"), *CHECK_COLUMNS[3:8], Column("compared_at", "Newest comparison"),
)  # fmt: skip
RULE_COLUMNS = (
    Column("link", "Rule", as_written), Column("severity", "Severity", hint="error: a promise the pipeline broke; warn: a finding in the data"),
    Column("found", "Violations", as_written), Column("newest", "Newest"),
    Column("described", "Explained in", as_written, hint="the dbt docs, and the file of the repository"),
)  # fmt: skip

router = data_router()


@router.get("/data/gaps")
def gap_ledger(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    status: Annotated[gaps.Status | None, Blank, Query()] = None,
    reason: Annotated[gaps.Reason | None, Blank, Query()] = None,
    data_type: Annotated[Kind | None, Blank, Query()] = None,
    start: Day = None,
    end: Day = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with the gap ledger, the newest first."""
    exchange = settings().exchange
    _demand_order(start, end)
    filters = gaps.Filters(symbol, status, reason, data_type, day_start(start), day_end(end))
    before = decode(cursor, *gaps.KEY)
    found = gaps.page(reader, exchange, filters, ROWS_OF_A_PAGE, before[0] if before else None)
    tables = [Table("Gaps", GAP_COLUMNS, found.rows, "No gap is like that.")]
    if not cursor:
        tables.insert(
            0,
            Table(
                "Not closed, by reason",
                COUNTS,
                gaps.counts(reader, exchange),
                "No gap is open: of the minutes that are expected none is missing.",
            ),
        )
    return data_page(
        request, user, "data/gaps", found=found, cursor=cursor, tables=tables,
        intro="Minutes that are missing, or were, why, and what says so. A price is never invented for them.",
        values={"symbol": symbol, "status": status, "reason": reason, "data_type": data_type, "start": start, "end": end},
    )  # fmt: skip


def _demand_order(start: date | None, end: date | None) -> None:
    """Refuse a last day before the first one, of a list whose span may be open."""
    if start and end:
        times.refuse_backward(start, end)


COUNTS = (
    Column("reason", "Reason"), Column("status", "Status", STATUS), Column("data_type", "Data"), number("gaps", "Gaps"), number("minutes", "Minutes"),
)  # fmt: skip


@router.get("/data/revisions")
def revision_ledger(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    interval: Annotated[Interval | None, Blank, Query()] = None,
    start: Day = None,
    end: Day = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with the final candles that changed."""
    _demand_order(start, end)
    first, last = day_start(start or date(2017, 7, 1)), day_end(end or today())
    found = revisions.page(
        reader,
        settings().exchange,
        symbol,
        interval,
        first,
        last,
        ROWS_OF_A_PAGE,
        decode(cursor, *revisions.KEY),
    )
    rows = [{**row, "changes": changes(row)} for row in found.rows]
    return data_page(
        request, user, "data/revisions", found=found, cursor=cursor,
        intro="Final candles whose values changed, or of which two sources disagree: what lost, and what stands.",
        tables=[Table("Revisions", REVISION_COLUMNS, rows, "No final candle changed.")],
        values={"symbol": symbol, "interval": interval, "start": start, "end": end},
    )  # fmt: skip


def changes(row: dict[str, Any]) -> str:
    """Name the values in which the lost and the kept candle differ, with both."""
    pairs = [(name.removeprefix("lost_"), row[name], row["kept_" + name.removeprefix("lost_")]) for name in VALUES]
    return (
        "; ".join(f"{name.replace('_', ' ')} {said(lost)} → {said(kept)}" for name, lost, kept in pairs if lost != kept)
        or NOTHING
    )


VALUES = tuple(f"lost_{name}" for name in (
    "open_price", "high_price", "low_price", "close_price", "volume", "quote_volume", "trade_count", "taker_buy_volume",
    "taker_buy_quote_volume",
))  # fmt: skip


SPAN = Markup("Our hours and days against the exchange's own, and REST against the archive, UTC days {} to {}.")


@router.get("/data/reconciliation")
def reconciled_days(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    check: Annotated[reconciliation.Check | None, Blank, Query()] = None,
    outcome: Annotated[reconciliation.Outcome | None, Blank, Query()] = None,
    start: Day = None,
    end: Day = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with the days compared with the exchange's own candles."""
    first, last = times.days(start, end, SHOWN_DAYS, utc_now())
    exchange = settings().exchange
    filters = reconciliation.Filters(first, last, symbol, check, outcome or reconciliation.Outcome.ALL)
    found = reconciliation.page(reader, exchange, filters, ROWS_OF_A_PAGE, decode(cursor, *reconciliation.KEY))
    tables = [Table("Days", CHECK_COLUMNS, found.rows, "No compared day is like that.")]
    if not cursor:
        sums = reconciliation.summary(reader, exchange, symbol, first, last)
        tables.insert(
            0,
            Table(
                "Sums by check", CHECK_SUMS, sums, "No day was compared in this span; market_reconcile does it daily."
            ),
        )
    return data_page(
        request, user, "data/reconciliation", found=found, cursor=cursor, tables=tables,
        intro=SPAN.format(moment(first), moment(last)),
        values={"symbol": symbol, "check": check, "outcome": outcome, "start": first, "end": last},
    )  # fmt: skip


@router.get("/data/quality")
def quality_findings(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    rule: Annotated[quality.Rule | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """Answer with every rule, and what one of them lists."""
    rules = [{**row, **_written(row, base(request))} for row in quality.summary(reader)]
    tables = [Table("Rules", RULE_COLUMNS, rules, "The rules have not run yet; market_hourly runs them.")]
    found = None
    if rule:
        found = quality.findings(reader, settings().exchange, rule, ROWS_OF_A_PAGE, decode(cursor, *quality.key(rule)))
        columns = [Column(name, name.replace("_", " ")) for name in (found.rows[0] if found.rows else {})]
        tables.append(Table(f"Violations of {rule.value}", columns, found.rows, f"Nothing violates {rule.value}."))
    return data_page(
        request, user, "data/quality", found=found, cursor=cursor, tables=tables,
        intro="What each quality rule found at its last run. A warning is a finding in the data; an error is a promise the pipeline broke.",
        values={"rule": rule},
    )  # fmt: skip


_KINDS = {"error": "bad", "warn": "warning"}
_RULE = Markup('<a href="?rule={0}">{0}</a>')
_DESCRIBED = Markup('<a href="{0}/dbt/#!/model/model.candlewick.quality_{1}">dbt docs</a>, <code>{2}</code>')


def _written(row: dict[str, Any], base_path: str) -> dict[str, Any]:
    """Write what depends on more than one value of a rule's row: only what was found has the colour of its severity."""
    kind = _KINDS.get(row["severity"], "") if row["violations"] else "good"
    return {
        "link": _RULE.format(row["rule_name"]),
        "found": Markup('<span class="badge {}">{}</span>').format(kind, said(row["violations"])),
        "described": _DESCRIBED.format(base_path, row["rule_name"], row["documentation"]),
    }
