"""Health by the API: alive, ready, fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from candlewick.warehouse.database import utc_now


def test_it_lives_and_is_ready(platform_ui):
    assert platform_ui.get("api/v1/health/live").json() == {"status": "ok"}
    assert platform_ui.get("api/v1/health/ready").json() == {"status": "ok", "warehouse": "ok", "airflow": "ok"}


def test_freshness_is_the_age_of_the_newest_final_candle(platform_ui):
    found = platform_ui.get("api/v1/health/freshness").json()
    (newest,) = platform_ui.sql(
        "SELECT MAX(open_time) AS at FROM fact_klines WHERE symbol = 'BTCUSDT' AND interval_code = '1m' AND is_final = 1"
    )
    bitcoin = next(row for row in found["data"] if row["symbol"] == "BTCUSDT")
    age = utc_now() - newest["at"] - timedelta(minutes=1)

    assert found["allowed_minutes"] == 5
    assert 0 <= age.total_seconds() - bitcoin["lag_seconds"] < 30
    (tracked,) = platform_ui.sql(
        "SELECT COALESCE(resumed_at, added_at) AS at FROM {raw}.tracked_symbols WHERE symbol = 'BTCUSDT'"
    )
    silent = datetime.fromisoformat(found["as_of"]) - max(newest["at"] + timedelta(minutes=1), tracked["at"]).replace(
        tzinfo=UTC
    )
    assert bitcoin["is_stale"] == (silent > timedelta(minutes=5))


def test_a_late_symbol_makes_it_stale_and_fails_a_monitor_that_asks_for_it(platform_ui):
    with platform_ui.database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {platform_ui.raw}.tracked_symbols (exchange, symbol, active, added_at) "
            "VALUES ('binance', 'LATEUSDT', 1, UTC_TIMESTAMP(3) - INTERVAL 1 HOUR)"
        )
    try:
        plain = platform_ui.get("api/v1/health/freshness")
        strict = platform_ui.get("api/v1/health/freshness", fail_when_stale=True)
    finally:
        with platform_ui.database.cursor() as cursor:
            cursor.execute(f"DELETE FROM {platform_ui.raw}.tracked_symbols WHERE symbol = 'LATEUSDT'")

    assert (plain.status_code, plain.json()["status"]) == (200, "stale")
    assert [row["is_stale"] for row in plain.json()["data"] if row["symbol"] == "LATEUSDT"] == [True]
    assert strict.status_code == 503
