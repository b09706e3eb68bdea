"""A monitoring system reads the measures with its own parser, and they are what the warehouse says."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


def measures(platform):
    answer = platform.get("api/v1/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {family.name: family.samples for family in text_string_to_metric_families(answer.text)}


def ages(platform):
    """Seconds since the newest final candle of each symbol closed, by direct SQL."""
    query = (
        "SELECT symbol, TIMESTAMPDIFF(SECOND, MAX(open_time), UTC_TIMESTAMP()) - 60 AS age FROM {marts}.fact_klines "
        "WHERE interval_code = '1m' AND is_final = 1 AND open_time > UTC_TIMESTAMP() - INTERVAL 1 DAY GROUP BY symbol"
    )
    return {row["symbol"]: row["age"] for row in platform.sql(query)}


def test_every_tracked_symbol_has_its_freshness(platform_ui):
    before = ages(platform_ui)
    seen = measures(platform_ui)
    after = ages(platform_ui)
    fresh = {sample.labels["symbol"]: sample.value for sample in seen["candlewick_freshness_seconds"]}
    assert set(fresh) == set(before) == set(platform_ui.config.symbols)
    assert all(before[symbol] - 1 <= fresh[symbol] <= after[symbol] + 1 for symbol in fresh)
    assert seen["candlewick_tracked_symbols"][0].value == len(fresh)


def test_rows_gaps_weight_and_failures_are_what_the_ledgers_say(platform_ui):
    seen = measures(platform_ui)
    hour = "UTC_TIMESTAMP() - INTERVAL 1 HOUR"
    rows = platform_ui.sql(f"SELECT CAST(SUM(rows_staged) AS SIGNED) AS n FROM {{raw}}.loads WHERE loaded_at > {hour}")
    assert sum(sample.value for sample in seen["candlewick_rows_loaded"]) == rows[0]["n"] > 0
    rejected = platform_ui.sql(
        f"SELECT CAST(SUM(rows_rejected) AS SIGNED) AS n FROM {{raw}}.loads WHERE loaded_at > {hour}"
    )
    assert sum(sample.value for sample in seen["candlewick_rows_rejected"]) == rejected[0]["n"] > 0
    gaps = platform_ui.sql("SELECT COUNT(*) AS n FROM {raw}.gap_ledger WHERE status IN ('open', 'unexplained')")
    assert sum(sample.value for sample in seen["candlewick_gaps"]) == gaps[0]["n"]
    limits = platform_ui.sql("SELECT host, weight_limit FROM {raw}.host_state WHERE weight_limit IS NOT NULL")
    told = {sample.labels["host"]: sample.value for sample in seen["candlewick_weight_limit"]}
    assert told == {row["host"]: row["weight_limit"] for row in limits}
    assert told
    failed = platform_ui.sql(
        f"SELECT COUNT(*) AS n FROM {{raw}}.extraction_outcomes WHERE status = 'failed' AND captured_at > {hour}"
    )
    failures = [sample for sample in seen["candlewick_requests"] if sample.labels["status"] == "failed"]
    assert sum(sample.value for sample in failures) == failed[0]["n"] > 0
    assert all(sample.labels["error_kind"] for sample in failures)
