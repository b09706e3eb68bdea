"""What a column holds, by its name: units and kinds are in names, which mean one thing everywhere."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


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
    "oldest", "newest", "watermark", "from_time", "to_time", "as_of", "minute", "final_until", "first_offending_bucket",
    "valid_from", "valid_to", "window_start", "window_end",
}  # fmt: skip
# Doubles. Of most of the warehouse's the name does not tell it: there they are named beside the columns.
_NUMBERS = {
    "share", "cumulative_share", "lower_price", "upper_price", "lower_bound", "upper_bound", "correlation", "point_of_control",
    "value_area_low", "value_area_high",
}  # fmt: skip
# Ratios have more places than prices and quantities.
_OF_TWELVE_PLACES = {"mid_price", "microprice", "vwap", "top_imbalance", "book_imbalance"}
_DECIMALS = {
    "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "taker_sell_volume", "completeness", "price_change",
    "price_change_percent", "jump_share", "rows_per_second", "price", "quantity", "spread", "best_bid", "best_ask",
} | _OF_TWELVE_PLACES  # fmt: skip
_DEPTH = re.compile(r"(bid|ask)_depth_\d+bp")  # the distances are the dbt project's
_COUNTS = {
    "level", "bid_levels", "ask_levels", "bars", "observations", "editions", "versions", "times_said", "minutes_late", "minutes_old",
    "minutes_waiting", "seconds_ahead", "row_number_in_object",
    "weight", "requests", "failures", "attempts", "gaps", "loads", "objects", "events", "days", "minutes", "violations",
    "http_status", "map_index", "try_number", "used_weight", "weight_limit", "allowed_weight", "breaker_failures",
    "missing_explained", "missing_unexplained", "days_until_full", "events_24h", "quarantined_rows_24h", "pending_loads",
}  # fmt: skip
_IDS = {
    "outcome_id", "load_id", "gap_id", "event_id", "object_id", "bundle_id", "backfill_id", "quarantine_id", "last_update_id",
}  # fmt: skip
# The first that fits: (kind, names, ends of names, beginnings of names).
_RULES: tuple[tuple[Kind, Collection[str], tuple[str, ...], tuple[str, ...]], ...] = (
    (Kind.DAY, ("date", "period_start"), (), ()),
    (Kind.NUMBER, _NUMBERS, (), ()),
    (Kind.TIME, _TIMES, ("_at", "_time", "_until", "_since"), ()),
    (Kind.FLAG, (), (), ("is_",)),
    (Kind.DECIMAL, _DECIMALS, ("_price", "_quantity", "_basis_points"), ()),
    (
        Kind.COUNT, _COUNTS | _IDS,
        ("_count", "_bytes", "_ms", "_seconds", "_minutes", "_rows", "_objects", "_per_day", "_parts", "_number"), ("rows_",),
    ),
)  # fmt: skip


def kind_of(name: str) -> Kind:
    """Return what a column of this name holds; of doubles (`NUMBER`) most are not to be told by their names."""
    bare = name.removeprefix("lost_").removeprefix("kept_")
    for kind, names, ends, starts in _RULES:
        if bare in names or bare.endswith(ends) or bare.startswith(starts):
            return kind
    return Kind.DECIMAL if _DEPTH.fullmatch(bare) else Kind.TEXT


def places_of(name: str) -> int:
    """Return how many decimal places a column of decimals has at least."""
    return 12 if name in _OF_TWELVE_PLACES else 8
