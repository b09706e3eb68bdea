"""One-minute candles as integer columns: a pure function of (seed, symbol, gaps, minute).

A minute is made of eight parts of 7.5 s. The price path runs through all of them whether anyone trades or not; a minute
without trades stays flat at the last traded price, so the first trade after a quiet spell may open elsewhere (that is
why Binance's rule about minutes without trades can be seen at all).
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from math import sqrt

import numpy as np  # noqa: TID253 - no DAG imports the simulated exchange

from candlewick.demo.gaps import tradeless
from candlewick.demo.intervals import MINUTE_MS
from candlewick.demo.noise import BoolArray, FloatArray, IntArray, brownian, field, hashes, key_of, normals
from candlewick.demo.symbols import Symbol
from candlewick.demo.tape import Tape

PARTS = 8
# 2**25 parts are eight years: beyond that the path is anchored to the symbol's own price.
_LEVELS = 25
# A symbol keeps its order of magnitude for ever: no level may displace the log price by more than this.
_LARGEST_SWING = 0.22
# Every 16th minute trades (gaps apart), so the last traded price is never far to seek.
_SURE_TRADE = 16


@dataclass(frozen=True)
class Minutes:
    """Parallel columns, one row a minute. Prices in ticks, volumes in lots, quote volumes in 1e-8."""

    minute: IntArray
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray
    quote_volume: IntArray
    trades: IntArray
    taker_volume: IntArray
    taker_quote_volume: IntArray

    def rows(self, chosen: BoolArray) -> "Minutes":
        """The chosen rows only."""
        return Minutes(**{name: getattr(self, name)[chosen] for name in _COLUMNS})

    @staticmethod
    def join(pieces: "list[Minutes]") -> "Minutes":
        """All pieces one after another; at least one."""
        if len(pieces) == 1:
            return pieces[0]
        return Minutes(**{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in _COLUMNS})


_COLUMNS = tuple(column.name for column in fields(Minutes))


def minutes(tape: Tape, first: int, last: int, now_ms: int) -> Minutes:
    """The candles of minutes first..last inclusive that exist at ``now_ms``; that of the current minute is forming."""
    current, elapsed_ms = divmod(now_ms, MINUTE_MS)
    first, last = max(first, tape.first_minute), min(last, current)
    if last < first or any(gap.kind == "outage" and gap.start <= first and last < gap.end for gap in tape.gaps):
        last = first - 1
    forming = last == current >= first
    # The last part of a minute trades at its very end: a forming candle is never yet the final one.
    visible = 1 + elapsed_ms * (PARTS - 1) // MINUTE_MS if forming else PARTS
    count = last - first + 1
    every = _every_minute(tape, first, count, visible)
    traded = _traded(tape, first, count)
    if not traded.all():
        _flatten(every, traded, _close_before(tape, first) if not traded[0] else 0)
    keep = np.ones(count, dtype=bool)
    for gap in tape.gaps:
        if gap.kind == "outage":
            keep[max(0, gap.start - first) : max(0, gap.end - first)] = False
    return every if keep.all() else every.rows(keep)


def price_at(tape: Tape, at_ms: int) -> int:
    """The price path in ticks at any moment, to within a part of a minute."""
    part = at_ms * PARTS // MINUTE_MS
    return int(_ticks(tape, part, part)[0])


@lru_cache(maxsize=2048)
def _scale(symbol: Symbol) -> tuple[float, tuple[float, ...]]:
    """Log of the price in ticks, and the displacement at each level of the path."""
    spans = (2.0 ** (level + 1) / PARTS for level in range(_LEVELS))
    swings = [min(_LARGEST_SWING, symbol.volatility * sqrt(span) / 2) for span in spans]
    return float(np.log(symbol.price * 10**symbol.price_decimals)), (*swings, _LARGEST_SWING)


@lru_cache(maxsize=16_384)
def _stream_key(seed: int, name: str, stream: str) -> int:
    return key_of(seed, name, stream)


def _key(tape: Tape, stream: str) -> int:
    return _stream_key(tape.seed, tape.symbol.name, stream)


def _ticks(tape: Tape, first_part: int, last_part: int) -> IntArray:
    level, amplitudes = _scale(tape.symbol)
    path = brownian(_key(tape, "price"), first_part, last_part, _LEVELS, amplitudes)
    path += level
    return np.maximum(np.rint(np.exp(path)), 2).astype(np.int64)


def _every_minute(tape: Tape, first: int, count: int, visible: int) -> Minutes:
    """All minutes as if each had trades; of the last only the first ``visible`` parts."""
    if count == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Minutes(*([nothing] * len(_COLUMNS)))
    symbol = tape.symbol
    edges = _ticks(tape, first * PARTS, (first + count) * PARTS)
    begin, end = edges[:-1].reshape(count, PARTS), edges[1:].reshape(count, PARTS)
    bits = hashes(_key(tape, "parts"), first * PARTS, count * PARTS).reshape(count, PARTS)
    activity = _activity(tape, first, count)[:, None] * (0.4 + 1.2 * field(bits, 0))
    wick = begin * symbol.volatility * 0.5
    high = np.maximum(begin, end) + (wick * field(bits, 1) ** 3).astype(np.int64)
    low = np.maximum(np.minimum(begin, end) - (wick * field(bits, 2) ** 3).astype(np.int64), 1)
    lots = 1 + (activity * (symbol.turnover / symbol.price * 10**symbol.quantity_decimals / PARTS)).astype(np.int64)
    trades = np.minimum(lots, 1 + (activity * (symbol.turnover / 800 / PARTS)).astype(np.int64))
    taker = (lots * (0.1 + 0.8 * field(bits, 3))).astype(np.int64)
    worth = end * 10 ** (8 - symbol.price_decimals - symbol.quantity_decimals)
    quote, taker_quote = lots * worth, taker * worth
    close = end[:, -1].copy()
    if visible < PARTS:
        for column in (lots, trades, taker, quote, taker_quote, high):
            column[-1, visible:] = 0
        low[-1, visible:] = np.iinfo(np.int64).max
        close[-1] = end[-1, visible - 1]
    sums = [column.sum(axis=1) for column in (lots, quote, trades, taker, taker_quote)]
    return Minutes(
        np.arange(first, first + count, dtype=np.int64),
        begin[:, 0].copy(),
        high.max(axis=1),
        low.min(axis=1),
        close,
        *sums,
    )


def _activity(tape: Tape, first: int, count: int) -> FloatArray:
    """How lively each minute is, around 1: an hourly mood times the minute's own."""
    hour, last_hour = first // 60, (first + count - 1) // 60
    mood = normals(_key(tape, "hours"), hour, last_hour - hour + 1)
    own = normals(_key(tape, "minutes"), first, count)
    hours = np.arange(first, first + count, dtype=np.int64) // 60 - hour
    return np.exp(0.35 * mood[hours] + 0.6 * own - 0.24)


