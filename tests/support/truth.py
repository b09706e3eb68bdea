"""What the exchange has, and whether the warehouse has exactly that: no row missing, none twice."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from candlewick.lake.envelope import unwrap
from candlewick.market import DataType
from candlewick.warehouse.database import from_ms, to_ms
from support.crashable import MIDNIGHT, MINUTE_MS

if TYPE_CHECKING:
    from support.crashable import Crashable

COLUMNS = (
    "open_price, high_price, low_price, close_price, volume, close_time, quote_volume, trade_count, "
    "taker_buy_volume, taker_buy_quote_volume"
)
PAGE = 1000
HOURLY_QUEUES = ("coverage_counts", "minutes_heard", "reconciliation_daily")  # all others are the minute path's
START_MS = int(datetime.fromisoformat(MIDNIGHT).timestamp() * 1000)
INTERVALS_MS = {"1m": MINUTE_MS, "1h": 60 * MINUTE_MS, "1d": 1440 * MINUTE_MS}

Candles = list[tuple[Any, ...]]


class Truth:
    """Compares a platform with its exchange; final candles of the past are asked for once."""

    def __init__(self, platform: Crashable) -> None:
        self.platform = platform
        self._known: dict[tuple[str, str], Candles] = {}
        self._levels: dict[str, Candles] = {}

    def now_ms(self) -> int:
        return int(self.platform.exchange.control("GET", "state")["clock"]["now"])

    def candles(self, symbol: str, interval: str) -> Candles:
        """Every candle of the exchange since midnight, the forming one last: (open_time, *COLUMNS)."""
        known = self._known.setdefault((symbol, interval), [])
        now, step = self.now_ms(), timedelta(milliseconds=INTERVALS_MS[interval])
        start = known[-1][0] + step if known else from_ms(START_MS)
        forming: Candles = []
        while start <= from_ms(now):
            rows = self.platform.exchange.get(
                "/api/v3/klines", symbol=symbol, interval=interval, startTime=to_ms(start), limit=PAGE
            ).json()
            if not rows:
                break
            known += [_row(row) for row in rows if row[6] < now]
            forming = [_row(row) for row in rows if row[6] >= now]
            start = from_ms(rows[-1][0]) + step
        return known + forming

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.platform.warehouse.session() as session:
            return session.all(query, parameters)

    def nothing_is_skipped(self) -> None:
        """At any instant: every final minute up to the watermark is staged; what the queue names is in the lake."""
        marks = dict(self.ask("SELECT symbol, last_open_time FROM extraction_metadata WHERE data_type = 'klines'"))
        for symbol, mark in marks.items():
            staged = self.ask(
                "SELECT DISTINCT open_time FROM staging_klines WHERE symbol = %s AND open_time <= %s ORDER BY 1",
                symbol, mark,
            )  # fmt: skip
            minutes = (mark - from_ms(START_MS)) // timedelta(minutes=1) + 1
            assert [row[0] for row in staged] == [from_ms(START_MS + n * MINUTE_MS) for n in range(minutes)], (
                f"{symbol}: its watermark is {mark}, but not every minute up to it is staged"
            )
        kept = set(self.platform.lake.keys(self.platform.config.raw_bucket))
        named = self.ask("SELECT object_key FROM extraction_outcomes WHERE status = 'stored'")
        lost = {row[0] for row in named} - kept
        assert not lost, f"the queue names objects that are not in the lake: {sorted(lost)[:5]}"

    def staging_is_whole(self) -> None:
        """After an undisturbed extract and load: every minute staged, every object loaded once and as it is."""
        self.nothing_is_skipped()
        for symbol in self.platform.symbols:
            newest = self.ask(
                f"SELECT DISTINCT open_time, {COLUMNS} FROM staging_klines "
                "WHERE symbol = %s AND close_time < exchange_time ORDER BY open_time",
                symbol,
            )
            assert newest == self.candles(symbol, "1m")[:-1], f"staged minutes of {symbol}"
        open_work = self.ask("SELECT object_key, load_state FROM extraction_outcomes WHERE load_state <> 'loaded'")
        assert [row for row in open_work if row[1] != "none"] == []
        for table in ("klines", "orderbook"):
            data_type = "depth" if table == "orderbook" else table
            wrong = self.ask(
                "SELECT files.object_key, files.record_count, COUNT(staged.object_id) FROM processed_files AS files "
                f"LEFT JOIN staging_{table} AS staged ON staged.object_id = files.object_id AND staged.load_id = files.load_id "
                "WHERE files.data_type = %s GROUP BY files.object_id HAVING files.record_count <> COUNT(staged.object_id)",
                data_type,
            )
            assert wrong == [], f"objects whose rows are missing from staging_{table}, or there twice"
            strays = self.ask(
                f"SELECT staged.load_id FROM staging_{table} AS staged LEFT JOIN processed_files AS files "
                "ON files.object_id = staged.object_id AND files.load_id = staged.load_id WHERE files.object_id IS NULL LIMIT 1"
            )
            assert strays == [], f"rows in staging_{table} that no object accounts for"

    def marts_are_whole(self) -> None:
        """After an undisturbed cycle: facts, hours and days are the exchange's, the books those that were kept."""
        marts = self.platform.config.marts_schema
        for symbol in self.platform.symbols:
            facts = self._table("fact_klines", "open_time", symbol)
            assert facts == self.candles(symbol, "1m"), _difference("fact_klines", facts, self.candles(symbol, "1m"))
            hours = self._table("hourly_klines", "hour_start", symbol)
            expected = self.candles(symbol, "1h")
            assert _built(hours) == _built(expected), _difference("hourly_klines", hours, expected)
            days = self._table("daily_klines", "CAST(date AS DATETIME(3))", symbol)
            expected = self.candles(symbol, "1d")
            assert _built(days) == _built(expected), _difference("daily_klines", days, expected)
            finals = [
                self.ask(f"SELECT COUNT(*) FROM {marts}.{name} WHERE symbol = %s AND is_final = 0", symbol)[0][0]
                for name in ("fact_klines", "hourly_klines", "daily_klines")
            ]
            assert finals == [1, 1, 1], "only the forming minute, hour and day are not final"
        waiting = self.ask("SELECT * FROM pending_loads WHERE model NOT IN %s", HOURLY_QUEUES)
        assert waiting == [], f"loads the models of the minute path have not consumed: {waiting[:5]}"
        assert self.ask("SELECT * FROM kline_revisions") == [], "the exchange has revised nothing"
        self._books()
        left = self.ask("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", marts)
        assert [row[0] for row in left if "__" in row[0]] == [], "what killed runs left beside the tables"

    def _table(self, name: str, key: str, symbol: str) -> Candles:
        return self.ask(
            f"SELECT {key}, {COLUMNS} FROM {self.platform.config.marts_schema}.{name} WHERE symbol = %s ORDER BY 1",
            symbol,
        )

    def _books(self) -> None:
        """Every level of every book whose outcome was committed, and no other."""
        stored = self.ask(
            "SELECT object_key, sha256 FROM extraction_outcomes WHERE status = 'stored' AND data_type = %s",
            DataType.DEPTH.value,
        )
        for key, sha256 in stored:
            if key not in self._levels:
                self._levels[key] = self._read_book(key, sha256)
        expected = [level for key, _ in stored for level in self._levels[key]]
        held = self.ask(
            f"SELECT symbol, captured_at, side, level, price, quantity FROM {self.platform.config.marts_schema}.fact_orderbook"
        )
        levels = [(row[0], to_ms(row[1]), *row[2:]) for row in held]
        missing, too_many = Counter(expected) - Counter(levels), Counter(levels) - Counter(expected)
        assert not missing + too_many, f"fact_orderbook: missing {sorted(missing)[:5]}, too many {sorted(too_many)[:5]}"

    def _read_book(self, key: str, sha256: str) -> Candles:
        payload = self.platform.lake.get(self.platform.config.raw_bucket, key)
        assert hashlib.sha256(payload).hexdigest() == sha256, key
        book = unwrap(payload)
        data = json.loads(bytes(book.data))
        return [
            (book.symbol, book.captured_at, side, level, Decimal(price), Decimal(quantity))
            for side in ("bid", "ask")
            for level, (price, quantity) in enumerate(data[f"{side}s"], 1)
        ]


def _row(kline: list[Any]) -> tuple[Any, ...]:
    """A candle of the exchange (12 fields) as the warehouse holds it."""
    prices = [Decimal(value) for value in kline[1:6]]
    return (
        from_ms(kline[0]), *prices, from_ms(kline[6]), Decimal(kline[7]), int(kline[8]), Decimal(kline[9]),
        Decimal(kline[10]),
    )  # fmt: skip


def _built(rows: Candles) -> Candles:
    """Candles built from smaller ones: those say the close time of the last minute they have."""
    return [row[:6] + row[7:] for row in rows]


def _difference(name: str, held: Candles, expected: Candles) -> str:
    held_at, expected_at = [row[0] for row in held], [row[0] for row in expected]
    return (
        f"{name}: {len(held)} rows, the exchange has {len(expected)}; "
        f"missing {sorted(set(expected_at) - set(held_at))[:5]}, too many {sorted(set(held_at) - set(expected_at))[:5]}, "
        f"twice {len(held_at) - len(set(held_at))}, other values at "
        f"{[new[0] for new, old in zip(expected, held, strict=False) if new != old][:5]}"
    )
