"""Bars to try indicators on: seeded walks at any price, what the simulated exchange would say, what the real one said."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from candlewick.demo.market import candles

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2022, 1, 1)
STEPS = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
_SMALLEST = Decimal("0.00000001")


@dataclass(frozen=True)
class Bar:
    """One bar; prices and volumes as the tables hold them, with eight decimals."""

    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal

    def moved(self, open_time: datetime) -> Bar:
        return replace(self, open_time=open_time)

    def corrected(self) -> Bar:
        """The same bar as somebody who knows better would give it."""
        close = self.low if self.close != self.low else self.high + 7 * _SMALLEST
        return replace(
            self, close=close, high=max(self.high, close), volume=self.volume + 3, quote_volume=self.quote_volume + 5
        )

    def staged(self, symbol: str, interval: str, *, is_final: bool = True, seconds_late: int = 5) -> dict[str, object]:
        """The 1m candle that makes this bar: the last minute of its interval, so that the bar is over with it."""
        minute = self.open_time + STEPS[interval] - timedelta(minutes=1)
        seen = minute + (timedelta(minutes=1, seconds=seconds_late) if is_final else timedelta(seconds=30))
        return {
            "object_id": 1, "exchange": "binance", "symbol": symbol, "interval_code": "1m", "open_time": minute,
            "open_price": self.open, "high_price": self.high, "low_price": self.low, "close_price": self.close,
            "volume": self.volume, "close_time": minute + timedelta(milliseconds=59_999),
            "quote_volume": self.quote_volume, "trade_count": 7 if self.volume else 0, "taker_buy_volume": 0,
            "taker_buy_quote_volume": 0, "source": "rest", "captured_at": seen, "exchange_time": seen,
        }  # fmt: skip


def spaced(bars: list[Bar], interval: str, start: datetime = START) -> list[Bar]:
    """The same bars, one right after the other at this interval."""
    return [bar.moved(start + number * STEPS[interval]) for number, bar in enumerate(bars)]


def walk(seed: int, length: int, price: float, *, move: float = 0.001, silent: float = 0.1) -> list[Bar]:
    """A random walk that begins at ``price``; a share of bars has no trades and is flat, as on the exchange."""
    dice = random.Random(seed)  # noqa: S311  # a die that always falls the same
    tick = max(_SMALLEST, Decimal(price).scaleb(-6).quantize(_SMALLEST))
    close, bars = _rounded(price, tick), []
    for number in range(length):
        open_ = close
        if number and dice.random() < silent:
            bars.append(Bar(START, open_, open_, open_, open_, Decimal(0), Decimal(0)))
            continue
        close = max(tick, _rounded(float(open_) * (1 + dice.gauss(0, move)), tick))
        reach = float(open_) * move
        high = max(open_, close) + _rounded(abs(dice.gauss(0, reach)), tick)
        low = max(tick, min(open_, close) - _rounded(abs(dice.gauss(0, reach)), tick))
        volume = Decimal(dice.randrange(1, 10**12)).scaleb(-8)
        bars.append(Bar(START, open_, high, low, close, volume, (volume * (high + low) / 2).quantize(_SMALLEST)))
    return spaced(bars, "1m")


def _rounded(price: float, tick: Decimal) -> Decimal:
    return (Decimal(price) / tick).quantize(Decimal(1)) * tick


def flat(length: int, price: str, volume: str = "2") -> list[Bar]:
    """A price that never moves."""
    at, traded = Decimal(price), Decimal(volume)
    return spaced([Bar(START, at, at, at, at, traded, (traded * at).quantize(_SMALLEST))] * length, "1m")


def published(closes: str, highs: str = "", lows: str = "") -> list[Bar]:
    """Bars of a published table; without highs and lows each is flat."""
    columns = [[Decimal(text) for text in column.split()] for column in (highs or closes, lows or closes, closes)]
    return spaced(
        [Bar(START, close, high, low, close, Decimal(1), close) for high, low, close in zip(*columns, strict=True)],
        "1m",
    )


def simulated(symbol: str, length: int) -> list[Bar]:
    """Minutes of the simulated exchange."""
    first = int(START.replace(tzinfo=UTC).timestamp() * 1000)
    last = first + (length - 1) * 60_000
    return [_bar(row) for row in candles(1, symbol, "1m", first, last, last + 10**9)]


def recorded(folder: Path, symbol: str) -> list[Bar]:
    """All minutes of a symbol that were recorded from the real exchange, holes included."""
    rows = []
    for path in sorted((folder / "data/spot/daily/klines" / symbol / "1m").glob("*.zip")):
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            rows += [_bar(row) for row in csv.reader(io.TextIOWrapper(file)) if row[0].isdigit()]
    return rows


def _bar(row) -> Bar:
    milliseconds = int(row[0]) if int(row[0]) < 10**14 else int(row[0]) // 1000  # files are in microseconds since 2025
    opened = datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
    return Bar(opened, *(Decimal(text) for text in row[1:6]), Decimal(row[7]))
