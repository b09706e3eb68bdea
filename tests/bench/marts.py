"""What each market mart costs by itself for 300 symbols, timed in the database: a month of 5m, 1h and 4h candles, a day of minutes, books.

The marts of the minute path get one more minute and one more book of every symbol each round; the others are built again.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import correlations
from bench.increments import timed

MODELS = tuple(sorted(path.stem for path in (Path(__file__).parents[2] / "dbt_project/models/market").glob("*.sql")))
PARENTS = ("stg_klines", "stg_orderbook", "fact_klines", "fact_orderbook", "hourly_klines", "klines_5m", "klines_4h")
OF_THE_MINUTE = ("market_stats_24h", "orderbook_metrics")
SYMBOLS, DAYS, LEVELS, ROUNDS = 300, 31, 20, 5
SECONDS_AIM = 2.0
MINUTE = timedelta(minutes=1)
# The newest minute there is: one in the middle of an hour, so that a rolling window begins in one as well.
NEWEST = datetime.now(UTC).replace(tzinfo=None, minute=29, second=0, microsecond=0) - timedelta(hours=1)
OLD_LOAD, HISTORY_LOAD, FIRST_LOAD = 1, 2, 10


def measure(server, warehouse, dbt, models: tuple[str, ...] = MODELS) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines of ``models``. ``dbt`` runs dbt and returns its summary."""
    dbt("run", "--select", *PARENTS, *models)
    marts = Marts(warehouse)
    marts.fill()
    dbt("run", "--full-refresh", "--select", *models)  # the rounds find tables as they are on a platform that runs
    rounds = []
    for number in range(ROUNDS):
        marts.add_minute(NEWEST + (number + 1) * MINUTE, FIRST_LOAD + number, models)
        rounds.append(timed(server, lambda: dbt("run", "--threads", "1", "--select", *models), models))
    marts.expect_filled(models)
    lines = [
        (
            f"{model}: {SYMBOLS} symbols",
            f"{statistics.median(spent[model] for spent in rounds[1:]) * 1000:.0f} ms",  # the first warms the buffer pool
            f"≤ {SECONDS_AIM:.0f} s",
        )
        for model in models
    ]
    if "market_stats_24h" in models:
        rows = marts.add_history()
        spent = timed(server, lambda: dbt("run", "--select", "market_stats_24h"), ("market_stats_24h",))
        lines.append(
            (f"market_stats_24h: {rows:,} minutes of history", f"{spent['market_stats_24h'] * 1000:.0f} ms", "")
        )
    return lines + (correlations.measure(warehouse) if correlations.MODELS.issubset(models) else [])


