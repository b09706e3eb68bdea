"""What has arrived in the warehouse: waited for after a start, and shown as a table."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import MySQLdb
from rich.table import Table

from candlewick.local.database import open_account
from candlewick.local.errors import ServiceFailed
from candlewick.local.progress import console

if TYPE_CHECKING:
    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step

NO_SUCH_TABLE = 1146
FAILING_EVERY_SECONDS = 10.0
WANTED = ("candles", "books", "hours", "days")


@dataclass
class Landed:
    """What there is of one symbol; times are UTC."""

    symbol: str
    candles: int = 0
    newest: object = None
    close: object = None
    books: int = 0
    hours: int = 0
    days: int = 0

    @property
    def missing(self) -> list[str]:
        """What has not arrived yet."""
        return [name for name in WANTED if not getattr(self, name)]


def landed(platform: Platform) -> list[Landed]:
    """Return what there is of every tracked symbol."""
    raw, marts = platform.settings.raw_schema, platform.settings.marts_schema
    of = (platform.settings.exchange,)
    with closing(open_account(platform.wiring.account("WAREHOUSE_READ"))) as connection:
        tracked = _rows(
            connection,
            f"SELECT symbol FROM {raw}.tracked_symbols WHERE exchange = %s AND active = 1 ORDER BY symbol",
            of,
        )
        found = {symbol: Landed(symbol) for (symbol,) in tracked}
        minutes = f"FROM {marts}.fact_klines WHERE exchange = %s AND interval_code = '1m'"
        for symbol, count, newest in _rows(
            connection, f"SELECT symbol, COUNT(*), MAX(open_time) {minutes} GROUP BY symbol", of
        ):
            if symbol in found:
                found[symbol].candles, found[symbol].newest = count, newest
        for one in found.values():
            last = _rows(
                connection,
                f"SELECT close_price {minutes} AND symbol = %s ORDER BY open_time DESC LIMIT 1",
                (*of, one.symbol),
            )
            one.close = last[0][0] if last else None
        for field, table, counted in (
            ("books", "fact_orderbook", "COUNT(DISTINCT captured_at)"),
            ("hours", "hourly_klines", "COUNT(*)"),
            ("days", "daily_klines", "COUNT(*)"),
        ):
            query = f"SELECT symbol, {counted} FROM {marts}.{table} WHERE exchange = %s GROUP BY symbol"
            for symbol, count in _rows(connection, query, of):
                if symbol in found:
                    setattr(found[symbol], field, count)
    return list(found.values())


def _rows(connection: Any, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
    """Return rows; a table that dbt has not made yet has none."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return list(cursor.fetchall())
    except MySQLdb.ProgrammingError as error:
        if error.args[0] == NO_SUCH_TABLE:
            return []
        raise


def wait_for_data(platform: Platform, current: Step) -> None:
    """Wait until candles, order books, hours and days of every tracked symbol are there.

    Raises:
        ServiceFailed: not in time, or a service ended; the message names what is missing and the logs.
    """
    deadline = time.monotonic() + platform.settings.demo_wait_seconds
    looked = time.monotonic()
    while True:
        found = landed(platform)
        missing = {name: [one.symbol for one in found if name in one.missing] for name in WANTED}
        waiting = [f"{name} of {', '.join(symbols)}" for name, symbols in missing.items() if symbols]
        if found and not waiting:
            current.result = f"{sum(one.candles for one in found)} candles of {len(found)} symbols"
            return
        if time.monotonic() > looked + FAILING_EVERY_SECONDS:
            looked = time.monotonic()
            if failed := platform.airflow.failing("market_minute"):
                logs = platform.home.logs / "airflow" / "dag_id=market_minute"
                raise ServiceFailed(f"The last runs of market_minute all failed, in {failed}; the logs are in {logs}.")
        if time.monotonic() > deadline:
            raise ServiceFailed(
                f"After {platform.settings.demo_wait_seconds} s these are still missing: {'; '.join(waiting) or 'tracked symbols'}; "
                f"see the runs at {platform.airflow.url} and the logs in {platform.home.logs}."
            )
        current.now("waiting for " + ", ".join(name for name, symbols in missing.items() if symbols))
        time.sleep(1)


def show_landed(platform: Platform) -> None:
    """Print the table of what has arrived."""
    table = Table(title="In the warehouse", title_justify="left")
    table.add_column("symbol")
    for column in ("candles", "newest candle (UTC)", "close", "books", "hours", "days"):
        table.add_column(column, justify="right")
    for one in landed(platform):
        close = f"{one.close:f}".rstrip("0").rstrip(".") if one.close is not None else ""
        newest = f"{one.newest:%Y-%m-%d %H:%M}" if one.newest else ""
        table.add_row(
            one.symbol, f"{one.candles:,}", newest, close, f"{one.books:,}", f"{one.hours:,}", f"{one.days:,}"
        )
    console.print(table)
