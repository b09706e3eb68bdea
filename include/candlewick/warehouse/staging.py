"""Bulk load into staging, and the checks of values that typed columns allow."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.market import RejectReason
from candlewick.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.warehouse.database import Session

KLINES, ORDERBOOK = "staging_klines", "staging_orderbook"

COLUMNS = {
    KLINES: "row_number_in_load, object_id, exchange, symbol, interval_code, open_time, open_price, high_price, low_price, "
    "close_price, volume, close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume, source, "
    "captured_at, exchange_time",
    ORDERBOOK: "row_number_in_load, object_id, exchange, symbol, captured_at, last_update_id, side, level, price, quantity, "
    "source, exchange_time",
}

# In the order in which a reason is named when several hold.
KLINE_FAULTS = {
    RejectReason.LOW_NOT_POSITIVE: "low_price <= 0",
    RejectReason.HIGH_BELOW_BODY: "high_price < GREATEST(open_price, close_price)",
    RejectReason.LOW_ABOVE_BODY: "low_price > LEAST(open_price, close_price)",
    RejectReason.NEGATIVE_VOLUME: "LEAST(volume, quote_volume, taker_buy_volume, taker_buy_quote_volume, trade_count) < 0",
    RejectReason.TAKER_ABOVE_VOLUME: "taker_buy_volume > volume OR taker_buy_quote_volume > quote_volume",
}
_VALUES = (
    "open_price, high_price, low_price, close_price, volume, quote_volume, trade_count, "
    "taker_buy_volume, taker_buy_quote_volume"
)


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A staged row whose values contradict each other."""

    row_number_in_load: int
    object_id: int
    open_time: datetime
    reason: RejectReason
    offending: str


def load_lines(session: Session, table: str, load_id: int, lines: Iterable[str]) -> int:
    """Load tab-separated lines (``COLUMNS[table]``) into a staging table; return how many.

    Raises:
        WarehouseError: when the server changed or dropped anything: the transaction must not be committed.
    """
    count = 0
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", prefix="candlewick-", suffix=".tsv") as file:
        for line in lines:
            file.write(line)
            count += 1
        file.flush()
        if not count:
            return 0
        loaded = session.run(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET utf8mb4 "
            rf"FIELDS TERMINATED BY '\t' ESCAPED BY '' LINES TERMINATED BY '\n' ({COLUMNS[table]}) SET load_id = %s",
            (file.name, load_id),
        )
        warnings = session.all("SHOW WARNINGS LIMIT 3")
    if loaded != count or warnings:
        told = "; ".join(str(warning[2]) for warning in warnings) or "no warning"
        raise WarehouseError(
            f"expected {count} rows in {table} as they are, but the server took {loaded} and said: {told}"
        )
    return count


def take_out_faulty_klines(session: Session, load_id: int) -> list[FaultyRow]:
    """Remove the rows of a load whose values contradict each other, and return them; nobody has seen them."""
    cases = " ".join(f"WHEN {condition} THEN '{reason.value}'" for reason, condition in KLINE_FAULTS.items())
    any_fault = " OR ".join(f"({condition})" for condition in KLINE_FAULTS.values())
    rows = session.all(
        f"SELECT row_number_in_load, object_id, open_time, CASE {cases} END, CONCAT_WS(' ', {_VALUES}) FROM {KLINES} "
        f"WHERE load_id = %s AND ({any_fault})",
        (load_id,),
    )
    for start in range(0, len(rows), 1000):
        numbers = [row[0] for row in rows[start : start + 1000]]
        marks = ", ".join(["%s"] * len(numbers))
        session.run(f"DELETE FROM {KLINES} WHERE load_id = %s AND row_number_in_load IN ({marks})", (load_id, *numbers))
    return [FaultyRow(row[0], row[1], row[2], RejectReason(row[3]), f"{_VALUES}: {row[4]}") for row in rows]
