"""The API of the data's health says what direct SQL says, in pages, in three formats, and refuses with sentences."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet
import pytest

from candlewick_ui import schemas
from candlewick_ui.queries import (
    coverage,
    deduplication,
    gaps,
    ingestion,
    quality,
    reconciliation,
    revisions,
    status,
    storage,
    weights,
)
from candlewick_ui.told import plain
from support.kinds import KINDS, columns_of_tables

API = "api/v1"
LONG_AGO = {"from": "2020-01-01"}
# Each list: its path, what direct SQL gives in its order, and its columns.
LISTS = {
    "ingestion/logs": (
        ingestion.COLUMNS, "SELECT {} FROM {{marts}}.ingestion_log ORDER BY captured_at DESC, outcome_id DESC", LONG_AGO,
    ),
    "deduplication": (
        deduplication.COLUMNS,
        "SELECT {} FROM {{marts}}.deduplication_daily ORDER BY date DESC, symbol DESC, data_type DESC, interval_code DESC",
        LONG_AGO,
    ),
    "coverage": (coverage.COLUMNS, "SELECT {} FROM {{marts}}.coverage_daily ORDER BY symbol, date", LONG_AGO),
    "gaps": (gaps.COLUMNS, "SELECT {} FROM {{marts}}.gap_ledger ORDER BY gap_id DESC", {}),
    "revisions": (
        revisions.COLUMNS,
        (
            "SELECT {} FROM {{marts}}.kline_revisions "
            "ORDER BY symbol DESC, interval_code DESC, open_time DESC, lost_source DESC, lost_fingerprint DESC"
        ),
        LONG_AGO,
    ),
    "reconciliation": (
        reconciliation.COLUMNS, "SELECT {} FROM {{marts}}.reconciliation_daily ORDER BY symbol, date, check_name", LONG_AGO,
    ),
    "storage/events": (storage.EVENTS, "SELECT {} FROM {{raw}}.lifecycle_events ORDER BY event_id DESC", {}),
    "pipeline/events": (status.EVENTS, "SELECT {} FROM {{raw}}.pipeline_events ORDER BY event_id DESC", {}),
}  # fmt: skip
# What the life of this warehouse leaves empty, and is none the less listed.
MAY_BE_EMPTY = {"storage/events", "pipeline/events"}


def told(rows, columns):
    """Rows of direct SQL as JSON tells them."""
    flags = {name for name in columns if name.startswith("is_")}
    return [{name: bool(row[name]) if name in flags else plain(row[name]) for name in columns} for row in rows]


def walk(platform, path, params, limit):
    """Every page of a list."""
    cursor = None
    while True:
        here = {**params, "limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = platform.get(f"{API}/{path}", **here)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["data"]) <= limit
        assert answer.headers.get("x-next-cursor") == page["next"]
        yield page["data"]
        cursor = page["next"]
        if cursor is None:
            return


@pytest.mark.parametrize("path", LISTS)
def test_pages_of_a_list_put_together_are_what_direct_sql_gives(platform_ui, path):
    columns, query, params = LISTS[path]
    expected = told(platform_ui.sql(query.format(", ".join(columns))), columns)
    assert expected or path in MAY_BE_EMPTY
    pages = list(walk(platform_ui, path, params, limit=max(1, min(1000, len(expected) // 3))))
    assert [row for page in pages for row in page] == expected
    assert len(pages) >= min(3, len(expected))


@pytest.fixture
def unexplained_day(platform_ui):
    """A compared day whose difference nothing explains; the platform's own are all explained."""
    day = platform_ui.sql(
        "SELECT * FROM reconciliation_daily WHERE difference_count > 0 ORDER BY symbol, date LIMIT 1"
    )[0]
    key = (day["exchange"], day["symbol"], day["date"], day["check_name"])
    change = "UPDATE reconciliation_daily SET unexplained_count = %s WHERE exchange = %s AND symbol = %s AND date = %s AND check_name = %s"
    platform_ui.sql(change, day["difference_count"], *key)
    yield
    platform_ui.sql(change, day["unexplained_count"], *key)


