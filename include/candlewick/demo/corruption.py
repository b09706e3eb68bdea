"""Kline rows made wrong on purpose. Each function takes true rows and returns others; the true ones stay untouched."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from candlewick.demo.rows import Row

if TYPE_CHECKING:
    from candlewick.demo.faults import Fault

_HOUR_MS = 3_600_000


def _set(index: int, value: Callable[[Row], object]) -> Callable[[Row, int], Row]:
    def changed(row: Row, _now_ms: int) -> Row:
        return [*row[:index], value(row), *row[index + 1 :]]

    return changed


def _future(row: Row, now_ms: int) -> Row:
    shift = (now_ms - row[0]) // _HOUR_MS * _HOUR_MS + 2 * _HOUR_MS
    return [row[0] + shift, *row[1:6], row[6] + shift, *row[7:]]


_WAYS: dict[str, Callable[[Row, int], Row]] = {
    "high_below_low": lambda row, _now_ms: [*row[:2], row[3], f"{Decimal(row[2]) + 1:f}", *row[4:]],
    "negative_volume": _set(5, lambda row: f"-{Decimal(row[5]) + 1:f}"),
    "short_row": lambda row, _now_ms: row[:11],
    "text_number": _set(4, lambda _row: "notanumber"),
    "off_grid": _set(0, lambda row: row[0] + 17),
    "taker_above_volume": _set(9, lambda row: f"{Decimal(row[5]) + 1:f}"),
    "zero_price": _set(3, lambda _row: "0.00000000"),
    "null_field": _set(1, lambda _row: None),
    "future": _future,
}
VARIANTS = tuple(_WAYS)


def corrupted(rows: list[Row], faults: "list[Fault]", now_ms: int) -> list[Row]:
    """The rows after all faults that concern rows."""
    for fault in faults:
        if fault.kind == "late_revision":
            rows = late_revision(rows, now_ms, fault.seconds)
        elif fault.kind == "bad_rows":
            rows = bad_rows(rows, fault.variants, now_ms)
        elif fault.kind == "duplicates":
            rows = duplicates(rows)
        elif fault.kind == "shuffled":
            rows = shuffled(rows, fault.seed)
        elif fault.kind == "truncated":
            rows = rows[: fault.rows]
    return rows


def bad_rows(rows: list[Row], variants: tuple[str, ...], now_ms: int) -> list[Row]:
    """The first rows go wrong, one in each way."""
    return [_WAYS[way](row, now_ms) for row, way in zip(rows, variants, strict=False)] + rows[len(variants) :]


def duplicates(rows: list[Row]) -> list[Row]:
    """Every row twice."""
    return [row for row in rows for _ in range(2)]


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    """The same rows in another order (whenever there are two)."""
    mixed = rows[:]
    random.Random(seed).shuffle(mixed)  # noqa: S311 - a repeatable order, not a secret
    return mixed if mixed != rows else rows[::-1]


def late_revision(rows: list[Row], now_ms: int, seconds: float) -> list[Row]:
    """Rows closed less than ``seconds`` ago lack their last trades; they are well formed and look final."""
    return [_unrevised(row) if 0 <= now_ms - row[6] - 1 < seconds * 1000 else row for row in rows]


def republished(rows: list[Row]) -> list[Row]:
    """The archive's second edition of a file: its first traded row differs."""
    at = next((index for index, row in enumerate(rows) if row[8] > 1), None)
    return rows if at is None else [*rows[:at], _unrevised(rows[at]), *rows[at + 1 :]]


def damaged(content: bytes) -> bytes:
    """The same zip with 16 bytes in its middle, within the packed text, the other way round."""
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 16]) + content[middle + 16 :]


def _unrevised(row: Row) -> Row:
    """Half of the volumes and of the trades; the close is the low (a price that was seen)."""
    half = {index: f"{Decimal(row[index]) / 2:.8f}" for index in (5, 7, 9, 10)}
    return [*row[:4], row[3], half[5], row[6], half[7], row[8] // 2, half[9], half[10], row[11]]
