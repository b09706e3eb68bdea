"""What programs get of candles, indicators, books and analytics: the warehouse's own rows, and what TA-Lib makes of them."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import talib
from pyarrow import parquet

from candlewick_ui.database import Reader
from candlewick_ui.providers import price_distribution, registry, return_distribution, volume_profile
from candlewick_ui.providers.base import Asked
from candlewick_ui.queries.candles import TABLES, Interval
from support.plans import ExplainingReader

REPOSITORY = Path(__file__).resolve().parents[2]
API = "api/v1"
PROVIDERS = (
    "atr", "bollinger", "candlestick", "correlation", "macd", "orderbook", "price_distribution", "return_distribution",
    "rsi", "volume", "volume_profile",
)  # fmt: skip
DEFAULTS = {
    "candlestick": {"interval": "1m", "limit": 200},
    "orderbook": {"interval": "1m", "limit": 20},
    "rsi": {"interval": "1m", "limit": 200, "period": 14},
    "macd": {"interval": "1m", "limit": 200, "fast_period": 12, "slow_period": 26, "signal_period": 9},
    "bollinger": {"interval": "1m", "limit": 200, "period": 20, "std_dev": 2.0},
}


@pytest.fixture(scope="module")
def symbol(platform_ui):
    return platform_ui.config.symbols[0]


@pytest.fixture(scope="module")
def reader(platform_ui, database):
    made = Reader(lambda: database.connect(platform_ui.marts), raw_schema=platform_ui.raw)
    yield made
    made.close()


def ask(platform_ui, path, **params):
    answer = platform_ui.get(f"{API}/{path}", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def text(value):
    """A value of the warehouse as JSON has it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat(timespec="milliseconds") + "Z" if isinstance(value, datetime) else value


def plainly(rows):
    return [{name: text(value) for name, value in row.items()} for row in rows]


def bars_of(platform_ui, symbol, interval):
    """All final bars, by plain SQL."""
    table = TABLES[Interval(interval)]
    only = "AND interval_code = '1m'" if table.has_intervals else ""
    return platform_ui.sql(
        f"SELECT CAST({table.time} AS DATETIME(3)) AS open_time, open_price, high_price, low_price, close_price, volume "
        f"FROM {table.name} WHERE exchange = 'binance' AND symbol = %s {only} AND is_final = 1 ORDER BY 1",
        symbol,
    )


# --- candles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", list(Interval))
def test_candles_are_the_rows_of_the_warehouse_to_the_last_digit(platform_ui, symbol, interval):
    table = TABLES[interval]
    only = "AND interval_code = '1m'" if table.has_intervals else ""
    rows = platform_ui.sql(
        f"SELECT CAST({table.time} AS DATETIME(3)) AS open_time, open_price, high_price, low_price, close_price, volume, "
        "close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume, is_final "
        f"FROM {table.name} WHERE exchange = 'binance' AND symbol = %s {only} ORDER BY 1 DESC LIMIT 50",
        symbol,
    )[::-1]
    told = ask(platform_ui, f"candles/{symbol}", interval=interval, limit=50)
    assert told["data"] == [{**row, "is_final": bool(row["is_final"])} for row in plainly(rows)]
    assert (told["exchange"], told["symbol"], told["interval"]) == ("binance", symbol, interval)


@pytest.mark.parametrize("params", [{"from": "2020-01-01T00:00:00Z"}, {}], ids=["forward", "backward"])
def test_pages_of_candles_hold_every_candle_once(platform_ui, symbol, params):
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = ask(
            platform_ui,
            f"candles/{symbol}",
            interval="15m",
            limit=100,
            **params,
            **({"cursor": cursor} if cursor else {}),
        )
        opened = [row["open_time"] for row in page["data"]]
        assert opened == sorted(opened)
        found = [*found, *opened] if params else [*opened, *found]
        cursor, pages = page["next"], pages + 1
    expected = platform_ui.sql("SELECT open_time FROM klines_15m WHERE symbol = %s ORDER BY 1", symbol)
    assert found == [text(row["open_time"]) for row in expected]
    assert pages > 2


