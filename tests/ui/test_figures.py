"""The charts as the page gets them: made of the warehouse's rows, and valid by Plotly's schema."""

import math

import plotly.graph_objects as go
import pytest

SYMBOL = "BTCUSDT"
OF_A_SYMBOL = ("price", "depth", "spread", "volume-profile", "price-distribution", "return-distribution")
PANES = ["bollinger", "volume", "rsi", "macd", "atr"]


def figure(platform_ui, name, **asked):
    answer = platform_ui.get(f"figures/{name}", **asked)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    go.Figure({"data": told["data"], "layout": told["layout"]})
    return told


def line(told, name):
    [found] = [trace for trace in told["data"] if trace.get("name") == name]
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OF_A_SYMBOL)
def test_every_chart_of_a_symbol_is_there(platform_ui, name, theme):
    told = figure(platform_ui, name, symbol=SYMBOL, theme=theme, **({"panes": PANES} if name == "price" else {}))
    assert told["data"]
    assert SYMBOL in told["summary"]


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h", "4h", "1d"])
def test_candles_of_every_interval_have_their_indicators(platform_ui, interval):
    told = figure(platform_ui, "price", symbol=SYMBOL, interval=interval, bars=500, panes=PANES)
    assert told["summary"].startswith(SYMBOL)
    drawn = {trace["name"] for trace in told["data"]}
    assert {"RSI 14", "MACD 12, 26, 9", "ATR 14", "Bollinger 20, 2", "volume"} <= drawn


@pytest.mark.parametrize(
    ("interval", "name", "provider"), [("5m", "RSI 14", "rsi"), ("15m", "ATR 14", "atr"), ("1m", "RSI 14", "rsi")]
)
def test_an_indicator_of_the_chart_is_that_of_the_api(platform_ui, interval, name, provider):
    told = figure(platform_ui, "price", symbol=SYMBOL, interval=interval, bars=300, panes=PANES)
    shown = [value for value in line(told, name)["y"] if value is not None]
    rows = platform_ui.get(f"api/v1/analytics/data/{provider}/{SYMBOL}", interval=interval, limit=100).json()["data"]
    values = [row[provider] for row in rows if row[provider] is not None]
    assert len(values) > 20
    assert all(math.isclose(one, other, rel_tol=1e-9) for one, other in zip(shown[-20:], values[-20:], strict=True))


def test_candles_before_a_time_are_those_before_it(platform_ui):
    [row] = platform_ui.sql("SELECT MAX(hour_start) AS newest FROM hourly_klines WHERE symbol = %s", SYMBOL)
    until = row["newest"].replace(hour=0)
    told = figure(platform_ui, "price", symbol=SYMBOL, interval="1h", bars=10, until=f"{until:%Y-%m-%dT%H:%M}Z")
    assert f"to {until:%Y-%m-%d}" not in told["summary"]
    same = figure(platform_ui, "price", symbol=SYMBOL, interval="1h", bars=10, until=f"{until:%Y-%m-%dT%H:%M}+00:00")
    assert same["summary"] == told["summary"]


def test_the_depth_is_that_of_the_newest_book(platform_ui):
    rows = platform_ui.sql(
        "SELECT side, price, quantity FROM fact_orderbook WHERE symbol = %s AND captured_at = "
        "(SELECT MAX(captured_at) FROM fact_orderbook WHERE symbol = %s) AND level <= 20 ORDER BY side, level",
        SYMBOL, SYMBOL,
    )  # fmt: skip
    told = figure(platform_ui, "depth", symbol=SYMBOL)
    for side in ("ask", "bid"):
        levels = [row for row in rows if row["side"] == side]
        drawn = line(told, f"{side}s")
        assert drawn["x"] == [float(row["price"]) for row in levels]
        assert drawn["y"][-1] == pytest.approx(float(sum(row["quantity"] for row in levels)))


def test_the_heat_map_has_every_tracked_symbol(platform_ui):
    told = figure(platform_ui, "correlation", window="24h")
    assert sorted(told["data"][0]["x"]) == sorted(platform_ui.config.symbols)


@pytest.mark.parametrize("name", OF_A_SYMBOL)
def test_a_symbol_nobody_has_heard_of_is_no_error(platform_ui, name):
    told = figure(platform_ui, name, symbol="NOSUCH")
    assert told["data"] == []
    assert "NOSUCH" in told["summary"]


def test_a_window_there_is_not_is_an_empty_chart(platform_ui):
    assert figure(platform_ui, "correlation", window="9y")["data"] == []
    assert figure(platform_ui, "return-distribution", symbol=SYMBOL, window="9y")["data"] == []


@pytest.mark.parametrize(
    "asked",
    [{"bars": 0}, {"bars": 10_001}, {"interval": "2m"}, {"panes": ["stars"]}, {"until": "soon"}, {"symbol": "a b"}],
)
def test_what_cannot_be_is_refused_with_a_sentence(platform_ui, asked):
    answer = platform_ui.get("figures/price", **({"symbol": SYMBOL} | asked))
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_chart_that_has_not_changed_is_not_sent_again(platform_ui):
    client = platform_ui.client()
    path = f"/candlewick/figures/volume-profile?symbol={SYMBOL}"
    etag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_charts_are_behind_the_login(platform_ui):
    assert platform_ui.get("figures/price", user=None, symbol=SYMBOL).status_code in (303, 401)


def test_digits_survive_the_way(platform_ui):
    [row] = platform_ui.sql(
        "SELECT close_price FROM klines_5m WHERE symbol = %s ORDER BY open_time DESC LIMIT 1", SYMBOL
    )
    told = figure(platform_ui, "price", symbol=SYMBOL, interval="5m", bars=5)
    close = line(told, "candle")["customdata"][-1][3]
    assert close == f"{row['close_price']:f}".rstrip("0").rstrip(".")
