"""Bulk load into staging, and the checks of values that typed columns allow."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.market import Interval, RejectReason
from candlewick.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from candlewick.warehouse.database import Session

DEPRECATED = 1287  # a word about our statement, not about the rows
KLINES, ORDERBOOK = "staging_klines", "staging_orderbook"

# The fields of a line, and how those that arrive in another form become columns.
COLUMNS = {
    KLINES: "row_number_in_load, object_id, exchange, symbol, interval_code, @open_ms, open_price, high_price, low_price, close_price, volume, "
    "@close_ms, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume, @ignored, source, captured_at, "
    "exchange_time",
    ORDERBOOK: "row_number_in_load, object_id, exchange, symbol, captured_at, last_update_id, side, level, price, quantity, source, exchange_time",
}
# Literals of the type: the server reads a text anew for each row.
_MOMENT = "TIMESTAMP'1970-01-01 00:00:00' + INTERVAL {} * 1000 MICROSECOND"
CONVERSIONS = {
    KLINES: f", open_time = {_MOMENT.format('@open_ms')}, close_time = {_MOMENT.format('@close_ms')}",
    ORDERBOOK: "",
}
# The fields of a line as the archive publishes it, and what of a row all rows of such a file share.
_PUBLISHED = (
    "@open_stamp, open_price, high_price, low_price, close_price, volume, @close_stamp, quote_volume, trade_count, "
    "taker_buy_volume, taker_buy_quote_volume, @ignored"
)
LABELS = ("object_id", "exchange", "symbol", "interval_code", "source", "captured_at", "exchange_time")
_LABELLED = ", ".join(f"{label} = {'TIMESTAMP ' if label.endswith(('_at', '_time')) else ''}%s" for label in LABELS)
# The first 13 digits of a stamp in ms or µs are its ms: whole-number division, on text.
_CONVERSIONS_OF_PUBLISHED = (
    f", open_time = {_MOMENT.format('LEFT(@open_stamp, 13)')}, close_time = {_MOMENT.format('LEFT(@close_stamp, 13)')}"
)

_STEPS = " ".join(f"WHEN '{interval.value}' THEN {interval.milliseconds * 1000}" for interval in Interval)
STEP_MICROSECONDS = f"CASE interval_code {_STEPS} END"
# In the order in which a reason is named when several hold.
KLINE_FAULTS = {
    # The clock is a lower bound at the moment of asking: the candle may have opened while the question was on its way.
    RejectReason.IN_THE_FUTURE: f"open_time > exchange_time + INTERVAL ({STEP_MICROSECONDS}) MICROSECOND",
    RejectReason.OFF_GRID: f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01', open_time) MOD ({STEP_MICROSECONDS}) <> 0",
    RejectReason.CLOSE_TIME_OUTSIDE: "close_time <= open_time "
    f"OR close_time >= open_time + INTERVAL ({STEP_MICROSECONDS}) MICROSECOND",
    RejectReason.LOW_NOT_POSITIVE: "low_price <= 0",
    RejectReason.HIGH_BELOW_BODY: "high_price < GREATEST(open_price, close_price)",
    RejectReason.LOW_ABOVE_BODY: "low_price > LEAST(open_price, close_price)",
    RejectReason.NEGATIVE_VOLUME: "LEAST(volume, quote_volume, taker_buy_volume, taker_buy_quote_volume, trade_count) < 0",
    RejectReason.TAKER_ABOVE_VOLUME: "taker_buy_volume > volume OR taker_buy_quote_volume > quote_volume",
}
_VALUES = (
    "open_time, close_time, open_price, high_price, low_price, close_price, volume, quote_volume, trade_count, "
    "taker_buy_volume, taker_buy_quote_volume"
)


class RowsRefused(WarehouseError):
    """The server did not take every row as it is."""


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A staged row whose values contradict each other."""

    row_number_in_load: int
    object_id: int
    open_time: datetime
    reason: RejectReason
    offending: str