def test_a_span_of_candles_begins_with_from_and_ends_before_to(platform_ui, symbol):
    hours = [row["open_time"] for row in bars_of(platform_ui, symbol, "1h")]
    start, end = hours[5], hours[9]
    told = ask(platform_ui, f"candles/{symbol}", interval="1h", **{"from": f"{start}Z", "to": f"{end}Z"})
    assert [row["open_time"] for row in told["data"]] == [text(moment) for moment in hours[5:9]]
    offset = (start + timedelta(hours=2)).isoformat() + "+02:00"
    assert ask(platform_ui, f"candles/{symbol}", interval="1h", limit=1, **{"from": offset})["data"] == told["data"][:1]


def test_candles_come_as_csv_and_parquet_with_the_same_digits(platform_ui, symbol):
    rows = ask(platform_ui, f"candles/{symbol}", limit=30)["data"]
    as_csv = platform_ui.get(f"{API}/candles/{symbol}", limit=30, format="csv")
    assert as_csv.headers["content-type"].startswith("text/csv")
    beside = {"exchange": "binance", "symbol": symbol, "interval": "1m"}
    told = [{k: {True: "true", False: "false"}.get(v, str(v)) for k, v in row.items()} | beside for row in rows]
    assert list(csv.DictReader(io.StringIO(as_csv.text))) == told
    client = platform_ui.client("viewer")
    accepted = {"Accept": "application/vnd.apache.parquet"}
    as_parquet = client.get(f"/candlewick/{API}/candles/{symbol}", params={"limit": 30}, headers=accepted)
    table = parquet.read_table(io.BytesIO(as_parquet.content))
    assert table.schema.field("close_price").type == pa.decimal128(38, 8)
    assert [f"{value:f}" for value in table["close_price"].to_pylist()] == [row["close_price"] for row in rows]
    for name in ("open_time", "close_time"):
        assert [text(value.replace(tzinfo=None)) for value in table[name].to_pylist()] == [row[name] for row in rows]
    assert set(table["symbol"].to_pylist()) == {symbol}


@pytest.mark.parametrize(("name", "params"), [("candlestick", {}), ("rsi", {"period": 21}), ("rsi", {})])
def test_bars_of_a_provider_have_the_same_values_in_every_format(platform_ui, symbol, name, params):
    path = f"analytics/data/{name}/{symbol}"
    rows = ask(platform_ui, path, limit=30, **params)["data"]
    as_csv = csv.DictReader(io.StringIO(platform_ui.get(f"{API}/{path}", limit=30, format="csv", **params).text))
    as_parquet = platform_ui.get(f"{API}/{path}", limit=30, format="parquet", **params)
    table = parquet.read_table(io.BytesIO(as_parquet.content))
    assert table.schema.field("close_price").type == pa.decimal128(38, 8)
    told = [(row["open_time"], row["close_price"]) for row in rows]
    assert [(row["open_time"], row["close_price"]) for row in as_csv] == told
    assert [
        (text(row["open_time"].replace(tzinfo=None)), f"{row['close_price']:f}") for row in table.to_pylist()
    ] == told


@pytest.mark.parametrize("params", [{"from": "2020-01-01T00:00:00Z"}, {}], ids=["forward", "backward"])
@pytest.mark.parametrize("path", ["candles", "indicators"])
def test_a_list_goes_on_where_its_page_in_another_format_ended(platform_ui, symbol, path, params):
    def after(form):
        page = platform_ui.get(f"{API}/{path}/{symbol}", limit=10, format=form, **params)
        return ask(platform_ui, f"{path}/{symbol}", limit=10, cursor=page.headers["x-next-cursor"], **params)["data"]

    both = ask(platform_ui, f"{path}/{symbol}", limit=20, **params)["data"]
    assert after("json") == after("csv") == after("parquet") == (both[10:] if params else both[:10])


