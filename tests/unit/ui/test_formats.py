"""One list, one schema, whatever its pages hold; and what of an Accept counts."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from candlewick_ui.formats import Format, Wish, table

ROW = {
    "symbol": "BTCUSDT", "open_time": datetime(2026, 3, 5), "close_price": Decimal("1.50000000"), "is_final": True,
    "rows_loaded": 3, "date": date(2026, 3, 5), "rsi": 55.5,
}  # fmt: skip


def schema_of(rows):
    body = table(rows, tuple(ROW), Wish(Format.PARQUET, None), numbers={"rsi"}).body
    return parquet.read_table(io.BytesIO(body)).schema


@pytest.mark.parametrize("rows", [[], [dict.fromkeys(ROW)] * 2, [dict.fromkeys(ROW), ROW]])
def test_a_page_without_values_has_the_columns_types_all_the_same(rows):
    assert schema_of(rows) == schema_of([ROW])
    assert schema_of(rows).field("close_price").type == pa.decimal128(38, 8)
