"""Tracked symbols by the API, on the simulated exchange's own word."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from candlewick.warehouse.database import utc_now
from candlewick_ui.queries.symbols import freshness, symbols
from support.plans import ExplainingReader

PATH = "/candlewick/api/v1/symbols"


@pytest.fixture
def solana(platform_ui):
    """SOLUSDT as before: not tracked, not known."""
    yield "SOLUSDT"
    with platform_ui.database.cursor() as cursor:
        cursor.execute(f"DELETE FROM {platform_ui.raw}.tracked_symbols WHERE symbol = 'SOLUSDT'")


def row_of(platform_ui, symbol):
    return platform_ui.sql("SELECT active, removed_at FROM {raw}.tracked_symbols WHERE symbol = %s", symbol)


def test_the_list_is_the_table_with_the_newest_final_candle(platform_ui):
    found = platform_ui.get("api/v1/symbols").json()["data"]
    newest = platform_ui.sql(
        "SELECT symbol, MAX(open_time) AS at FROM fact_klines WHERE interval_code = '1m' AND is_final = 1 GROUP BY symbol ORDER BY 1"
    )

    assert [(row["symbol"], row["newest_open_time"]) for row in found] == [
        (row["symbol"], f"{row['at']:%Y-%m-%dT%H:%M:%S}.000Z") for row in newest
    ]
    assert {(row["is_tracked"], row["status"], row["quote_asset"]) for row in found} == {(True, "TRADING", "USDT")}


@pytest.fixture
def explaining(platform_ui, database):
    """A reader that keeps its plans."""
    reader = ExplainingReader(lambda: database.connect(platform_ui.marts), platform_ui.raw)
    yield reader
    reader.close()


def partitions_of_the_facts(reader):
    return [len(step["partitions"].split(",")) for _, plan in reader.plans for step in plan if step["table"] == "f"]


def test_the_newest_candle_is_looked_for_in_the_newest_partitions(explaining):
    assert freshness(explaining, "binance", utc_now())
    (looked_into,) = partitions_of_the_facts(explaining)
    assert symbols(explaining, "binance", now=utc_now() + timedelta(days=30))
    of_all = partitions_of_the_facts(explaining)[-1]
    assert looked_into < of_all / 4


def test_the_newest_candle_of_a_silent_symbol_is_found_all_the_same(explaining):
    assert symbols(explaining, "binance", now=utc_now() + timedelta(days=30)) == symbols(explaining, "binance")


def test_the_list_comes_as_csv_too(platform_ui):
    answer = platform_ui.get("api/v1/symbols", format="csv")

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0].startswith("symbol,is_tracked,status")


def test_a_symbol_the_exchange_trades_is_followed_and_its_history_is_offered(platform_ui, solana):
    added = platform_ui.client().post(PATH, json={"symbol": solana})

    assert added.status_code == 201, added.text
    assert row_of(platform_ui, solana) == [{"active": 1, "removed_at": None}]
    assert added.json()["history"]["job"] == "market_backfill"
    assert added.json()["history"]["conf"]["symbols"] == [solana]
    (entry,) = platform_ui.server.metadata(
        "SELECT owner, dag_id, extra FROM log WHERE event = 'candlewick_add_symbol' ORDER BY id DESC LIMIT 1"
    )
    assert (entry["owner"], entry["dag_id"], json.loads(entry["extra"])["symbol"]) == ("admin", "market_minute", solana)


def test_the_offered_history_is_a_run_the_job_accepts(platform_ui, solana):
    offer = platform_ui.client().post(PATH, json={"symbol": solana}).json()["history"]
    run = platform_ui.client().post(f"/candlewick/api/v1/jobs/{offer['job']}/runs", json={"conf": offer["conf"]})

    assert run.status_code == 201, run.text
    platform_ui.client().post(f"/candlewick/api/v1/jobs/{offer['job']}/runs/{run.json()['run_id']}/cancel")


def test_a_tracked_symbol_is_not_added_twice(platform_ui):
    answer = platform_ui.client().post(PATH, json={"symbol": "BTCUSDT"})

    assert answer.status_code == 409
    assert "BTCUSDT is" in answer.json()["detail"]


def test_a_symbol_the_exchange_does_not_know_is_refused_with_those_that_are_near(platform_ui):
    answer = platform_ui.client().post(PATH, json={"symbol": "SOLUSDD"})

    assert answer.status_code == 422
    assert "SOLUSDT" in answer.json()["near"]
    assert row_of(platform_ui, "SOLUSDD") == []


def test_a_symbol_that_does_not_trade_is_refused(platform_ui):
    platform_ui.exchange.set_symbol("HALTUSDT", status="HALT")
    answer = platform_ui.client().post(PATH, json={"symbol": "HALTUSDT"})

    assert answer.status_code == 422
    assert "HALTUSDT is HALT" in answer.json()["detail"]


def test_while_the_exchange_does_not_answer_nothing_is_added(platform_ui, solana):
    platform_ui.exchange.add_faults({"kind": "500", "path": "exchangeInfo"})
    try:
        answer = platform_ui.client().post(PATH, json={"symbol": solana})
    finally:
        platform_ui.exchange.clear_faults()
        with platform_ui.database.cursor() as cursor:  # the breaker of the host would keep others waiting
            cursor.execute(f"DELETE FROM {platform_ui.raw}.host_state")

    assert answer.status_code == 503
    assert row_of(platform_ui, solana) == []


@pytest.mark.parametrize(
    "body", [{}, {"symbol": ""}, {"symbol": "btc/usdt"}, {"symbol": "X" * 51}, {"symbols": ["SOLUSDT"]}, []]
)
def test_nonsense_is_refused_with_a_problem(platform_ui, body):
    answer = platform_ui.client().post(PATH, json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_removed_symbol_keeps_its_data_and_can_come_back(platform_ui, solana):
    platform_ui.client().post(PATH, json={"symbol": solana})
    removed = platform_ui.client().delete(f"{PATH}/{solana}")

    assert removed.status_code == 204
    assert row_of(platform_ui, solana)[0]["active"] == 0
    (written,) = platform_ui.server.metadata(
        "SELECT owner, extra FROM log WHERE event = ? ORDER BY id DESC LIMIT 1", "candlewick_remove_symbol"
    )
    told = json.loads(written["extra"])
    assert (written["owner"], told["symbol"], told["request_id"]) == ("admin", solana, removed.headers["x-request-id"])
    assert platform_ui.get("api/v1/symbols", tracked=True).json()["data"][-1]["symbol"] != solana
    assert platform_ui.client().delete(f"{PATH}/{solana}").status_code == 404
    assert platform_ui.client().post(PATH, json={"symbol": solana}).status_code == 201
    assert row_of(platform_ui, solana) == [{"active": 1, "removed_at": None}]


def test_a_symbol_that_comes_back_is_neither_late_nor_fresh_at_once(platform_ui, solana):
    client = platform_ui.client()
    client.post(PATH, json={"symbol": solana})
    platform_ui.sql("UPDATE {raw}.tracked_symbols SET added_at = added_at - INTERVAL 1 DAY WHERE symbol = %s", solana)
    client.delete(f"{PATH}/{solana}")
    assert platform_ui.get(f"api/v1/symbols/{solana}").json()["tracked_since"] is None
    client.post(PATH, json={"symbol": solana})

    known = platform_ui.get(f"api/v1/symbols/{solana}").json()
    assert known["tracked_since"] > known["added_at"]
    cards = platform_ui.get("api/v1/dashboard/metrics").json()["symbols"]
    assert [card["is_stale"] for card in cards if card["symbol"] == solana] == [False]
    ages = platform_ui.get("api/v1/health/freshness").json()["data"]
    (age,) = [row for row in ages if row["symbol"] == solana]
    assert (age["is_stale"], age["lag_seconds"] < 60) == (False, True)


def test_one_symbol_tells_its_lifecycle(platform_ui):
    found = platform_ui.get("api/v1/symbols/ethusdt").json()

    assert (found["symbol"], found["base_asset"]) == ("ETHUSDT", "ETH")
    assert [(state["status"], state["is_current"]) for state in found["lifecycle"]] == [("TRADING", True)]
    assert platform_ui.get("api/v1/symbols/NOSUCH").status_code == 404


@pytest.mark.parametrize(
    ("look_alike", "status"),
    [("BTC\u00daSDT", 404), ("BTCUSDT\u200d", 404), ("BTCUSDT\u200b", 404), ("BTCUSDT%00", 422)],
)
def test_a_name_that_only_looks_like_a_symbol_is_not_taken_for_it(platform_ui, look_alike, status):
    removed = platform_ui.client().delete(f"/candlewick/api/v1/symbols/{look_alike}")
    assert removed.status_code == status, removed.text
    for path in ("symbols", "candles", "statistics", "analytics/data/rsi"):
        answer = platform_ui.get(f"api/v1/{path}/{look_alike}")
        assert answer.status_code == status, (path, answer.text)
    assert platform_ui.get("figures/depth", symbol=look_alike.replace("%00", "\0")).status_code == status
    assert "BTCUSDT" in [row["symbol"] for row in platform_ui.get("api/v1/symbols", tracked=True).json()["data"]]
