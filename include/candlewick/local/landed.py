"""What has arrived in the warehouse: waited for after a start, and shown as a table."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import MySQLdb
from rich import box
from rich.table import Table

from candlewick.local.database import session, writer
from candlewick.local.errors import ServiceFailed
from candlewick.local.progress import console
from candlewick.warehouse import room

if TYPE_CHECKING:
    from decimal import Decimal

    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step

NO_SUCH_TABLE = 1146
FAILING_EVERY_SECONDS = 10.0
TABLES = {
    "candles": ("fact_klines", "SUM(interval_code = '1m')"),
    "books": ("fact_orderbook", "COUNT(DISTINCT captured_at)"),
    "hours": ("hourly_klines", "COUNT(*)"),
    "days": ("daily_klines", "COUNT(*)"),
    "indicators": ("indicators_1m", "COUNT(*)"),
    "stats": ("market_stats_24h", "COUNT(*)"),
}


@dataclass
class Landed:
    """What there is of one symbol; times are UTC."""

    symbol: str
    candles: int = 0
    newest: datetime | None = None
    close: Decimal | None = None
    books: int = 0
    hours: int = 0
    days: int = 0
    indicators: int = 0
    rsi: float | None = None
    stats: int = 0
    change_percent: Decimal | None = None

    def missing(self, oldest: datetime) -> list[str]:
        """What has not arrived yet; candles count only when the newest is not older than that (UTC)."""
        missing = [name for name in TABLES if not getattr(self, name)]
        if self.newest and self.newest < oldest:
            missing.insert(0, "candles")
        return missing


def landed(platform: Platform, *, count: bool) -> list[Landed]:
    """Return what there is of every tracked symbol that trades.

    Args:
        platform: whose warehouse is asked.
        count: count rows, which reads whole tables; otherwise 1 stands for "some", which is found at once.
    """
    raw, marts = platform.settings.raw_schema, platform.settings.marts_schema
    of = (platform.settings.exchange,)
    tracked = f"SELECT symbol FROM {raw}.tracked_symbols WHERE exchange = %s AND active = 1"
    with session(platform.wiring.account("WAREHOUSE_READ")) as connection:
        rows = _fetch(connection, f"{tracked} AND (status IS NULL OR status = 'TRADING') ORDER BY symbol", of)
        found = {symbol: Landed(symbol) for (symbol,) in rows}
        for one in found.values():
            newest = (
                f"SELECT open_time, close_price FROM {marts}.fact_klines "
                "WHERE exchange = %s AND symbol = %s AND interval_code = '1m' ORDER BY open_time DESC LIMIT 1"
            )
            if last := _rows(connection, newest, (*of, one.symbol)):
                one.candles, (one.newest, one.close) = 1, last[0]
            for field, (table, _) in TABLES.items():
                some = f"SELECT 1 FROM {marts}.{table} WHERE exchange = %s AND symbol = %s LIMIT 1"
                setattr(one, field, len(_rows(connection, some, (*of, one.symbol))))
            newest = f"SELECT rsi FROM {marts}.indicators_1m WHERE exchange = %s AND symbol = %s ORDER BY open_time DESC LIMIT 1"
            one.rsi = next((row[0] for row in _rows(connection, newest, (*of, one.symbol))), None)
            rolling = f"SELECT price_change_percent FROM {marts}.market_stats_24h WHERE exchange = %s AND symbol = %s"
            one.change_percent = next((row[0] for row in _rows(connection, rolling, (*of, one.symbol))), None)
        for field, (table, counted) in TABLES.items() if count else ():
            query = f"SELECT symbol, {counted} FROM {marts}.{table} WHERE exchange = %s GROUP BY symbol"
            for symbol, number in _rows(connection, query, of):
                if symbol in found:
                    setattr(found[symbol], field, number)
    return list(found.values())


def _fetch(connection: Any, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _rows(connection: Any, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
    """Return rows of a mart; one that dbt has not made yet has none."""
    try:
        return _fetch(connection, query, parameters)
    except MySQLdb.ProgrammingError as error:
        if error.args[0] == NO_SUCH_TABLE:
            return []
        raise


def wait_for_data(platform: Platform, current: Step) -> None:
    """Wait until fresh candles, order books, hours, days, indicators and statistics of every symbol that trades are there.

    Raises:
        ServiceFailed: not in time, or a service ended; the message names what is missing and the logs.
    """
    deadline = time.monotonic() + platform.settings.demo_wait_seconds
    looked = time.monotonic()
    scheduler = platform.processes.running("scheduler")
    since = scheduler.create_time if scheduler else time.time()
    while True:
        found = landed(platform, count=False)
        without = why_no_books(platform)
        oldest = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=platform.settings.stale_after_minutes)
        expected = [name for name in TABLES if not (without and name == "books")]
        missing = {name: [one.symbol for one in found if name in one.missing(oldest)] for name in expected}
        waiting = [f"{name} of {', '.join(symbols)}" for name, symbols in missing.items() if symbols]
        if found and not waiting:
            books = "" if without else "books, "
            current.result = f"fresh candles, {books}hours, days and indicators of {len(found)} symbols{without}"
            return
        if time.monotonic() > looked + FAILING_EVERY_SECONDS:
            looked = time.monotonic()
            if failed := platform.airflow.failing("market_minute", since):
                logs = platform.home.logs / "airflow" / "dag_id=market_minute"
                raise ServiceFailed(f"The last runs of market_minute all failed, in {failed}; the logs are in {logs}.")
        if time.monotonic() > deadline:
            raise ServiceFailed(
                f"After {platform.settings.demo_wait_seconds} s these are still missing: {'; '.join(waiting) or 'tracked symbols'}; "
                f"see the runs at {platform.airflow.url} and the logs in {platform.home.logs}."
            )
        current.now("waiting for " + ", ".join(name for name, symbols in missing.items() if symbols))
        time.sleep(1)


def why_no_books(platform: Platform) -> str:
    """Return why no order books come, as the end of a sentence; an empty text when they do."""
    with writer(platform.wiring, platform.settings).session() as session:
        space = room.look(session, platform.settings)
    return f"; no order books: {space.fullest} (docs/storage.md)" if space.stops_depth else ""


def show_landed(platform: Platform) -> None:
    """Print the table of what has arrived."""
    table = Table(title="In the warehouse (newest: UTC)", title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("symbol", no_wrap=True)
    for column in ("candles", "newest", "close", "24 h", "books", "hours", "days", "indicators", "RSI"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in landed(platform, count=True):
        close = f"{one.close:f}".rstrip("0").rstrip(".") if one.close is not None else ""
        newest = f"{one.newest:%H:%M}" if one.newest else ""
        change = f"{one.change_percent:+.2f}%" if one.change_percent is not None else ""
        rsi = f"{one.rsi:.1f}" if one.rsi is not None else ""
        counts = [f"{number:,}" for number in (one.books, one.hours, one.days, one.indicators)]
        table.add_row(one.symbol, f"{one.candles:,}", newest, close, change, *counts, rsi)
    console.print(table)