@pytest.mark.parametrize(
    ("path", "params", "condition"),
    [
        ("ingestion/logs", {"status": "failed"}, "status = 'failed'"),
        ("ingestion/logs", {"data_type": "depth", "load_state": "loaded"}, "data_type = 'depth' AND load_state = 'loaded'"),
        ("ingestion/logs", {"source": "archive_daily"}, "source = 'archive_daily'"),
        ("gaps", {"data_type": "klines", "reason": "exchange_outage"}, "data_type = 'klines' AND reason = 'exchange_outage'"),
        ("gaps", {"status": "closed"}, "status = 'closed'"),
        ("reconciliation", {"check": "1h"}, "check_name = '1h'"),
        ("reconciliation", {"outcome": "different"}, "difference_count > 0"),
        ("reconciliation", {"outcome": "unexplained"}, "unexplained_count > 0"),
        ("revisions", {"interval": "1m"}, "interval_code = '1m'"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("unexplained_day")
def test_a_filter_leaves_what_the_same_condition_leaves_in_sql(platform_ui, path, params, condition):
    columns, query, usual = LISTS[path]
    found = platform_ui.sql(query.format(", ".join(columns)).replace(" ORDER BY", f" WHERE {condition} ORDER BY"))
    assert found
    pages = list(walk(platform_ui, path, {**usual, **params}, limit=1000))
    assert [row for page in pages for row in page] == told(found, columns)


@pytest.mark.parametrize("path", [path for path in LISTS if not path.endswith("events")])
def test_a_symbol_has_its_own_rows(platform_ui, path):
    columns, query, params = LISTS[path]
    symbol = platform_ui.config.symbols[0]
    found = platform_ui.sql(
        query.format(", ".join(columns)).replace(" ORDER BY", f" WHERE symbol = '{symbol}' ORDER BY")
    )
    assert found
    pages = list(walk(platform_ui, path, {**params, "symbol": symbol}, limit=max(1, min(1000, len(found) // 2))))
    assert [row for page in pages for row in page] == told(found, columns)


def test_a_span_leaves_the_requests_captured_in_it(platform_ui):
    ends = platform_ui.sql("SELECT MIN(captured_at) AS first, MAX(captured_at) AS last FROM {marts}.ingestion_log")[0]
    middle = ends["first"] + (ends["last"] - ends["first"]) / 2
    middle = middle.replace(microsecond=middle.microsecond // 1000 * 1000)
    query = "SELECT COUNT(*) AS n FROM {marts}.ingestion_log WHERE captured_at < %s"
    span = {"from": "2020-01-01", "to": f"{middle.isoformat()}Z"}
    got = sum(len(page) for page in walk(platform_ui, "ingestion/logs", span, limit=500))
    assert got == platform_ui.sql(query, middle)[0]["n"] > 0


def test_gaps_of_a_span_are_those_that_overlap_it(platform_ui):
    gap = platform_ui.sql("SELECT * FROM {marts}.gap_ledger WHERE data_type = 'klines' ORDER BY minutes DESC LIMIT 1")[
        0
    ]
    inside = gap["from_time"] + timedelta(minutes=1)
    span = {"from": f"{inside.isoformat()}Z", "to": f"{(inside + timedelta(seconds=1)).isoformat()}Z"}
    found = [row["gap_id"] for page in walk(platform_ui, "gaps", span, limit=100) for row in page]
    assert gap["gap_id"] in found
    query = "SELECT gap_id FROM {marts}.gap_ledger WHERE from_time < %s AND to_time > %s ORDER BY gap_id DESC"
    expected = platform_ui.sql(query, inside + timedelta(seconds=1), inside)
    assert found == [row["gap_id"] for row in expected]


def test_each_rule_lists_as_many_findings_as_the_summary_counts(platform_ui):
    summary = platform_ui.get(f"{API}/quality").json()["data"]
    assert {row["rule_name"] for row in summary} == set(quality.Rule)
    assert any(row["violations"] for row in summary)
    for row in summary:
        found = [one for page in walk(platform_ui, f"quality/{row['rule_name']}", {}, limit=3) for one in page]
        assert len(found) == row["violations"], row
        assert len({str(one) for one in found}) == len(found)


def test_sums_equal_the_rows_they_are_of(platform_ui):
    totals = platform_ui.get(f"{API}/deduplication/totals", **LONG_AGO).json()["data"]
    direct = platform_ui.sql("SELECT CAST(SUM(rows_received) AS SIGNED) AS n FROM {marts}.deduplication_daily")[0]["n"]
    assert sum(row["rows_received"] for row in totals) == direct
    checks = platform_ui.get(f"{API}/reconciliation/summary", **LONG_AGO).json()["data"]
    query = (
        "SELECT check_name, CAST(SUM(match_count) AS SIGNED) AS n FROM {marts}.reconciliation_daily GROUP BY check_name"
    )
    direct = {row["check_name"]: row["n"] for row in platform_ui.sql(query)}
    assert {row["check_name"]: row["match_count"] for row in checks} == direct
    counts = platform_ui.get(f"{API}/gaps/counts").json()["data"]
    direct = platform_ui.sql("SELECT COUNT(*) AS n FROM {marts}.gap_ledger WHERE status <> 'closed'")[0]["n"]
    assert sum(row["gaps"] for row in counts) == direct > 0


def test_coverage_over_all_of_history_is_the_mart_s(platform_ui):
    rows = platform_ui.get(f"{API}/coverage/summary").json()["data"]
    query = f"SELECT {', '.join(coverage.SUMMARY)} FROM {{marts}}.symbol_statistics ORDER BY symbol, interval_code"
    assert rows == told(platform_ui.sql(query), coverage.SUMMARY)
    assert rows


def test_requests_are_counted_by_how_they_ended(platform_ui):
    rows = platform_ui.get(f"{API}/ingestion/outcomes", minutes=1440).json()["data"]
    query = "SELECT COUNT(*) AS n FROM {raw}.extraction_outcomes WHERE captured_at >= UTC_TIMESTAMP() - INTERVAL 1 DAY"
    assert sum(row["requests"] for row in rows) == platform_ui.sql(query)[0]["n"] > 0
    assert any(row["status"] == "failed" and row["error_kind"] for row in rows)


def test_the_budget_of_each_host_is_the_shared_row(platform_ui):
    rows = platform_ui.get(f"{API}/weights").json()["data"]
    hosts = platform_ui.sql("SELECT host, weight_limit FROM {raw}.host_state ORDER BY host")
    assert [(row["host"], row["weight_limit"]) for row in rows] == [
        (host["host"], host["weight_limit"]) for host in hosts
    ]
    limited = [row for row in rows if row["weight_limit"]]
    share = platform_ui.config.weight_share
    assert limited
    assert all(row["allowed_weight"] == int(row["weight_limit"] * share) for row in limited)
    assert not any(row["is_banned"] for row in rows)


def test_weight_by_minute_adds_up_to_what_requests_were_charged(platform_ui):
    since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=23)
    rows = platform_ui.get(f"{API}/weights/minutes", **{"from": since.isoformat()}).json()["data"]
    query = (
        "SELECT CAST(SUM(weight) AS SIGNED) AS weight, COUNT(*) AS n FROM {raw}.extraction_outcomes "
        "WHERE host IS NOT NULL AND captured_at >= %s"
    )
    direct = platform_ui.sql(query, since.replace(tzinfo=None))[0]
    assert (sum(row["weight"] for row in rows), sum(row["requests"] for row in rows)) == (direct["weight"], direct["n"])
    assert set(rows[0]) == set(weights.MINUTES)


@pytest.mark.parametrize("asked", [{"from": "2026-01-01", "to": "2026-01-05"}, {"from": "2026-01-01"}])
def test_more_than_a_day_of_weights_is_refused_and_not_cut(platform_ui, asked):
    answer = platform_ui.get(f"{API}/weights/minutes", **asked)
    assert answer.status_code == 422
    assert "expected at most 24 hours, got 2026-01-01T00:00:00 to " in answer.json()["detail"]


def test_storage_is_the_mart_of_the_newest_days(platform_ui):
    rows = platform_ui.get(f"{API}/storage", store="warehouse").json()["data"]
    query = f"SELECT {', '.join(storage.COLUMNS)} FROM {{marts}}.storage_health WHERE store = 'warehouse'"
    expected = told(platform_ui.sql(query), storage.COLUMNS)
    assert sorted(rows, key=lambda row: row["name"]) == sorted(expected, key=lambda row: row["name"])
    assert rows[0]["name"] == "(all)"


def test_the_status_of_each_series_is_the_mart_s(platform_ui):
    rows = platform_ui.get(f"{API}/pipeline/status").json()["data"]
    query = (
        f"SELECT {', '.join(status.COLUMNS)} FROM {{marts}}.pipeline_status ORDER BY symbol, data_type, interval_code"
    )
    steady = [name for name in status.COLUMNS if name not in ("lag_seconds", "last_outcome_status", "last_error_kind")]
    expected = told(platform_ui.sql(query), status.COLUMNS)
    assert [{name: row[name] for name in steady} for row in rows] == [
        {name: row[name] for name in steady} for row in expected
    ]
    assert {row["symbol"] for row in rows} >= set(platform_ui.config.symbols)


def test_queues_count_what_waits(platform_ui):
    rows = platform_ui.get(f"{API}/pipeline/queues").json()["data"]
    direct = platform_ui.sql("SELECT COUNT(*) AS n FROM {raw}.pending_loads")[0]["n"]
    assert sum(row["loads"] for row in rows) == direct


def test_the_dashboard_has_a_card_per_tracked_symbol_with_the_mart_s_numbers(platform_ui):
    seen = platform_ui.get(f"{API}/dashboard/metrics").json()
    stats = platform_ui.sql("SELECT * FROM {marts}.market_stats_24h ORDER BY symbol")
    names = (
        "symbol",
        "last_price",
        "price_change_percent",
        "high_price",
        "low_price",
        "volume",
        "as_of",
        "trade_count",
    )
    assert [{name: card[name] for name in names} for card in seen["symbols"]] == told(stats, names)
    for card in seen["symbols"]:
        query = (
            "SELECT MAX(open_time) AS newest FROM {marts}.fact_klines "
            "WHERE symbol = %s AND interval_code = '1m' AND is_final = 1"
        )
        newest = platform_ui.sql(query, card["symbol"])[0]["newest"]
        assert card["final_until"] == plain(newest + timedelta(minutes=1))
        hours = "SELECT close_price FROM {marts}.hourly_klines WHERE symbol = %s ORDER BY hour_start DESC LIMIT 24"
        closes = [plain(row["close_price"]) for row in platform_ui.sql(hours, card["symbol"])][::-1]
        assert card["sparkline"] == closes[-len(card["sparkline"]) :]
        assert len(card["sparkline"]) >= 23
    loaded = platform_ui.sql("SELECT CAST(SUM(rows_staged) AS SIGNED) AS n FROM {raw}.loads")[0]["n"]
    assert seen["totals"]["rows_loaded_24h"] == loaded
    assert seen["totals"]["symbols"] == len(stats)


def test_sparklines_can_be_left_out(platform_ui):
    card = platform_ui.get(f"{API}/dashboard/metrics", sparklines=False).json()["symbols"][0]
    assert "sparkline" not in card


def test_a_list_comes_as_csv_and_as_parquet_with_the_same_digits(platform_ui):
    rows = platform_ui.get(f"{API}/revisions", **LONG_AGO).json()["data"]
    text = platform_ui.get(f"{API}/revisions", format="csv", **LONG_AGO)
    assert text.headers["content-type"].startswith("text/csv")
    read = list(csv.DictReader(io.StringIO(text.text)))
    assert [row["lost_close_price"] for row in read] == [row["lost_close_price"] for row in rows]
    parquet = platform_ui.get(f"{API}/revisions", format="parquet", **LONG_AGO)
    table = pyarrow.parquet.read_table(io.BytesIO(parquet.content)).to_pylist()
    assert [row["lost_close_price"] for row in table] == [Decimal(row["lost_close_price"]) for row in rows]


def test_every_column_of_a_table_is_described_as_the_warehouse_holds_it(platform_ui):
    held = platform_ui.sql(
        "SELECT DISTINCT column_name AS name, data_type AS type FROM information_schema.columns "
        "WHERE table_schema IN ('{raw}', '{marts}')"
    )
    kinds = {}
    for column in held:
        kinds.setdefault(column["name"], []).append(schemas._OF_KINDS.get(KINDS.get(column["type"])))
    described = columns_of_tables(platform_ui.get("api/openapi.json").json())
    # What is true or false is a number to both servers, in a view one of any size.
    known = [(path, name, schema) for path, name, schema in described if name in kinds and not name.startswith("is_")]

    assert len(known) > 200
    assert [(path, name) for path, name, schema in known if schema not in kinds[name]] == []


def test_the_same_again_costs_no_body(platform_ui):
    first = platform_ui.get(f"{API}/coverage", **LONG_AGO)
    again = platform_ui.client().get(
        f"/candlewick/{API}/coverage", params=LONG_AGO, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_a_dashboard_that_only_grew_older_costs_no_body(platform_ui):
    etag = platform_ui.get(f"{API}/dashboard/metrics").headers["etag"]
    for _ in range(2):  # with a full minute the budget of a host is another one, which is news
        again = platform_ui.client().get(f"/candlewick/{API}/dashboard/metrics", headers={"If-None-Match": etag})
        etag = again.headers["etag"]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "params", "sentence"),
    [
        ("gaps", {"status": "shut"}, "query.status"),
        ("gaps", {"cursor": "nonsense"}, "expected the `next` of a page of this list as cursor"),
        ("ingestion/logs", {"limit": 0}, "query.limit"),
        ("ingestion/logs", {"limit": 1001}, "query.limit"),
        ("ingestion/logs", {"from": "2024-06-02", "to": "2024-06-01"}, "expected from to lie before to"),
        ("coverage", {"from": "2024-06-02", "to": "2024-06-01"}, "expected from to be no later than to"),
        ("quality/beauty", {}, "path.rule"),
        ("revisions", {"interval": "one minute"}, "query.interval"),
        ("storage", {"store": "cellar"}, "query.store"),
    ],
)
def test_what_cannot_be_is_refused_as_a_problem_with_its_place(platform_ui, path, params, sentence):
    answer = platform_ui.get(f"{API}/{path}", **params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


PATHS = [
    *LISTS, "ingestion/outcomes", "deduplication/totals", "coverage/summary", "gaps/counts", "reconciliation/summary", "quality",
    "quality/price_jump", "storage", "weights", "weights/minutes", "pipeline/status", "pipeline/queues", "dashboard/metrics",
    "metrics", "stream",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_a_login(platform_ui, path):
    answer = platform_ui.get(f"{API}/{path}", user=None)
    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("path", [path for path in PATHS if path != "stream"])
def test_who_may_read_in_airflow_may_read_here(platform_ui, path):
    assert platform_ui.get(f"{API}/{path}", user="viewer").status_code == 200


def test_days_are_asked_for_by_date(platform_ui):
    day = date.fromisoformat(platform_ui.get(f"{API}/coverage", **LONG_AGO).json()["data"][-1]["date"])
    rows = platform_ui.get(f"{API}/coverage", **{"from": day.isoformat(), "to": day.isoformat()}).json()["data"]
    assert {row["date"] for row in rows} == {day.isoformat()}
