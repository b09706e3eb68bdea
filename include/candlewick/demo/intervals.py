"""Binance's kline intervals and where their buckets begin. All times are epoch milliseconds UTC."""

from datetime import UTC, datetime

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
# 1970-01-01 was a Thursday and weeks begin on Monday: the first Monday is four days later.
_FIRST_MONDAY_MS = 4 * DAY_MS
_MONTH = "1M"

FIXED_MS: dict[str, int] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
}
INTERVALS = (*FIXED_MS, _MONTH)


def bucket_start(interval: str, at_ms: int, offset_ms: int = 0) -> int:
    """Open time of the candle that contains ``at_ms``; ``offset_ms`` is the request's time zone east of UTC."""
    local = at_ms + offset_ms
    if interval == _MONTH:
        moment = datetime.fromtimestamp(local // 1000, UTC)
        return _month_ms(moment.year, moment.month) - offset_ms
    length = FIXED_MS[interval]
    origin = _FIRST_MONDAY_MS if interval == "1w" else 0
    return (local - origin) // length * length + origin - offset_ms


def step(interval: str, start_ms: int, count: int, offset_ms: int = 0) -> int:
    """Open time of the candle ``count`` buckets after (before, when negative) the one which opens at ``start_ms``."""
    if interval != _MONTH:
        return start_ms + count * FIXED_MS[interval]
    moment = datetime.fromtimestamp((start_ms + offset_ms) // 1000, UTC)
    months = moment.year * 12 + moment.month - 1 + count
    return _month_ms(months // 12, months % 12 + 1) - offset_ms


def bucket_starts(interval: str, first_ms: int, count: int, offset_ms: int = 0) -> list[int]:
    """``count + 1`` edges: the open times of ``count`` buckets and the end of the last."""
    if interval == _MONTH:
        return [step(interval, first_ms, index, offset_ms) for index in range(count + 1)]
    length = FIXED_MS[interval]
    return list(range(first_ms, first_ms + count * length + 1, length))


def _month_ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000
