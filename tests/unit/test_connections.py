"""Where an http connection of Airflow points to, however it is written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from candlewick.connections import _base_url


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "https://data.binance.vision"}, "https://data.binance.vision"),
        ({"host": "data.binance.vision"}, "https://data.binance.vision"),
        ({"host": "127.0.0.1", "schema": "http", "port": 18080}, "http://127.0.0.1:18080"),
        ({"host": "http://127.0.0.1", "port": 18080}, "http://127.0.0.1:18080"),
        ({"host": "https://mirror.test/of/binance", "port": 8443}, "https://mirror.test:8443/of/binance"),
    ],
)
def test_scheme_port_and_path_end_where_they_belong(fields, url):
    conn = SimpleNamespace(**{"host": None, "schema": None, "port": None, **fields})
    assert _base_url(conn) == url
