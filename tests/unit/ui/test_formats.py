"""One list, one schema, whatever its pages hold; and what of an Accept counts."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest
from pyarrow import parquet

from candlewick_ui.formats import Format, Wish, document, table, wish
from candlewick_ui.problems import Problem

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


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("application/*", Format.JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.JSON),
        ("text/csv", Format.CSV),
        ("*/*, text/csv", Format.CSV),
        ("application/json;q=0.1, text/csv", Format.CSV),
        ("application/json, text/csv;q=0.9", Format.JSON),
        ("text/csv;q=0.5, Application/VND.apache.parquet; q=0.7", Format.PARQUET),
        ("text/csv;q=0, */*;q=0.1", Format.JSON),
        ("text/csv;q=nonsense", Format.CSV),
    ],
)
def test_the_format_is_the_one_the_caller_prefers(accept, form):
    assert wish(SimpleNamespace(headers={"accept": accept}), None).form is form


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/json;q=0.0"])
def test_what_is_not_to_be_had_is_refused(accept):
    with pytest.raises(Problem, match=r"application/json, text/csv, application/vnd\.apache\.parquet"):
        wish(SimpleNamespace(headers={"accept": accept}), None)


def test_what_stands_beside_the_rows_is_columns_where_there_are_rows_only():
    told = {
        "next": "Wz",
        "symbol": "U",
        "interval": "1m",
        "captured_at": datetime(2026, 3, 5),
        "metrics": {"spread": Decimal("0.10")},
    }
    written = table(
        [{"symbol": "BTCUSDT", "is_final": False}], ("symbol", "is_final"), Wish(Format.CSV, None), **told
    ).body
    assert written.decode().splitlines() == [
        "symbol,is_final,interval,captured_at",
        "BTCUSDT,false,1m,2026-03-05T00:00:00.000Z",
    ]
    file = io.BytesIO(table([ROW], ("date",), Wish(Format.PARQUET, None), **told).body)
    found = parquet.read_table(file)
    assert found.column_names == ["date", "symbol", "interval", "captured_at"]
    assert json.loads(found.schema.metadata[b"candlewick"]) == {
        "next": "Wz", "symbol": "U", "interval": "1m", "captured_at": "2026-03-05T00:00:00.000Z", "metrics": {"spread": "0.10"},
    }  # fmt: skip


@pytest.mark.parametrize("captured_at", [None, datetime(2026, 3, 5)])
@pytest.mark.parametrize("rows", [[], [ROW]])
def test_what_stands_beside_no_rows_has_the_same_columns_and_types(rows, captured_at):
    told = {"symbol": "U", "captured_at": captured_at, "metrics": None if captured_at is None else {"spread": 1}}
    body = table(rows, ("date",), Wish(Format.PARQUET, None), **told).body
    schema = parquet.read_table(io.BytesIO(body)).schema
    assert dict(zip(schema.names, schema.types, strict=True)) == {
        "date": pa.date32(), "symbol": pa.string(), "captured_at": pa.timestamp("ms", "UTC"),
    }  # fmt: skip


def test_what_only_time_has_changed_is_not_sent_again():
    def asked(second, price, etag=None):
        return document({"as_of": second, "price": Decimal(price)}, etag, lasting=lambda told: {"price": told["price"]})

    first = asked(1, "1.5")
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    assert first.body == b'{"as_of":1,"price":"1.5"}'
    assert asked(2, "1.5", etag).status_code == 304
    assert asked(2, "1.6", etag).status_code == 200


def test_of_what_does_not_pass_every_byte_counts():
    etag = document({"as_of": 1}, None).headers["etag"]

    assert [document({"as_of": second}, etag).status_code for second in (1, 2)] == [304, 200]
