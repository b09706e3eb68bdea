"""Whoever used the original's API finds each of its paths here, by the table of docs/api.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
PREFIX = "/candlewick/api/v1/"


def rows():
    """What the table says: the original's path, and ours as (method, path)."""
    table = PAGE.read_text().partition("## The paths of the original")[2]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 and "/api/" in cells[0]:
            ours = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) ([^`]+)`", cells[1])
            ours += [("GET", path) for path in re.findall(r": `([a-z/{}]+)`", cells[1])]
            yield cells[0], ours


ROWS = list(rows())
WANTED = (
    "/api/data/<symbol>", "/api/candlestick/<symbol>", "/api/orderbook/<symbol>", "/api/dashboard/metrics", "/api/ingestion/logs",
    "/api/scheduler", "/api/config/symbols", "/api/trigger", "/api/analytics/data/",
)  # fmt: skip


@pytest.mark.parametrize("path", WANTED)
def test_the_table_names(path):
    assert any(path in said for said, _ in ROWS)


@pytest.mark.parametrize(("method", "path"), sorted({one for _, ours in ROWS for one in ours}))
def test_each_of_our_paths_in_the_table_exists(platform_ui, method, path):
    described = platform_ui.get("api/openapi.json").json()["paths"]
    shapes = {re.sub(r"\{[^}]*\}", "{}", known): set(methods) for known, methods in described.items()}
    shape = re.sub(r"\{[^}]*\}", "{}", path.replace("{provider}", "candlestick"))
    found = {known: methods for known, methods in shapes.items() if known.endswith(f"/api/v1/{shape}")}
    assert found, f"{path} is none of {sorted(shapes)}"
    assert any(method.lower() in methods for methods in found.values())


def ask(platform, path, **params):
    answer = platform.get(f"api/v1/{path}", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_api_data_symbol_gives_the_newest_candles_and_the_24_hours(platform_ui):
    symbol = platform_ui.config.symbols[0]
    candles = ask(platform_ui, f"candles/{symbol}", limit=10)["data"]
    newest = platform_ui.sql(
        "SELECT close_price FROM {marts}.fact_klines WHERE symbol = %s AND interval_code = '1m' ORDER BY open_time DESC LIMIT 1",
        symbol,
    )[0]
    assert len(candles) == 10
    assert candles[-1]["close_price"] == f"{newest['close_price']:f}"
    (day,) = ask(platform_ui, f"statistics/{symbol}")["data"]
    direct = platform_ui.sql("SELECT high_price FROM {marts}.market_stats_24h WHERE symbol = %s", symbol)[0]
    assert day["high_price"] == f"{direct['high_price']:f}"


def test_api_candlestick_symbol_gives_200_bars_of_a_minute(platform_ui):
    symbol = platform_ui.config.symbols[0]
    bars = ask(platform_ui, f"analytics/data/candlestick/{symbol}")["data"]
    query = "SELECT COUNT(*) AS n FROM {marts}.fact_klines WHERE symbol = %s AND interval_code = '1m'"
    assert len(bars) == min(200, platform_ui.sql(query, symbol)[0]["n"]) == 200


def test_api_orderbook_symbol_gives_20_levels_of_each_side(platform_ui):
    levels = ask(platform_ui, f"orderbook/{platform_ui.config.symbols[0]}")["data"]
    sides = [level["side"] for level in levels]
    assert (sides.count("bid"), sides.count("ask")) == (20, 20)


def test_api_dashboard_metrics_and_api_ingestion_logs_have_content(platform_ui):
    assert len(ask(platform_ui, "dashboard/metrics")["symbols"]) == len(platform_ui.config.symbols)
    assert ask(platform_ui, "ingestion/logs")["data"]


def test_api_scheduler_lists_the_dags_with_their_schedules(platform_ui):
    jobs = {job["dag_id"] for job in ask(platform_ui, "jobs")["data"]}
    assert {"market_minute", "market_hourly", "market_backfill"} <= jobs


def test_api_config_symbols_lists_what_is_tracked(platform_ui):
    tracked = {row["symbol"] for row in ask(platform_ui, "symbols", tracked=True)["data"]}
    assert tracked == set(platform_ui.config.symbols)


def test_api_trigger_queues_a_run(platform_ui):
    answer = platform_ui.client().post(f"{PREFIX}jobs/market_gaps/runs", json={"note": "as the original's trigger"})
    assert answer.status_code == 201, answer.text
    runs = platform_ui.server.metadata("SELECT run_id FROM dag_run WHERE dag_id = 'market_gaps'")
    assert answer.json()["run_id"] in {row["run_id"] for row in runs}


@pytest.mark.parametrize(
    "provider",
    ["candlestick", "volume", "rsi", "macd", "bollinger", "orderbook", "atr", "correlation", "price_distribution",
     "return_distribution", "volume_profile"],
)  # fmt: skip
def test_api_analytics_data_has_every_provider_of_the_original(platform_ui, provider):
    assert ask(platform_ui, f"analytics/data/{provider}/{platform_ui.config.symbols[0]}")["data"]
