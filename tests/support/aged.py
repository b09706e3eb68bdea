"""Days of minutes in the tables of dbt, and what was made of them, without the seconds of a dbt process."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from candlewick.warehouse import symbols as tracked

DAY = timedelta(days=1)
MONTH = date(2026, 3, 1)
"""Its days have partitions of their own; the months beside it are one partition each."""
NOW = datetime(2026, 6, 10, 2)
"""90 days before it began 12 March 2026."""
FIRST_DUE, LAST_DUE, YOUNG = date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12)
LOAD = -1  # no load that a model could wait for
BY_DAY = ("fact_klines", "indicators_1m", "fact_orderbook")
BUCKETS = {  # name, column, minutes
    "klines_5m": ("open_time", 5), "klines_15m": ("open_time", 15), "hourly_klines": ("hour_start", 60),
    "klines_4h": ("open_time", 240), "daily_klines": ("date", 1440),
}  # fmt: skip
_TEXTS: dict[str, list[str]] = {}


class Aged:
    """The marts of one test."""

    def __init__(self, database, warehouse, dbt) -> None:
        self.database, self.warehouse, self.config = database, warehouse, warehouse.config
        self.marts = warehouse.config.marts_schema
        if database.name not in _TEXTS:
            dbt("run", "--selector", "minute")
            dbt("run", "--select", "coverage_daily")
            names = self.ask(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
                self.marts,
            )
            _TEXTS[database.name] = [self.ask(f"SHOW CREATE TABLE {self.marts}.{name}")[0][1] for (name,) in names]
        else:
            with database.connect(self.marts) as root, root.cursor() as cursor:
                for text in _TEXTS[database.name]:
                    cursor.execute(text)
        for table in BY_DAY:
            cut_into_days(self, table, MONTH)

    def ask(self, query, *parameters):
        with self.warehouse.session() as session:
            return session.all(query, parameters or None)

    def one(self, query, *parameters):
        return self.ask(query, *parameters)[0][0]

    def run(self, statement, *parameters):
        with self.warehouse.session() as session:
            return session.run(statement, parameters or None)

    def rows(self, table="fact_klines", time="open_time", where="interval_code = '1m'"):
        """Rows by day and symbol."""
        found = self.ask(
            f"SELECT DATE({time}), symbol, COUNT(*) FROM {self.marts}.{table} WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return {(day, symbol): count for day, symbol, count in found}

    def fill(self, names, days, *, minutes=range(1440), explained=0) -> None:
        """Give symbols these minutes of each day, and build everything from them."""
        fill_days(self.warehouse, names, days, minutes=minutes, indicators=True)
        with self.warehouse.session() as session:
            tracked.ensure_known(session, "binance", list(names), NOW)
            session.run_many(
                f"INSERT INTO {self.marts}.coverage_daily (exchange, symbol, date, expected_minutes, present_minutes, final_minutes, "
                "explained_minutes, unexplained_minutes, completeness, counted_at, updated_at) "
                "VALUES ('binance', %s, %s, 1440, %s, %s, %s, %s, 0, %s, %s)",
                [
                    (name, day, len(minutes), len(minutes), explained, 1440 - len(minutes) - explained, NOW, NOW)
                    for name in names for day in days
                ],
            )  # fmt: skip

    def native_hours(self, names, day) -> None:
        """Give symbols the exchange's own hours of a day."""
        for name in names:
            for hour in range(24):
                opened = datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)
                self.candle(name, opened, "1h")

    def candle(self, symbol, opened, interval="1m", load_id=LOAD, *, is_final=1) -> None:
        """Write one candle into the facts, and nothing else."""
        self.run(
            f"INSERT INTO {self.marts}.fact_klines VALUES ('binance', %s, %s, %s, 10, 12, 9, 11, 5, %s, 50, 7, 2, 20, %s, "
            "'rest', %s, %s, %s, %s, 1, %s)",
            symbol, interval, opened, opened, is_final, opened, opened, opened, load_id, opened,
        )  # fmt: skip

    def books(self, names, moments, *, with_metrics=True) -> None:
        """Give symbols order books of two levels a side."""
        with self.warehouse.session() as session:
            tracked.ensure_known(session, "binance", list(names), NOW)
            session.run_many(
                f"INSERT INTO {self.marts}.fact_orderbook (exchange, symbol, captured_at, side, level, price, quantity, "
                "last_update_id, source, exchange_time, load_id, object_id, created_at) "
                "VALUES (%s, %s, %s, %s, %s, 10, 5, 1, 'rest', %s, %s, 1, %s)",
                [
                    ("binance", name, moment, side, level, moment, LOAD, moment)
                    for name in names for moment in moments for side in ("bid", "ask") for level in (1, 2)
                ],
            )  # fmt: skip
            if with_metrics:
                columns = columns_of(session, self.marts, "orderbook_metrics", "is_nullable = 'NO'")
                values = {
                    "exchange": "exchange",
                    "symbol": "symbol",
                    "captured_at": "captured_at",
                    "updated_at": "captured_at",
                }
                session.run(
                    f"INSERT IGNORE INTO {self.marts}.orderbook_metrics ({', '.join(columns)}) SELECT DISTINCT "
                    f"{', '.join(values.get(one, '1') for one in columns)} FROM {self.marts}.fact_orderbook"
                )

    def backfill(self, name, start, end, *, is_kept, state="finished", part_state="done") -> None:
        """Have somebody ask for a span."""
        with self.warehouse.session() as session:
            number = session.insert(
                "INSERT INTO backfills (run_id, exchange, symbols, interval_code, from_time, to_time, source, is_forced, "
                "is_kept, state, requested_at, updated_at) VALUES (UUID(), 'binance', %s, '1m', %s, %s, 'auto', 0, %s, %s, %s, %s)",
                (name, start, end, is_kept, state, NOW, NOW),
            )
            session.run(
                "INSERT INTO backfill_parts (backfill_id, part_number, exchange, symbol, interval_code, method, from_time, "
                "to_time, state) VALUES (%s, 1, 'binance', %s, '1m', 'rest', %s, %s, %s)",
                (number, name, start, end, part_state),
            )


