"""The simulated market as a function: any symbol, any interval, any date, without a server.

``candles`` is the oracle of the test-suite: exactly the rows that REST answers and the archive publishes.
"""

from functools import lru_cache

from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import MINUTE_MS, bucket_start, bucket_starts, step
from candlewick.demo.minutes import Minutes, minutes
from candlewick.demo.rollup import as_candles, roll_up
from candlewick.demo.rows import Row, to_rows
from candlewick.demo.symbols import Symbol, symbol_named
from candlewick.demo.tape import Span, Tape

# Pieces bound the memory of a page of days or weeks; blocks make the newest few rows of a symbol nearly free.
_PIECE = 32_768
_BLOCK = 128


def candles(
    seed: int,
    symbol: Symbol | str,
    interval: str,
    start_ms: int,
    end_ms: int,
    now_ms: int,
    gaps: tuple[Gap, ...] = (),
    offset_ms: int = 0,
) -> list[Row]:
    """Every candle with start_ms ≤ open time ≤ end_ms that exists at ``now_ms``, oldest first, the last maybe forming.

    Args:
        seed: the server's ``--seed``.
        symbol: a name (scale and listing time as built in) or a ``Symbol``.
        interval: Binance's code, ``1m`` … ``1M``.
        start_ms: first open time wanted, epoch milliseconds UTC, inclusive.
        end_ms: last open time wanted, inclusive, as REST's ``endTime``.
        now_ms: the exchange's clock.
        gaps: outages and flat spans of this symbol, halts included.
        offset_ms: REST's ``timeZone`` as milliseconds east of UTC.

    Returns:
        Twelve-field rows, see ``rows.Row``.
    """
    tape = Tape(seed, symbol_named(symbol) if isinstance(symbol, str) else symbol, gaps)
    return rows_of(tape, Span(interval, start_ms, end_ms, now_ms, offset_ms))


def rows_of(tape: Tape, span: Span) -> list[Row]:
    """As ``candles``."""
    interval, offset_ms = span.interval, span.offset_ms
    earliest = bucket_start(interval, tape.symbol.listed_ms, offset_ms)
    first = bucket_start(interval, max(span.start_ms, earliest), offset_ms)
    if first < span.start_ms:
        first = step(interval, first, 1, offset_ms)
    last = min(span.end_ms, span.now_ms)
    found: list[Row] = []
    while first <= last:
        count = _buckets_of_a_piece(interval, first, last)
        edges = bucket_starts(interval, first, count, offset_ms)
        piece = _between(tape, edges[0] // MINUTE_MS, edges[-1] // MINUTE_MS - 1, span.now_ms)
        found += to_rows(tape.symbol, as_candles(piece) if interval == "1m" else roll_up(piece, edges))
        first = edges[-1]
    # Months differ in length: the last piece may reach one bucket too far.
    return [row for row in found if row[0] <= last]


def _buckets_of_a_piece(interval: str, first_ms: int, last_ms: int) -> int:
    length = (step(interval, first_ms, 1) - first_ms) // MINUTE_MS
    wanted = (last_ms - first_ms) // (length * MINUTE_MS) + 1
    return max(1, min(wanted, _PIECE // length))


def _between(tape: Tape, first: int, last: int, now_ms: int) -> Minutes:
    """As ``minutes``; short spans come from cached blocks plus the forming minute."""
    current = now_ms // MINUTE_MS
    last = min(last, current)
    if last - first >= _BLOCK or last < first:
        return minutes(tape, first, last, now_ms)
    closed = [_cut(_block(tape, block), first, min(last, current - 1)) for block in _blocks(first, last)]
    if last == current:
        closed.append(minutes(tape, current, current, now_ms))
    return Minutes.join(closed)


def _blocks(first: int, last: int) -> range:
    return range(first // _BLOCK, last // _BLOCK + 1)


@lru_cache(maxsize=2048)
def _block(tape: Tape, block: int) -> Minutes:
    """The whole block as it will stand when its last minute has closed."""
    first = block * _BLOCK
    return minutes(tape, first, first + _BLOCK - 1, (first + _BLOCK) * MINUTE_MS)


def _cut(block: Minutes, first: int, last: int) -> Minutes:
    return block.rows((block.minute >= first) & (block.minute <= last))
