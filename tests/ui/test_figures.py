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
    drawn = {trace.get("name") for trace in told["data"]}
    assert "volume" in drawn
    final = len([one for one in line(told, "candle")["customdata"] if one[0] and "in progress" not in one[5]])
    for name, needed in (("RSI 14", 15), ("MACD 12, 26, 9", 34), ("ATR 14", 15), ("Bollinger 20, 2", 20)):
        sentence = f"{name} needs {needed} final candles; {final} are there."
        assert (name in drawn, sentence in told["notes"]) == (final >= needed, final < needed)


@pytest.mark.parametrize("interval", ["1m", "5m"])
def test_the_first_candles_there_are_have_no_indicator_yet_and_later_ones_asked_for_alone_have(platform_ui, interval):
    oldest = {"symbol": SYMBOL, "interval": interval, "panes": PANES}
    rows = platform_ui.get(f"api/v1/candles/{SYMBOL}", interval=interval, limit=20, **{"from": "1970-01-02"}).json()[
        "data"
    ]
    tenth, last = rows[10]["open_time"], rows[19]["open_time"]
    told = figure(platform_ui, "price", **oldest, bars=3, until=tenth)
    assert told["notes"][-4:] == [
        "Bollinger 20, 2 needs 20 final candles; 10 are there.", "RSI 14 needs 15 final candles; 10 are there.",
        "MACD 12, 26, 9 needs 34 final candles; 10 are there.", "ATR 14 needs 15 final candles; 10 are there.",
    ]  # fmt: skip
    told = figure(platform_ui, "price", **oldest, bars=3, until=last)
    assert told["notes"][-2:] == [
        "Bollinger 20, 2 needs 20 final candles; 19 are there.", "MACD 12, 26, 9 needs 34 final candles; 19 are there.",
    ]  # fmt: skip
    assert None not in line(told, "RSI 14")["y"]


def test_more_candles_than_there_are_is_said(platform_ui):
    [row] = platform_ui.sql("SELECT COUNT(*) AS there FROM hourly_klines WHERE symbol = %s", SYMBOL)
    told = figure(platform_ui, "price", symbol=SYMBOL, interval="1h", bars=10_000)
    assert told["notes"][0] == f"10,000 candles were asked for; {row['there']:,} are all there are."


@pytest.fixture
def thin_hour(platform_ui):
    """An hour 42 of whose minutes are there; a 4h candle of the exchange's own, without one of ours."""
    set_hour = "UPDATE hourly_klines SET candle_count = %s WHERE symbol = %s AND hour_start = %s"
    [row] = platform_ui.sql(
        "SELECT hour_start, candle_count FROM hourly_klines WHERE symbol = %s AND is_final = 1 ORDER BY hour_start DESC LIMIT 1",
        SYMBOL,
    )  # fmt: skip
    set_four = "UPDATE klines_4h SET candle_count = %s, source = %s WHERE symbol = %s AND open_time = %s"
    [four] = platform_ui.sql(
        "SELECT open_time, candle_count, source FROM klines_4h WHERE symbol = %s AND is_final = 1 ORDER BY open_time DESC LIMIT 1",
        SYMBOL,
    )  # fmt: skip
    platform_ui.sql(set_hour, 42, SYMBOL, row["hour_start"])
    platform_ui.sql(set_four, 0, "rest", SYMBOL, four["open_time"])
    yield f"{row['hour_start']:%Y-%m-%d %H:%M:%S}", f"{four['open_time']:%Y-%m-%d %H:%M:%S}"
    platform_ui.sql(set_hour, row["candle_count"], SYMBOL, row["hour_start"])
    platform_ui.sql(set_four, four["candle_count"], four["source"], SYMBOL, four["open_time"])


def test_an_hour_that_lacks_minutes_says_so_and_the_exchanges_own_candle_never_does(platform_ui, thin_hour):
    hour, four = thin_hour
    told = figure(platform_ui, "price", symbol=SYMBOL, interval="1h", bars=50)
    said = line(told, "candle")
    assert dict(zip(said["x"], said["customdata"], strict=True))[hour][5] == "<br>42 of 60 minutes"
    assert [trace for trace in told["data"] if trace["name"] == "minutes missing"]
    said = line(figure(platform_ui, "price", symbol=SYMBOL, interval="4h", bars=50), "candle")
    assert dict(zip(said["x"], said["customdata"], strict=True))[four][5] == ""


