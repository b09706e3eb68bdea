"""Candles that no model has to merge: a load of a span without facts goes straight into them, as dbt would write it.

Finality is not decided here but by dbt's own view of staging; columns and the models that are told equal dbt's model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import MySQLdb

from candlewick.warehouse import tables
from candlewick.warehouse.staging import KLINES

if TYPE_CHECKING:
    from candlewick.warehouse.database import Session, Warehouse

FACTS, STAGED = "fact_klines", "stg_klines"
# Who is told of a load that is in the facts: the model's config `feeds` (dbt macro `consume_loads`).
FEEDS = ("hourly_klines", "klines_5m", "klines_15m", "indicators_1m", "coverage_counts")
AS_STAGED = (
    "exchange", "symbol", "interval_code", "open_time", "open_price", "high_price", "low_price", "close_price", "volume",
    "close_time", "quote_volume", "trade_count", "taker_buy_volume", "taker_buy_quote_volume", "is_final", "source",
    "captured_at", "exchange_time", "load_id", "object_id",
)  # fmt: skip
OF_THE_MODEL = {"confirmed_at": "captured_at", "created_at": "UTC_TIMESTAMP(3)"}
DUPLICATE_KEY = 1062


def insert_directly(warehouse: Warehouse, session: Session, load_id: int) -> bool:
    """Write a load's staged candles of one series into the facts; the caller holds the writer's lock and commits.

    Returns:
        Whether they are there. False, with nothing changed: dbt has not built the tables yet, the span has facts, or
        the load has a candle twice; then the model has to merge it.
    """
    marts = warehouse.config.marts_schema
    if not are_built(session, marts) or _has_facts(session, marts, load_id):
        return False
    columns = ", ".join((*AS_STAGED, *OF_THE_MODEL))
    values = ", ".join((*AS_STAGED, *OF_THE_MODEL.values()))
    try:
        session.run(
            f"INSERT INTO {marts}.{FACTS} ({columns}) SELECT {values} FROM {marts}.{STAGED} WHERE load_id = %s",
            (load_id,),
        )
    except MySQLdb.IntegrityError as error:  # the server took the statement back, not the transaction
        if error.args[0] != DUPLICATE_KEY:
            raise
        return False
    return True


def are_built(session: Session, marts: str) -> bool:
    """Tell whether dbt has built the facts and the view they are made from."""
    return tables.exist(session, marts, FACTS, STAGED)


def _has_facts(session: Session, marts: str, load_id: int) -> bool:
    """Look between the first and the last staged row; in a load out of order, a candle that is there is found later."""
    series = "exchange, symbol, interval_code, open_time"
    one_end = f"(SELECT {series} FROM {KLINES} WHERE load_id = %s ORDER BY row_number_in_load"
    ends = session.all(f"{one_end} LIMIT 1) UNION ALL {one_end} DESC LIMIT 1)", (load_id, load_id))
    span = (*ends[0][:3], min(end[3] for end in ends), max(end[3] for end in ends))
    return bool(
        session.one(
            f"SELECT 1 FROM {marts}.{FACTS} FORCE INDEX (PRIMARY) WHERE exchange = %s AND symbol = %s "
            "AND interval_code = %s AND open_time BETWEEN %s AND %s LIMIT 1",
            span,
        )
    )