def _traded(tape: Tape, first: int, count: int) -> BoolArray:
    """Which minutes have trades. The first of all, every 16th, and the first after a gap always have."""
    quiet = tradeless(tape.gaps)
    draw = field(hashes(_key(tape, "quiet"), first, count), 0)
    traded = draw >= tape.symbol.quiet
    traded[-first % _SURE_TRADE :: _SURE_TRADE] = True
    if first <= tape.first_minute < first + count:
        traded[tape.first_minute - first] = True
    for gap in quiet:
        if first <= gap.end < first + count:
            traded[gap.end - first] = True
        traded[max(0, gap.start - first) : max(0, gap.end - first)] = False
    return traded


def _close_before(tape: Tape, minute: int) -> int:
    """Close (ticks) of the last traded minute before ``minute``; the listing price when there is none."""
    quiet, listed = tradeless(tape.gaps), tape.first_minute
    while minute > listed:
        covering = next((gap for gap in quiet if gap.start < minute <= gap.end), None)
        if covering:
            minute = covering.start
            continue
        begin = max(listed, (minute - 1) // _SURE_TRADE * _SURE_TRADE, *(gap.end for gap in quiet if gap.end < minute))
        found = np.flatnonzero(_traded(tape, begin, minute - begin))
        if found.size:
            end = (begin + int(found[-1]) + 1) * PARTS
            return int(_ticks(tape, end, end)[0])
        minute = begin
    return int(_ticks(tape, listed * PARTS, listed * PARTS)[0])


def _flatten(every: Minutes, traded: BoolArray, close_before: int) -> None:
    """Give each minute without trades the last traded close and no volume."""
    last_traded = np.maximum.accumulate(np.where(traded, np.arange(traded.size), -1))
    flat = np.where(last_traded >= 0, every.close[last_traded], close_before)[~traded]
    for price in (every.open, every.high, every.low, every.close):
        price[~traded] = flat
    for amount in (every.volume, every.quote_volume, every.trades, every.taker_volume, every.taker_quote_volume):
        amount[~traded] = 0
