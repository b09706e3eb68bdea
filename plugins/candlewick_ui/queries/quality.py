"""Violations of the quality rules: the mart `quality_summary`, and the findings of one rule (`quality_<rule>`)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

SUMMARY = ("rule_name", "severity", "violations", "newest", "documentation")


class Rule(StrEnum):
    """The rules; docs/quality/<rule>.md says what each means."""

    CROSSED_BOOK = "crossed_book"
    DUPLICATE_KEY = "duplicate_key"
    FUTURE_CANDLE = "future_candle"
    IMPOSSIBLE_OHLC = "impossible_ohlc"
    NEVER_FINAL = "never_final"
    OFF_GRID_CANDLE = "off_grid_candle"
    PRICE_JUMP = "price_jump"
    QUARANTINED_ROW = "quarantined_row"
    REFUSED_ARCHIVE_FILE = "refused_archive_file"
    SOURCE_DISAGREEMENT = "source_disagreement"
    STALE_BOOK = "stale_book"
    STALE_SYMBOL = "stale_symbol"
    UNCONSUMED_LOAD = "unconsumed_load"
    UNEXPLAINED_GAP = "unexplained_gap"
    UNRECONCILED_DAY = "unreconciled_day"
    VOLUME_WITHOUT_TRADES = "volume_without_trades"


_SYMBOL: dict[str, type] = {"symbol": str}
_CANDLE: dict[str, type] = {"symbol": str, "interval_code": str, "open_time": datetime}
# The key of each rule's table behind the exchange; of two, the rule's own order of time is behind the key.
_KEYS: dict[Rule, dict[str, type]] = {
    Rule.CROSSED_BOOK: _SYMBOL | {"captured_at": datetime},
    Rule.DUPLICATE_KEY: _CANDLE | {"object_id": int, "load_id": int},
    Rule.FUTURE_CANDLE: _CANDLE,
    Rule.IMPOSSIBLE_OHLC: _CANDLE,
    Rule.NEVER_FINAL: _CANDLE,
    Rule.OFF_GRID_CANDLE: _CANDLE,
    Rule.PRICE_JUMP: _CANDLE,
    Rule.QUARANTINED_ROW: {"quarantine_id": int},
    Rule.REFUSED_ARCHIVE_FILE: _SYMBOL | {"interval_code": str, "granularity": str, "period_start": date},
    Rule.SOURCE_DISAGREEMENT: _CANDLE | {"lost_source": str, "lost_fingerprint": str},
    Rule.STALE_BOOK: _SYMBOL,
    Rule.STALE_SYMBOL: _SYMBOL,
    Rule.UNCONSUMED_LOAD: {"consumer": str, "load_id": int},
    Rule.UNEXPLAINED_GAP: {"gap_id": int},
    Rule.UNRECONCILED_DAY: _SYMBOL | {"date": date, "check_name": str},
    Rule.VOLUME_WITHOUT_TRADES: _CANDLE,
}


def key(rule: Rule) -> tuple[type, ...]:
    """Return the kinds of the values in a cursor of this rule's findings."""
    return tuple(_KEYS[rule].values())


def _statement(rule: Rule, *, is_first: bool) -> str:
    names = list(_KEYS[rule])
    conditions = [] if rule is Rule.UNCONSUMED_LOAD else ["exchange = :exchange"]
    if not is_first:
        conditions.append(f"({', '.join(names)}) < ({', '.join(':at_' + name for name in names)})")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * FROM quality_{rule} {where} ORDER BY {', '.join(f'{name} DESC' for name in names)} LIMIT :most"


# Made of the closed list above when this file is imported.
_FIRST = {rule: _statement(rule, is_first=True) for rule in Rule}
_NEXT = {rule: _statement(rule, is_first=False) for rule in Rule}
_SUMMARY = f"SELECT {', '.join(SUMMARY)} FROM quality_summary ORDER BY severity, rule_name"


def summary(reader: Reader) -> list[dict[str, Any]]:
    """Return a row per rule: violations no exception excuses, the newest of them, how serious one is."""
    return reader.rows(_SUMMARY)


def findings(reader: Reader, exchange: str, rule: Rule, limit: int, after: tuple[Any, ...] | None = None) -> Page:
    """Return what a rule lists, its key descending: each rule's table has columns of its own.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        rule: the rule.
        limit: most rows.
        after: the key after which the page begins.
    """
    names = list(_KEYS[rule])
    values: dict[str, Any] = {} if rule is Rule.UNCONSUMED_LOAD else {"exchange": exchange}
    if after is not None:
        values |= {f"at_{name}": value for name, value in zip(names, after, strict=True)}
    rows = reader.rows((_FIRST if after is None else _NEXT)[rule], most=limit + 1, **values)
    return cut(rows, limit, *names)