def test_a_book_says_when_it_was_captured_in_every_format(platform_ui, symbol):
    told = ask(platform_ui, f"orderbook/{symbol}", limit=5)
    as_csv = platform_ui.get(f"{API}/orderbook/{symbol}", limit=5, format="csv")
    assert {row["captured_at"] for row in csv.DictReader(io.StringIO(as_csv.text))} == {told["captured_at"]}
    as_parquet = platform_ui.get(f"{API}/orderbook/{symbol}", limit=5, format="parquet")
    table = parquet.read_table(io.BytesIO(as_parquet.content))
    assert {text(moment.replace(tzinfo=None)) for moment in table["captured_at"].to_pylist()} == {told["captured_at"]}
    beside = json.loads(table.schema.metadata[b"candlewick"])
    assert beside == {name: value for name, value in told.items() if name != "data"}


@pytest.mark.parametrize("start", [None, "2020-01-01"])
def test_what_was_computed_of_books_comes_in_pages_that_together_are_all_of_them(platform_ui, symbol, start):
    captured = platform_ui.sql("SELECT captured_at FROM orderbook_metrics WHERE symbol = %s ORDER BY 1", symbol)
    asked = {"from": start} if start else {}
    pages, cursor = [], None
    while not pages or cursor:
        more = {"cursor": cursor} if cursor else {}
        told = ask(platform_ui, f"orderbook/{symbol}/metrics", limit=1, **asked, **more)
        pages.append([row["captured_at"] for row in told["data"]])
        cursor = told["next"]
    assert len(pages) > 1
    assert [one for page in (pages if start else reversed(pages)) for one in page] == [
        text(row["captured_at"]) for row in captured
    ]


