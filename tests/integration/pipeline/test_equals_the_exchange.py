"""From the exchange to facts, hours and days: what is in the warehouse is what the exchange has, value by value."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from candlewick.demo.testing import RunningExchange
from candlewick.exchange.binance import from_connection
from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.load import load_pending
from candlewick.warehouse.host_state import HostStateStore

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
COLUMNS = (
    "open_price, high_price, low_price, close_price, volume, close_time, quote_volume, trade_count, "
    "taker_buy_volume, taker_buy_quote_volume"
)


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def moment(stamp):
    return datetime.fromtimestamp(stamp / 1000, UTC).replace(tzinfo=None)


def as_row(kline):
    """A candle of the exchange (12 fields) as the warehouse holds it, by its open time."""
    prices = [Decimal(field) for field in kline[1:6]]
    return moment(int(kline[0])), (
        *prices, moment(int(kline[6])), Decimal(kline[7]), int(kline[8]), Decimal(kline[9]), Decimal(kline[10]),
    )  # fmt: skip


def table(warehouse, name, key, symbol, where="1 = 1"):
    with warehouse.session() as session:
        rows = session.all(
            f"SELECT {key}, {COLUMNS} FROM {warehouse.config.marts_schema}.{name} WHERE symbol = %s AND {where}",
            (symbol,),
        )
    return {row[0]: row[1:] for row in rows}


def run_cycle(url, warehouse, lake, dbt, symbols):
    client = from_connection(url, {}, HostStateStore(warehouse.open, warehouse.config.raw_schema), warehouse.config)
    extract_shard(client, lake, warehouse, {"name": "all", "symbols": symbols}, "run")
    load_pending(lake, warehouse, "run")
    dbt("run", "--selector", "minute")
    client.close()


def official(url_get, symbol, interval, start, end):
    """The exchange's own candles of an interval in [start, end)."""
    rows = url_get(
        "/api/v3/klines", symbol=symbol, interval=interval, startTime=start, endTime=end - 1, limit=1000
    ).json()
    return dict(as_row(row) for row in rows)


def without_close_time(rows):
    return {key: row[:5] + row[6:] for key, row in rows.items()}


def test_on_the_simulated_exchange_with_an_outage_and_a_listing_day(market, warehouse, lake, dbt, config):
    """The always-running twin of the test on recorded data: outage, listing inside the span, quiet minutes."""
    symbols = ["BTCUSDT", "ETHUSDT", "ARBUSDT", "S002USDT"]
    start, end = ms("2023-03-23T00:00"), ms("2023-03-25T00:00")
    market.add_faults(
        {"kind": "flat", "start": ms("2023-03-24T11:28"), "end": ms("2023-03-24T12:40")},
        {"kind": "outage", "start": ms("2023-03-24T12:40"), "end": ms("2023-03-24T14:00")},
    )
    warehouse.config = config.model_copy(update={"first_fetch_minutes": 2 * 1440})
    for clock in ("2023-03-24T15:20:30Z", "2023-03-25T00:00:30Z"):
        market.set_clock(clock)
        run_cycle(market.url, warehouse, lake, dbt, symbols)

    for symbol in symbols:
        minutes = {}
        for at in range(start, end, 1000 * MINUTE):
            minutes |= official(market.get, symbol, "1m", at, min(end, at + 1000 * MINUTE))
        facts = table(warehouse, "fact_klines", "open_time", symbol, "interval_code = '1m' AND is_final = 1")
        assert {at: row for at, row in facts.items() if moment(start) <= at < moment(end)} == minutes
        assert not any(moment(ms("2023-03-24T12:40")) <= at < moment(ms("2023-03-24T14:00")) for at in facts)
        hours = table(warehouse, "hourly_klines", "hour_start", symbol, "is_final = 1")
        expected = official(market.get, symbol, "1h", start, end)
        assert without_close_time({at: row for at, row in hours.items() if at >= moment(start)}) == without_close_time(
            expected
        )
        days = table(warehouse, "daily_klines", "CAST(date AS DATETIME(3))", symbol, "is_final = 1")
        expected = official(market.get, symbol, "1d", ms("2023-03-24T00:00"), end)
        assert without_close_time({at: days[at] for at in expected}) == without_close_time(expected)
    assert hours_opening_otherwise_by_the_first_minute(warehouse, "S002USDT") > 0
    assert min(table(warehouse, "fact_klines", "open_time", "ARBUSDT")) == moment(ms("2023-03-23T15:00"))


def hours_opening_otherwise_by_the_first_minute(warehouse, symbol):
    """Count hours whose open is not that of their first minute: it had no trades. Without any, the test shows little."""
    facts = table(warehouse, "fact_klines", "open_time", symbol, "interval_code = '1m'")
    hours = table(warehouse, "hourly_klines", "hour_start", symbol)
    return sum(at in facts and facts[at][0] != hour[0] for at, hour in hours.items())


def recorded(folder, symbol, interval):
    """Every recorded candle of 2023-03-22…26, by its open time."""
    rows = {}
    for day in range(22, 27):
        name = f"{symbol}-{interval}-2023-03-{day}"
        path = folder / "data/spot/daily/klines" / symbol / interval / f"{name}.zip"
        if path.exists():
            with zipfile.ZipFile(path) as archive:
                text = io.TextIOWrapper(archive.open(f"{name}.csv"))
                rows |= dict(as_row(row) for row in csv.reader(text))
    return rows


@pytest.mark.recordings
def test_on_real_recorded_data_every_minute_and_every_hour(recordings, warehouse, lake, dbt, config):
    """Replay 2023-03-22…26 as REST: facts equal the recorded minutes, hours the recorded 1h candles."""
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "ARBUSDT"]
    warehouse.config = config.model_copy(update={"first_fetch_minutes": 5 * 1440})
    with RunningExchange(replay=recordings) as exchange:
        for clock in ("2023-03-24T13:10:00Z", "2023-03-27T00:00:30Z"):
            exchange.set_clock(clock)
            run_cycle(exchange.url, warehouse, lake, dbt, symbols)

    for symbol in symbols:
        minutes = recorded(recordings, symbol, "1m")
        facts = table(warehouse, "fact_klines", "open_time", symbol, "interval_code = '1m' AND is_final = 1")
        assert {at: row for at, row in facts.items() if at >= moment(ms("2023-03-22T00:00"))} == minutes
        hours = table(warehouse, "hourly_klines", "hour_start", symbol)
        official_hours = recorded(recordings, symbol, "1h")
        compared = {at: hours[at] for at in official_hours}
        assert without_close_time(compared) == without_close_time(official_hours)
        assert moment(ms("2023-03-24T13:00")) not in hours
    assert len(table(warehouse, "fact_klines", "open_time", "ARBUSDT", "open_time < '2023-03-24'")) == 540
    outage = table(warehouse, "fact_klines", "open_time", "BTCUSDT", "open_time = '2023-03-24 12:39'")
    assert [row[5] for row in outage.values()] == [moment(1_679_661_581_646)]
