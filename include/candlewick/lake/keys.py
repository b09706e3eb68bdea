"""How objects are named: ``{date}/{symbol}_{data_type}_{timestamp_ms}[_p{page}].json``, date and stamp of the capture, UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from candlewick.market import DataType, Interval


def data_type_label(data_type: DataType, interval: Interval | None) -> str:
    """Name the data type in a key: ``klines`` is the minute; other intervals are told apart (``klines-1h``)."""
    if interval is None or interval is Interval.MINUTE_1:
        return data_type.value
    return f"{data_type.value}-{interval.value}"


def raw_key(symbol: str, data_type: DataType, interval: Interval | None, captured_at_ms: int, page: int = 1) -> str:
    """Name a payload. The first page bears no suffix; later pages of the same question bear theirs."""
    date = datetime.fromtimestamp(captured_at_ms / 1000, UTC).strftime("%Y-%m-%d")
    suffix = "" if page == 1 else f"_p{page}"
    return f"{date}/{symbol}_{data_type_label(data_type, interval)}_{captured_at_ms}{suffix}.json"