def cut_into_days(aged, table, month) -> None:
    """Give a past month the partitions it got when it was the next one."""
    days, day = [], month
    while day.month == month.month:
        days.append(f"PARTITION p{day:%Y%m%d} VALUES LESS THAN ('{day + DAY}')")
        day += DAY
    aged.run(f"ALTER TABLE {aged.marts}.{table} REORGANIZE PARTITION p{month:%Y%m} INTO ({', '.join(days)})")


def fill_days(warehouse, names, days, *, minutes=range(1440), roll_ups=True, indicators=False) -> None:
    """Write minutes of symbols into the facts, in the order of their key, and what is rolled up from them."""
    marts = warehouse.config.marts_schema
    with warehouse.session() as session:
        session.run("CREATE TEMPORARY TABLE numbers (n INT PRIMARY KEY)")
        session.run_many("INSERT INTO numbers VALUES (%s)", [(n,) for n in minutes])
        session.run("CREATE TEMPORARY TABLE names (symbol VARCHAR(50) COLLATE utf8mb4_unicode_ci PRIMARY KEY)")
        session.run_many("INSERT INTO names VALUES (%s)", [(name,) for name in names])
        for day in days:
            session.run(
                f"INSERT INTO {marts}.fact_klines SELECT 'binance', symbol, '1m', t, 10, 12, 9, 11, 5, "
                "t + INTERVAL 59999000 MICROSECOND, 50, 7, 2, 20, 1, 'rest', t + INTERVAL 61 SECOND, t + INTERVAL 61 SECOND, "
                f"t + INTERVAL 61 SECOND, {LOAD}, 1, t FROM (SELECT symbol, CAST(%s AS DATETIME(3)) + INTERVAL n MINUTE AS t "
                "FROM names STRAIGHT_JOIN numbers) AS minutes",
                (str(day),),
            )
            for name in BUCKETS if roll_ups else ():
                _roll_up(session, marts, name, day)
            if indicators:
                _fill_indicators(session, marts, day)
            session.commit()


def _roll_up(session, marts, name, day) -> None:
    column, minutes = BUCKETS[name]
    start = f"CAST(f.open_time AS DATE) + INTERVAL ((HOUR(f.open_time) * 60 + MINUTE(f.open_time)) DIV {minutes} * {minutes}) MINUTE"
    if column == "date":
        start = "CAST(f.open_time AS DATE)"
    values = {
        "exchange": "'binance'", "symbol": "f.symbol", column: start, "open_price": "10", "high_price": "12",
        "low_price": "9", "close_price": "11", "close_time": "MAX(f.close_time)", "candle_count": "COUNT(*)",
        "final_count": "SUM(f.is_final)", "hour_count": "COUNT(DISTINCT HOUR(f.open_time))",
        "first_open_time": "MIN(f.open_time)", "last_open_time": "MAX(f.open_time)", "is_final": "1",
        "source": "'rollup'", "updated_at": "MAX(f.open_time)",
    }  # fmt: skip
    columns = columns_of(session, marts, name)
    chosen = ", ".join(values.get(one, f"SUM(f.{one})") for one in columns)
    session.run(
        f"INSERT INTO {marts}.{name} ({', '.join(columns)}) SELECT {chosen} FROM {marts}.fact_klines AS f "
        "WHERE f.interval_code = '1m' AND f.open_time >= %s AND f.open_time < %s AND f.symbol IN (SELECT symbol FROM names) "
        f"GROUP BY f.symbol, {start}",
        (day, day + DAY),
    )


def _fill_indicators(session, marts, day) -> None:
    values = {"exchange": "'binance'", "symbol": "f.symbol", "open_time": "f.open_time", "updated_at": "f.open_time"}
    columns = columns_of(session, marts, "indicators_1m", "is_nullable = 'NO'")
    if columns:
        session.run(
            f"INSERT INTO {marts}.indicators_1m ({', '.join(columns)}) SELECT {', '.join(values.get(one, '1') for one in columns)} "
            f"FROM {marts}.fact_klines AS f WHERE f.interval_code = '1m' AND f.open_time >= %s AND f.open_time < %s "
            "AND f.symbol IN (SELECT symbol FROM names)",
            (day, day + DAY),
        )


def columns_of(session, marts, table, where="true"):
    """Columns in order; none when there is no such table."""
    rows = session.all(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s AND {where} "
        "ORDER BY ordinal_position",
        (marts, table),
    )
    return [row[0] for row in rows]