class Marts:
    """Synthetic rows, made in the database."""

    def __init__(self, warehouse) -> None:
        self.warehouse = warehouse
        self.schema = warehouse.config.marts_schema

    def fill(self) -> None:
        """A month of candles of each interval, a day and an hour of minutes, three books a symbol."""
        month = DAYS * 1440
        for table, minutes, count in (
            ("klines_5m", 5, month // 5),
            ("hourly_klines", 60, month // 60),
            ("klines_4h", 240, month // 240),
        ):
            first = NEWEST.replace(minute=0, hour=NEWEST.hour // 4 * 4 if minutes == 240 else NEWEST.hour)
            if minutes == 5:
                first = NEWEST.replace(minute=NEWEST.minute // 5 * 5)
            self._candles(table, first, minutes, count, OLD_LOAD)
        self._candles("fact_klines", NEWEST, 1, 1500, OLD_LOAD)
        for n in range(3):
            self._books(NEWEST - n * MINUTE, OLD_LOAD)
        with self.warehouse.session() as session:
            session.run_many(
                "INSERT INTO tracked_symbols (exchange, symbol, added_at) VALUES ('binance', %s, %s)",
                [(f"S{number:03d}USDT", NEWEST) for number in range(SYMBOLS)],
            )
            for table in PARENTS[2:]:
                session.all(f"ANALYZE TABLE {self.schema}.{table}")

    def add_minute(self, minute: datetime, load_id: int, models: tuple[str, ...]) -> None:
        """One more minute and book of every symbol, in the hours as well, queued for the marts that take loads."""
        self._candles("fact_klines", minute, 1, 1, load_id)
        self._books(minute, load_id)
        with self.warehouse.session() as session:
            session.run(
                f"UPDATE {self.schema}.hourly_klines SET last_open_time = %s, volume = volume + 5, quote_volume = quote_volume + 500, "
                "candle_count = candle_count + 1 WHERE hour_start = %s",
                (minute, minute.replace(minute=0)),
            )
            for model in {*OF_THE_MINUTE} & {*models}:
                session.run("INSERT INTO pending_loads VALUES (%s, %s)", (model, load_id))
            session.commit()

    def expect_filled(self, models: tuple[str, ...]) -> None:
        """A mart without rows costs nothing, and would say nothing."""
        with self.warehouse.session() as session:
            empty = [model for model in models if session.one(f"SELECT 1 FROM {self.schema}.{model} LIMIT 1") is None]
        if set(empty) - {"correlation_matrix"}:  # that one is filled later, by numpy
            raise RuntimeError(f"expected rows in every mart that is timed, got none in {', '.join(empty)}")

    def add_history(self) -> int:
        """Five hours of last month's minutes of every symbol, as a chunk of a backfill leaves them."""
        self._candles("fact_klines", NEWEST - timedelta(days=40), 1, 300, HISTORY_LOAD)
        with self.warehouse.session() as session:
            session.run("INSERT INTO pending_loads VALUES ('market_stats_24h', %s)", (HISTORY_LOAD,))
            session.commit()
        return 300 * SYMBOLS

    def _candles(self, table: str, newest: datetime, minutes: int, count: int, load_id: int) -> None:
        """Add ``count`` candles of every symbol, counted backwards from the one that opens at ``newest``."""
        with self.warehouse.session() as session:
            columns = self._columns(session, table)
            values = candle(minutes, load_id)
            numbers(session)
            for number in range(SYMBOLS):
                session.run(
                    f"INSERT INTO {self.schema}.{table} ({', '.join(columns)}) SELECT {', '.join(values[name] for name in columns)} "
                    "FROM (SELECT s, t, 100 + s + 5 * SIN((m + 7 * s) / 200) + CRC32(m * 311 + s) %% 997 / 1000 AS p, "
                    "100 + s + 5 * SIN((m + 1 + 7 * s) / 200) + CRC32(m * 313 + s) %% 997 / 1000 AS q "
                    "FROM (SELECT %s AS s, t, TIMESTAMPDIFF(MINUTE, '2026-01-01', t) AS m "
                    "FROM (SELECT CAST(%s AS DATETIME(3)) - INTERVAL n * %s MINUTE AS t FROM numbers WHERE n < %s) AS times) AS ticks) AS c",
                    (number, newest, minutes, count),
                )
            session.commit()

    def _columns(self, session, table: str) -> list[str]:
        return [
            row[0]
            for row in session.all(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
                (self.schema, table),
            )
        ]

    def _books(self, captured_at: datetime, load_id: int) -> None:
        with self.warehouse.session() as session:
            numbers(session)
            for number in range(SYMBOLS):
                session.run(
                    f"INSERT INTO {self.schema}.fact_orderbook (exchange, symbol, captured_at, side, level, price, quantity, "
                    "last_update_id, source, exchange_time, load_id, object_id, created_at) "
                    "SELECT 'binance', %s, %s, side, n + 1, 100 + %s + sign * 0.01 * (n + 1), 1 + n %% 7, 1, 'rest', %s, %s, 1, %s "
                    "FROM numbers CROSS JOIN (SELECT 'bid' AS side, -1 AS sign UNION ALL SELECT 'ask', 1) AS sides WHERE n < %s",
                    (f"S{number:03d}USDT", captured_at, number, captured_at, load_id, captured_at, LEVELS),
                )
            session.commit()


def numbers(session) -> None:
    """Give the session its numbers from 0 on."""
    session.run("CREATE TEMPORARY TABLE IF NOT EXISTS numbers (n INT PRIMARY KEY)")
    session.run("DELETE FROM numbers")
    session.run_many("INSERT INTO numbers VALUES (%s)", [(n,) for n in range(DAYS * 288)])


def candle(minutes: int, load_id: int) -> dict[str, str]:
    """Value of each column a table of candles may have; symbol number ``s``, time ``t``, prices ``p`` to ``q``."""
    last = f"LEAST(t + INTERVAL {minutes - 1} MINUTE, CAST('{NEWEST}' AS DATETIME(3)))"
    return {
        **dict.fromkeys(("open_time", "hour_start", "first_open_time"), "t"),
        "exchange": "'binance'", "symbol": "CONCAT('S', LPAD(s, 3, '0'), 'USDT')",
        "interval_code": f"'{minutes}m'", "open_price": "p", "high_price": "GREATEST(p, q) + 0.1", "low_price": "LEAST(p, q) - 0.1",
        "close_price": "q", "volume": f"5 * {minutes}", "close_time": f"t + INTERVAL {minutes} MINUTE - INTERVAL 1000 MICROSECOND",
        "quote_volume": f"5 * {minutes} * p", "trade_count": f"7 * {minutes}", "taker_buy_volume": f"2 * {minutes}",
        "taker_buy_quote_volume": f"2 * {minutes} * p", "is_final": "1", "source": "'rest'", "load_id": str(load_id), "object_id": "1",
        **dict.fromkeys(("candle_count", "final_count"), str(minutes)), "last_open_time": last, "hour_count": str(minutes // 60),
        **dict.fromkeys(("captured_at", "confirmed_at", "exchange_time", "created_at", "updated_at"), f"t + INTERVAL {minutes} MINUTE"),
    }  # fmt: skip
