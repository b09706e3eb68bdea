"""What a column holds, by its name: units and kinds are in names, which mean one thing everywhere."""

from __future__ import annotations

from enum import Enum, auto


class Kind(Enum):
    """Kinds of values; each may be missing."""

    TEXT = auto()
    COUNT = auto()
    NUMBER = auto()
    FLAG = auto()
    DECIMAL = auto()
    TIME = auto()
    DAY = auto()


_TIMES = {
    "oldest",
    "newest",
    "watermark",
    "from_time",
    "to_time",
    "as_of",
    "minute",
    "final_until",
    "first_offending_bucket",
}
_DECIMALS = {
    "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "vwap", "completeness", "price_change",
    "price_change_percent", "jump_share", "rows_per_second", "price", "quantity", "cumulative_quantity", "spread",
    "microprice",
}  # fmt: skip
_COUNTS = {
    "level", "bid_levels", "ask_levels", "last_update_id",
    "weight", "requests", "failures", "attempts", "gaps", "loads", "objects", "events", "days", "minutes", "violations",
    "http_status", "map_index", "try_number", "used_weight", "weight_limit", "allowed_weight", "breaker_failures",
    "gap_count", "missing_explained", "missing_unexplained", "days_until_full", "events_24h", "quarantined_rows_24h", "pending_loads",
}  # fmt: skip
_COUNT_ENDS = ("_count", "_bytes", "_ms", "_seconds", "_minutes", "_rows", "_objects", "_per_day", "_parts", "_number")
_COUNT_STARTS = ("rows_",)
_IDS = ("outcome_id", "load_id", "gap_id", "event_id", "object_id", "bundle_id", "backfill_id")


def kind_of(name: str) -> Kind:
    """Return what a column of this name holds; doubles (`NUMBER`) are not to be told by their names."""
    bare = name.removeprefix("lost_").removeprefix("kept_")
    if bare in ("date", "period_start"):
        return Kind.DAY
    if bare in _TIMES or bare.endswith(("_at", "_time", "_until")):
        return Kind.TIME
    if bare.startswith("is_"):
        return Kind.FLAG
    if bare in _DECIMALS or bare.endswith("_price"):
        return Kind.DECIMAL
    if bare in _COUNTS or bare in _IDS or bare.endswith(_COUNT_ENDS) or bare.startswith(_COUNT_STARTS):
        return Kind.COUNT
    return Kind.TEXT