def load_lines(session: Session, table: str, load_id: int, texts: Iterable[bytes], expected: int) -> None:
    """Load tab-separated lines into a staging table.

    Args:
        session: the load's session.
        table: a key of ``COLUMNS``, which names the fields of a line.
        load_id: goes into every row.
        texts: lines that the typed columns hold digit for digit.
        expected: how many lines there are.

    Raises:
        RowsRefused: when the server changed or dropped anything: the transaction must not be committed.
    """
    if not expected:
        return
    with tempfile.NamedTemporaryFile(prefix="candlewick-", suffix=".tsv") as file:
        file.writelines(texts)
        file.flush()
        loaded = session.run(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET utf8mb4 "
            rf"FIELDS TERMINATED BY '\t' ESCAPED BY '' LINES TERMINATED BY '\n' ({COLUMNS[table]}) "
            f"SET load_id = %s{CONVERSIONS[table]}",
            (file.name, load_id),
        )
        demand_all(session, table, loaded, expected)


def load_csv(session: Session, path: Path, load_id: int, labels: Sequence[object], expected: int) -> None:
    """Load the lines of an archive file as it was published into staging; stamps are ms or µs, cut to ms.

    Args:
        session: the load's session.
        path: twelve comma-separated fields a line, in the exchange's order (``pipeline.archive_csv``).
        load_id: goes into every row.
        labels: what every row is labelled with, in the order of ``LABELS``.
        expected: how many lines there are.

    Raises:
        RowsRefused: as ``load_lines``.
    """
    if not expected:
        return
    session.run("SET @row = 0")
    loaded = session.run(
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {KLINES} CHARACTER SET utf8mb4 "
        rf"FIELDS TERMINATED BY ',' ESCAPED BY '' LINES TERMINATED BY '\n' ({_PUBLISHED}) "
        f"SET load_id = %s, row_number_in_load = (@row := @row + 1), {_LABELLED}{_CONVERSIONS_OF_PUBLISHED}",
        (str(path), load_id, *labels),
    )
    demand_all(session, KLINES, loaded, expected)


def demand_all(session: Session, table: str, loaded: int, expected: int) -> None:
    """Raise unless the server took every line as it is."""
    warnings = [told for told in session.all("SHOW WARNINGS") if told[1] != DEPRECATED]
    if loaded != expected or warnings:
        told = "; ".join(str(warning[2]) for warning in warnings[:3]) or "no warning"
        raise RowsRefused(
            f"expected {expected} rows in {table} as they are, but the server took {loaded} and said: {told}"
        )


def reached(session: Session, load_id: int) -> dict[int, datetime]:
    """Return by object the newest open time whose candle was over when it was captured; quarantine comes later."""
    rows = session.all(
        f"SELECT object_id, MAX(open_time) FROM {KLINES} WHERE load_id = %s "
        f"AND open_time + INTERVAL ({STEP_MICROSECONDS}) MICROSECOND <= exchange_time GROUP BY object_id",
        (load_id,),
    )
    return dict(rows)


def take_out_faulty_klines(
    session: Session, load_id: int, span: tuple[datetime, datetime] | None = None
) -> list[FaultyRow]:
    """Remove the rows of a load whose values contradict each other, and return them; nobody has seen them.

    Args:
        session: the load's session.
        load_id: whose rows.
        span: where open times have to lie, [from, to); for the file of a period.
    """
    faults = dict(KLINE_FAULTS)
    if span:
        first, end = (f"TIMESTAMP'{moment:%Y-%m-%d %H:%M:%S}'" for moment in span)
        faults = {RejectReason.OUTSIDE_FILE: f"open_time < {first} OR open_time >= {end}"} | faults
    cases = " ".join(f"WHEN {condition} THEN '{reason.value}'" for reason, condition in faults.items())
    any_fault = " OR ".join(f"({condition})" for condition in faults.values())
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