def test_books_before_a_time_are_those_before_it(platform_ui):
    rows = platform_ui.sql(
        "SELECT captured_at FROM orderbook_metrics WHERE symbol = %s ORDER BY captured_at DESC LIMIT 2", SYMBOL
    )
    newest, before = (row["captured_at"] for row in rows)
    until = f"{newest.isoformat()}Z"
    depth = figure(platform_ui, "depth", symbol=SYMBOL, until=until)["summary"]
    told = f"{newest:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    assert f"before {told} UTC, captured {before:%Y-%m-%d %H:%M:%S} UTC" in depth
    spread = figure(platform_ui, "spread", symbol=SYMBOL, until=until)["summary"]
    assert f"to {before:%Y-%m-%d %H:%M:%S} UTC: at the end" in spread
    none = figure(platform_ui, "depth", symbol=SYMBOL, until="2001-01-01T00:00Z")
    assert (none["data"], none["summary"]) == ([], f"There is no order book of {SYMBOL} before 2001-01-01 00:00 UTC.")


@pytest.mark.parametrize(("window", "step"), [("24h", "5 minutes"), ("7d", "1 hour")])
def test_the_length_of_a_return_is_said(platform_ui, window, step):
    for name in ("return-distribution", "correlation"):
        told = figure(platform_ui, name, window=window, **({} if name == "correlation" else {"symbol": SYMBOL}))
        assert f"over {step} each" in told["summary"]


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


@pytest.fixture
def missing(platform_ui):
    """Return a way to take tables away for as long as the test takes."""
    gone = []

    def take_away(table):
        platform_ui.sql(f"RENAME TABLE {table} TO {table}_of_later")
        gone.append(table)

    yield take_away
    for table in gone:
        platform_ui.sql(f"RENAME TABLE {table}_of_later TO {table}")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("price", "fact_klines"), ("depth", "orderbook_metrics"), ("spread", "orderbook_metrics"),
        ("volume-profile", "volume_profile"), ("price-distribution", "price_distribution"),
        ("return-distribution", "return_distribution"), ("correlation", "market_stats_24h"),
    ],
)  # fmt: skip
def test_a_chart_whose_table_is_not_built_says_who_builds_it(platform_ui, missing, name, table):
    missing(table)
    told = figure(platform_ui, name, **({} if name == "correlation" else {"symbol": SYMBOL}))
    assert told["data"] == []
    assert "not built yet" in told["summary"]


@pytest.fixture
def lagging(platform_ui):
    """A mart that has not reached the newest hours."""
    newest = "FROM indicators_1h WHERE symbol = 'BTCUSDT' ORDER BY open_time DESC LIMIT 3"
    platform_ui.sql(f"CREATE TABLE kept_hours AS SELECT * {newest}")
    platform_ui.sql(f"DELETE {newest}")
    yield
    platform_ui.sql("INSERT INTO indicators_1h SELECT * FROM kept_hours")
    platform_ui.sql("DROP TABLE kept_hours")


def test_bars_the_mart_has_not_reached_yet_have_their_indicators_all_the_same(platform_ui, lagging):
    told = figure(platform_ui, "price", symbol=SYMBOL, interval="1h", bars=20, panes=PANES)
    [kept] = platform_ui.sql("SELECT MAX(open_time) AS newest FROM kept_hours")
    [final] = platform_ui.sql(
        "SELECT MAX(hour_start) AS newest FROM hourly_klines WHERE symbol = %s AND is_final = 1", SYMBOL
    )
    values = dict(zip(line(told, "RSI 14")["x"], line(told, "RSI 14")["y"], strict=True))
    assert kept["newest"] == final["newest"]
    assert values[f"{final['newest']:%Y-%m-%d %H:%M:%S}"] is not None


@pytest.fixture
def changed(platform_ui):
    """A mart whose newest hour follows from values that are others by now."""
    of_model = "UPDATE indicator_progress SET pending_from = {} WHERE model = 'indicators_1h' AND symbol = 'BTCUSDT'"
    of_row = "UPDATE indicators_1h SET rsi = %s WHERE symbol = 'BTCUSDT' ORDER BY open_time DESC LIMIT 1"
    [before] = platform_ui.sql("SELECT rsi FROM indicators_1h WHERE symbol = 'BTCUSDT' ORDER BY open_time DESC LIMIT 1")
    platform_ui.sql(of_row, 1)
    platform_ui.sql(of_model.format("(SELECT MAX(open_time) FROM indicators_1h WHERE symbol = 'BTCUSDT')"))
    yield before["rsi"]
    platform_ui.sql(of_model.format("NULL"))
    platform_ui.sql(of_row, before["rsi"])


def test_a_chart_does_not_show_what_follows_from_values_that_are_others_by_now(platform_ui, changed):
    told = figure(platform_ui, "price", symbol=SYMBOL, interval="1h", bars=20, panes=PANES)
    newest = [value for value in line(told, "RSI 14")["y"] if value is not None][-1]
    assert newest == pytest.approx(changed, rel=1e-9)


def test_the_end_of_the_calendar_is_a_time_like_any_other(platform_ui):
    for until in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"):
        figure(platform_ui, "price", symbol=SYMBOL, until=until)


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