@pytest.mark.parametrize(
    ("path", "params", "status", "says"),
    [
        ("candles/NOSUCHUSDT", {}, 404, "NOSUCHUSDT"),
        ("statistics/NOSUCHUSDT", {}, 404, "NOSUCHUSDT"),
        ("indicators/NOSUCHUSDT", {}, 404, "NOSUCHUSDT"),
        ("orderbook/NOSUCHUSDT", {}, 404, "NOSUCHUSDT"),
        ("analytics/data/rsi/NOSUCHUSDT", {}, 404, "NOSUCHUSDT"),
        ("analytics/data/nothing/BTCUSDT", {}, 404, "candlestick"),
        ("candles/BTCUSDT", {"limit": 10_001}, 422, "limit"),
        ("candles/BTCUSDT", {"interval": "2m"}, 422, "interval"),
        ("candles/BTCUSDT", {"cursor": "nonsense"}, 422, "cursor"),
        ("candles/BTCUSDT", {"from": "2026-02-01", "to": "2026-01-01"}, 422, "from to lie before to"),
        ("indicators/BTCUSDT", {"interval": "5m"}, 422, "interval"),
        ("analytics/data/rsi/BTCUSDT", {"period": 1}, 422, "period"),
        ("analytics/data/rsi/BTCUSDT", {"perid": 21}, 422, "perid"),
        ("analytics/data/correlation/BTCUSDT", {"others": ["NOSUCHUSDT"]}, 404, "NOSUCHUSDT"),
        ("analytics/data/correlation/BTCUSDT", {"others": ["X" * 51]}, 422, "others"),
        ("analytics/data/macd/BTCUSDT", {"fast_period": 30}, 422, "fast_period below slow_period"),
        ("analytics/data/bollinger/BTCUSDT", {"std_dev": "nan"}, 422, "std_dev"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_that_says_why(platform_ui, path, params, status, says):
    answer = platform_ui.get(f"{API}/{path}", **params)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


# --- statistics, indicators, books -----------------------------------------------------------------------------------


def test_statistics_are_the_rolling_24_hours_of_the_mart(platform_ui, symbol):
    rows = platform_ui.sql("SELECT * FROM market_stats_24h WHERE exchange = 'binance' ORDER BY symbol")
    expected = [
        {k: v for k, v in row.items() if k != "exchange"} | {"is_final": bool(row["is_final"])} for row in plainly(rows)
    ]
    assert ask(platform_ui, "statistics")["data"] == expected
    assert ask(platform_ui, f"statistics/{symbol}")["data"] == [row for row in expected if row["symbol"] == symbol]
    first = ask(platform_ui, "statistics", limit=1)
    assert ask(platform_ui, "statistics", limit=10, cursor=first["next"])["data"] == expected[1:]


@pytest.mark.parametrize("interval", ["1m", "1h", "1d"])
def test_indicators_are_the_rows_of_the_mart(platform_ui, symbol, interval):
    told = ask(platform_ui, f"indicators/{symbol}", interval=interval, limit=40)["data"]
    columns = ", ".join(told[0])
    rows = platform_ui.sql(
        f"SELECT {columns} FROM indicators_{interval} WHERE symbol = %s ORDER BY open_time DESC LIMIT 40", symbol
    )
    assert told == plainly(rows[::-1])
    assert {"rsi", "macd_signal", "bollinger_upper", "atr", "sma_200", "ema_12", "obv", "vwap"} <= told[0].keys()


def test_the_order_book_is_the_newest_one_with_its_metrics(platform_ui, symbol):
    told = ask(platform_ui, f"orderbook/{symbol}", limit=5)
    (newest,) = platform_ui.sql(
        "SELECT * FROM orderbook_metrics WHERE symbol = %s ORDER BY captured_at DESC LIMIT 1", symbol
    )
    levels = platform_ui.sql(
        "SELECT side, level, price, quantity FROM fact_orderbook WHERE symbol = %s AND captured_at = %s AND level <= 5 "
        "ORDER BY side, level",
        symbol, newest["captured_at"],
    )  # fmt: skip
    assert told["captured_at"] == text(newest["captured_at"])
    assert [{k: v for k, v in row.items() if k != "cumulative_quantity"} for row in told["data"]] == plainly(levels)
    assert told["metrics"]["spread"] == text(newest["spread"])
    for side in ("ask", "bid"):
        of_side = [row for row in told["data"] if row["side"] == side]
        assert Decimal(of_side[-1]["cumulative_quantity"]) == sum(Decimal(row["quantity"]) for row in of_side)
    before = ask(platform_ui, f"orderbook/{symbol}", to=told["captured_at"])
    assert before["captured_at"] is None or before["captured_at"] < told["captured_at"]
    history = ask(platform_ui, f"orderbook/{symbol}/metrics", limit=2)["data"]
    assert history[-1]["mid_price"] == text(newest["mid_price"])


# --- providers -------------------------------------------------------------------------------------------------------


def test_the_providers_describe_themselves(platform_ui):
    told = {one["name"]: one for one in ask(platform_ui, "analytics/providers")["providers"]}
    assert tuple(told) == PROVIDERS
    for provider in told.values():
        assert provider["parameters"]["interval"]["enum"] == ["1m", "5m", "15m", "1h", "4h", "1d"]
        assert {"type", "default", "minimum", "maximum", "description"} <= provider["parameters"]["limit"].keys()
    for name, defaults in DEFAULTS.items():
        assert {key: value["default"] for key, value in told[name]["parameters"].items()} == defaults


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_every_provider_answers_with_its_defaults_in_every_format(platform_ui, symbol, name, form):
    answer = platform_ui.get(f"{API}/analytics/data/{name}/{symbol}", user="viewer", format=form)
    assert answer.status_code == 200, answer.text
    if form == "json":
        told = answer.json()
        assert (told["provider"], told["symbol"]) == (name, symbol)
        assert told["data"]
        assert told["parameters"] == DEFAULTS.get(name, told["parameters"])
    elif form == "csv":
        assert len(answer.text.splitlines()) > 1
    else:
        assert parquet.read_table(io.BytesIO(answer.content)).num_rows > 0


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("interval", list(Interval))
def test_every_provider_takes_interval_and_limit(platform_ui, symbol, name, interval):
    told = ask(platform_ui, f"analytics/data/{name}/{symbol}", interval=interval, limit=3)
    assert told["parameters"]["interval"] == interval
    if name not in {"orderbook", "correlation", "price_distribution", "return_distribution", "volume_profile"}:
        assert len(told["data"]) == 3


def by_talib(bars, name, params):
    high, low, close = (np.array([float(bar[f"{what}_price"]) for bar in bars]) for what in ("high", "low", "close"))
    if name == "rsi":
        return {"rsi": talib.RSI(close, params["period"])}
    if name == "atr":
        return {"atr": talib.ATR(high, low, close, params["period"])}
    if name == "macd":
        lines = talib.MACD(close, params["fast_period"], params["slow_period"], params["signal_period"])
        return dict(zip(("macd", "macd_signal", "macd_histogram"), lines, strict=True))
    upper, middle, lower = talib.BBANDS(close, params["period"], params["std_dev"], params["std_dev"])
    return {"bollinger_upper": upper, "bollinger_middle": middle, "bollinger_lower": lower}


@pytest.mark.parametrize(
    ("name", "params", "source"),
    [
        ("rsi", {"period": 14}, "mart"),
        ("rsi", {"period": 21}, "computed"),
        ("rsi", {"period": 14, "interval": "5m"}, "computed"),
        ("rsi", {"period": 200, "limit": 3000}, "computed"),
        ("atr", {"period": 14, "interval": "1h"}, "mart"),
        ("atr", {"period": 7}, "computed"),
        ("macd", {"fast_period": 12, "slow_period": 26, "signal_period": 9}, "mart"),
        ("macd", {"fast_period": 8, "slow_period": 21, "signal_period": 5, "interval": "15m"}, "computed"),
        ("bollinger", {"period": 20, "std_dev": 2.0}, "mart"),
        ("bollinger", {"period": 20, "std_dev": 2.5}, "computed"),
        ("bollinger", {"period": 30, "std_dev": 2.0, "interval": "4h"}, "computed"),
    ],
)
def test_indicators_of_any_period_are_those_of_talib_over_all_of_history(platform_ui, symbol, name, params, source):
    bars = bars_of(platform_ui, symbol, params.get("interval", "1m"))
    told = ask(platform_ui, f"analytics/data/{name}/{symbol}", **params)
    rows = told["data"]
    assert told["source"] == source
    for same in ("open_time", "close_price"):
        assert [row[same] for row in rows] == [text(bar[same]) for bar in bars[-len(rows) :]]
    for column, values in by_talib(bars, name, params).items():
        for row, value in zip(rows, values[-len(rows) :].tolist(), strict=True):
            scale = {"rsi": 100, "atr": value}.get(name, float(row["close_price"]))
            if math.isnan(value):
                assert row[column] is None
            else:  # TA-Lib's own bands lose digits where prices hardly move
                assert row[column] == pytest.approx(value, abs=(1e-10 if name == "bollinger" else 1e-12) * scale)
    if source == "computed":
        assert told["warm_up"]["error_bound"] <= 1e-12


@pytest.fixture
def lagging(platform_ui, symbol, request):
    """The mart of minutes as it is while dbt has something left to do: rows it has not made yet, or bars that changed."""
    of_model = "model = 'indicators_1m' AND exchange = 'binance' AND symbol = %s"
    (before,) = platform_ui.sql(f"SELECT pending_from, claimed_from FROM indicator_progress WHERE {of_model}", symbol)
    kept = platform_ui.sql("SELECT * FROM indicators_1m WHERE symbol = %s ORDER BY open_time DESC LIMIT 3", symbol)
    put = f"INSERT INTO indicators_1m ({', '.join(kept[0])}) VALUES ({', '.join(['%s'] * len(kept[0]))})"
    with platform_ui.database.cursor() as cursor:
        if request.param == "rows":
            cursor.execute("DELETE FROM indicators_1m WHERE symbol = %s ORDER BY open_time DESC LIMIT 3", (symbol,))
        else:
            changed = kept[0]["open_time"] - timedelta(hours=1)
            cursor.execute(f"UPDATE indicator_progress SET {request.param} = %s WHERE {of_model}", (changed, symbol))
        try:
            yield
        finally:
            if request.param == "rows":
                cursor.executemany(put, [tuple(row.values()) for row in kept])
            cursor.execute(
                f"UPDATE indicator_progress SET pending_from = %s, claimed_from = %s WHERE {of_model}",
                (*before.values(), symbol),
            )


@pytest.mark.parametrize("lagging", ["rows", "pending_from", "claimed_from"], indirect=True)
@pytest.mark.usefixtures("lagging")
def test_what_the_mart_has_not_got_to_is_computed(platform_ui, symbol):
    told = ask(platform_ui, f"analytics/data/rsi/{symbol}")
    assert told["source"] == "computed"
    newest = bars_of(platform_ui, symbol, "1m")[-1]["open_time"]
    assert (told["data"][-1]["open_time"], len(told["data"])) == (text(newest), 200)


def test_after_retention_the_first_minute_there_is_is_not_called_the_first_there_was(platform_ui, symbol):
    params = {"period": 21, "limit": len(bars_of(platform_ui, symbol, "1m")) - 80}
    assert ask(platform_ui, f"analytics/data/rsi/{symbol}", **params)["warm_up"]["is_from_first_bar"] is True
    of_span = "exchange = 'binance' AND symbol = %s AND data_type = 'klines' AND from_time = '2020-01-01'"
    with platform_ui.database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {platform_ui.raw}.expired_spans (exchange, symbol, data_type, interval_code, from_time, to_time, "
            "updated_at) VALUES ('binance', %s, 'klines', '1m', '2020-01-01', '2020-01-02', UTC_TIMESTAMP(3))",
            (symbol,),
        )
        try:
            told = ask(platform_ui, f"analytics/data/rsi/{symbol}", **params)["warm_up"]
            hours = ask(platform_ui, f"analytics/data/rsi/{symbol}", period=21, interval="1h")["warm_up"]
        finally:
            cursor.execute(f"DELETE FROM {platform_ui.raw}.expired_spans WHERE {of_span}", (symbol,))
    assert (told["bars"], told["is_from_first_bar"]) == (80, False)
    assert told["error_bound"] > 1e-12
    assert hours == {**hours, "is_from_first_bar": True, "error_bound": 0.0}


def test_windows_the_marts_hold_are_computed_to_the_same_figures(platform_ui, symbol, reader):
    asked = Asked(reader, "binance", symbol)
    for module in (price_distribution, volume_profile):
        held = module._of_the_mart(asked, module.Parameters())
        made = module._computed(asked, module.Parameters())
        assert held.more | {"source": "computed"} == made.more
        assert_close(made.rows, held.rows)
    for interval, limit in ((Interval.MINUTE_5, 288), (Interval.HOUR_1, 168), (Interval.HOUR_4, 180)):
        parameters = return_distribution.Parameters(interval=interval, limit=limit)
        held = return_distribution._of_the_mart(asked, parameters)
        made = return_distribution._computed(asked, parameters)
        assert_close([made.more["moments"]], [held.more["moments"]])
        assert_close(made.rows, held.rows)


def assert_close(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name in one:
            if isinstance(one[name], float):
                assert one[name] == pytest.approx(other[name], rel=1e-9, abs=1e-15), name
            else:
                assert one[name] == other[name], name


def test_correlations_computed_are_those_of_the_mart(platform_ui, symbol):
    held = ask(platform_ui, f"analytics/data/correlation/{symbol}", interval="1h", limit=168)
    assert held["source"] == "mart"
    expected = platform_ui.sql(
        "SELECT other_symbol, correlation, observations FROM correlation_matrix WHERE symbol = %s AND window_name = '7d' ORDER BY 1",
        symbol,
    )
    assert held["data"] == expected
    # An hour more than there are in the window: computed, over the same returns since history is shorter.
    made = ask(platform_ui, f"analytics/data/correlation/{symbol}", interval="1h", limit=169)
    assert made["source"] == "computed"
    for one, other in zip(made["data"], held["data"], strict=True):
        assert one["correlation"] == pytest.approx(other["correlation"], abs=1e-12)
        assert (one["other_symbol"], one["observations"]) == (other["other_symbol"], other["observations"])
    other = held["data"][-1]["other_symbol"]
    named = ask(platform_ui, f"analytics/data/correlation/{symbol}", interval="15m", limit=50, others=[other])
    assert {row["other_symbol"] for row in named["data"]} == {symbol, other}
    small = ask(platform_ui, f"analytics/data/correlation/{symbol}", interval="15m", limit=50, others=[other.lower()])
    assert small == named


DROPPED = '''
"""The last close, and nothing else."""

from __future__ import annotations

from pydantic import Field

from candlewick_ui.providers.base import Answer, Provider, ProviderParameters
from candlewick_ui.queries.candles import newest_candles


class Parameters(ProviderParameters):
    times: int = Field(2, ge=1, le=9, description="How often it is said.")


def answer(asked, parameters):
    rows = newest_candles(asked.reader, asked.exchange, asked.symbol, parameters.interval, 1)
    return Answer(("close_price",), [{"close_price": rows[0]["close_price"]}] * parameters.times)


PROVIDER = Provider("last_close", "The last close.", Parameters, answer)
'''
SHOW = """
from candlewick_ui.app import make_app
from candlewick_ui.providers import registry
print(registry()["last_close"].describe()["parameters"]["times"]["maximum"])
print("/candlewick" and [r.path for r in make_app().routes if "last_close" in r.path][0])
"""


def test_a_file_dropped_into_the_folder_is_a_provider_with_a_route(tmp_path, platform_ui):
    plugins = tmp_path / "plugins"
    shutil.copytree(REPOSITORY / "plugins", plugins)
    (plugins / "candlewick_ui/providers/last_close.py").write_text(DROPPED)
    environment = platform_ui.server.environment | {"PYTHONPATH": f"{plugins}:{REPOSITORY / 'include'}"}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines()[-2:] == ["9", "/api/v1/analytics/data/last_close/{symbol}"], done.stderr
    (plugins / "candlewick_ui/providers/broken.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert "expected a PROVIDER in providers/broken.py" in done.stderr


LARGE = {"fact_klines", "fact_orderbook", "klines_5m", "klines_15m", "hourly_klines", "klines_4h", "daily_klines",
         "indicators_1m", "indicators_1h", "indicators_1d", "orderbook_metrics", "bars", "pairs"}  # fmt: skip


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_statement_of_a_provider_goes_by_a_key(platform_ui, database, symbol, name):
    explaining = ExplainingReader(lambda: database.connect(platform_ui.marts), platform_ui.raw)
    provider = registry()[name]
    for interval in Interval:
        provider.answer(Asked(explaining, "binance", symbol), provider.parameters(interval=interval, limit=5))
    explaining.close()
    assert explaining.plans
    for statement, plan in explaining.plans:
        for step in plan:
            if step["table"] in LARGE:
                # The other one ends with the primary key's columns: (is_final, exchange, symbol, time).
                assert step["key"] in {"PRIMARY", "unfinished"}, (statement, plan)
                assert "filesort" not in (step["Extra"] or ""), (statement, plan)
