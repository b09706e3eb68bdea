"""The pages about the data's health say what the warehouse says."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from markupsafe import Markup

from candlewick.warehouse.database import utc_now
from candlewick_ui.pages.tables import size
from candlewick_ui.pages.text import NOTHING
from candlewick_ui.queries import quality
from support.html_page import Page, opened

PARTS = ("data", "data/gaps", "data/revisions", "data/reconciliation", "data/quality", "data/ingestion", "data/deduplication",
         "data/weight", "data/storage", "data/pipeline")  # fmt: skip


DAYS = [("data", "last")] + [
    (f"data/{part}", name)
    for part in ("gaps", "revisions", "reconciliation", "ingestion", "deduplication")
    for name in ("start", "end")
]


def tabs(page: Page) -> list[tuple[str, bool]]:
    """The parts of Data a page leads to, and which of them it is."""
    links = [one for one in page.elements if one.tag == "a" and "/candlewick/data" in str(one.attributes.get("href"))]
    parts = {str(one.attributes["href"]): "aria-current" in one.attributes for one in links}
    return [(href, is_here) for href, is_here in parts.items() if "?" not in href]


@pytest.mark.parametrize("path", PARTS)
def test_every_part_opens_and_knows_where_it_is(platform_ui, path):
    page = opened(platform_ui, path)
    current = [one.text for one in page.elements if one.tag == "a" and one.attributes.get("aria-current") == "page"]
    assert current[0] == "Data"
    assert len(current) == 2


@pytest.mark.parametrize("path", PARTS)
def test_without_a_login_every_part_leads_to_the_login(platform_ui, path):
    answer = platform_ui.get(path, user=None)
    assert answer.status_code in (302, 303, 307)
    assert "login" in answer.headers["location"]


@pytest.mark.parametrize("path", PARTS)
def test_a_form_can_be_sent_with_nothing_in_it_and_with_each_of_its_choices(platform_ui, path):
    fields = opened(platform_ui, path).filters()
    assert fields or path == "data/weight"
    opened(platform_ui, path, **dict.fromkeys(fields, ""))
    for name, choices in fields.items():
        for chosen in choices:
            opened(platform_ui, path, **{name: chosen})


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize(("path", "name"), DAYS)
def test_a_day_at_the_end_of_the_calendar_is_shown_or_refused(platform_ui, path, name, day):
    answer = platform_ui.get(path, **{name: day})
    assert answer.status_code in (200, 422), answer.text[:2000]
    assert Page(answer.text).filters()


@pytest.mark.parametrize("path", PARTS)
def test_a_field_of_days_offers_those_there_can_be(platform_ui, path):
    fields = {
        (path, str(one.attributes["name"])): (one.attributes.get("min"), one.attributes.get("max"))
        for one in opened(platform_ui, path).elements
        if one.attributes.get("type") == "date"
    }
    limits = ("2017-07-01", f"{utc_now().date()}")
    assert fields == {day: limits for day in DAYS if day[0] == path}


@pytest.mark.parametrize(
    ("path", "given", "sentence"),
    [
        ("data", {"days": "1000"}, "Days: expected a whole number from 1 to 92, got '1000'; correct it"),
        ("data", {"last": "tomorrow"}, "Last day (UTC): expected a day such as 2026-03-14, got 'tomorrow'; correct it"),
        ("data/gaps", {"symbol": "X" * 51}, "Symbol, whole: expected at most 50 characters, got"),
        ("data/revisions", {"interval": "7m"}, "Interval: expected one of 1m, "),
        ("data/quality", {"rule": "taste"}, "List the violations of: expected one of crossed_book, "),
        ("data/storage", {"store": "attic"}, "Store: expected one of raw, "),
        ("data/pipeline", {"severity": "loud"}, "Severity: expected one of "),
    ],
)
def test_an_input_that_cannot_be_is_told_in_its_place(platform_ui, path, given, sentence):
    kept = {"symbol": "ETHUSDT"} if "symbol" not in given and path not in ("data/quality", "data/storage") else {}
    answer = platform_ui.get(path, **given, **kept)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.texts("div", "error")[0].startswith(sentence)
    assert tabs(page) == tabs(opened(platform_ui, path))
    assert page.texts("span", "user") == ["admin"]
    assert page.filters().keys() == opened(platform_ui, path).filters().keys()
    (name,) = given
    assert page.one(f"filter-{name}").attributes["aria-invalid"] == "true"
    for field, value in {**given, **kept}.items():
        if page.one(f"filter-{field}").tag == "input":
            assert page.one(f"filter-{field}").attributes["value"] == value


@pytest.mark.parametrize("path", [path for path, name in DAYS if name == "start"])
def test_a_span_that_ends_before_it_begins_is_refused_with_the_form_as_it_was(platform_ui, path):
    answer = platform_ui.get(path, start="2026-03-02", end="2026-03-01")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.texts("div", "error")[0].startswith(
        "expected from to be no later than to, got 2026-03-02 and 2026-03-01"
    )
    assert [page.one(f"filter-{name}").attributes["value"] for name in ("start", "end")] == ["2026-03-02", "2026-03-01"]
    assert tabs(page) == tabs(opened(platform_ui, path))


@pytest.fixture
def unbuilt(platform_ui):
    """A mart dbt has not built yet."""
    platform_ui.sql("RENAME TABLE coverage_daily TO coverage_daily_of_later")
    yield
    platform_ui.sql("RENAME TABLE coverage_daily_of_later TO coverage_daily")


def test_a_part_whose_table_is_not_built_says_who_builds_it(platform_ui, unbuilt):
    page = opened(platform_ui, "data")
    assert page.texts("div", "info")[0].startswith("Not built yet")
    assert "/dags/market_hourly" in page.attribute("a", "href")


def test_the_calendar_says_how_many_minutes_of_each_day_are_there(platform_ui):
    page = opened(platform_ui, "data")
    said = {
        one.attributes["title"]
        for one in page.elements
        if "cell" in (one.attributes.get("class") or "") and one.attributes.get("title")
    }
    rows = platform_ui.sql(
        "SELECT symbol, date, present_minutes, expected_minutes, explained_minutes, unexplained_minutes, counted_at FROM coverage_daily "
        "WHERE date > %s", utc_now().date() - timedelta(days=31)
    )  # fmt: skip
    assert rows
    assert said == {
        f"{row['symbol']} {row['date']}: {row['present_minutes']} of {row['expected_minutes']} minutes, "
        f"{row['explained_minutes']} explained, {row['unexplained_minutes']} unexplained{of_a_part(row)}; "
        f"counted {row['counted_at']:%Y-%m-%d %H:%M} UTC"
        for row in rows
    }
    newest = max(row["counted_at"] for row in rows)
    assert f"{newest:%Y-%m-%dT%H:%M:%SZ}" in page.attribute("time", "datetime")


def of_a_part(row) -> str:
    """What the calendar says of a day of which less than the whole is expected."""
    if not 0 < row["expected_minutes"] < 1440:
        return ""
    is_over = row["counted_at"].date() > row["date"]
    return "; the rest of the day is not expected" if is_over else "; the day was not over yet"


def test_a_day_that_is_expected_in_part_looks_different_from_a_complete_one(platform_ui):
    page = opened(platform_ui, "data")
    parts = platform_ui.sql(
        "SELECT symbol, date FROM coverage_daily WHERE expected_minutes BETWEEN 1 AND 1439 AND date > %s",
        utc_now().date() - timedelta(days=31),
    )
    cells = [
        one for one in page.elements if "cell" in (one.attributes.get("class") or "") and "title" in one.attributes
    ]
    marked = {
        tuple(str(one.attributes["title"]).split(":")[0].split())
        for one in cells
        if "part" in str(one.attributes["class"]).split()
    }
    assert marked == {(row["symbol"], f"{row['date']}") for row in parts} != set()


def test_the_calendar_shows_the_symbols_that_were_looked_for(platform_ui):
    page = opened(platform_ui, "data", symbol="eth", days=3)
    assert [row["Symbol"] for row in page.tables[0].rows] == ["ETHUSDT"]
    assert len(page.tables[0].headings) == 4
    assert opened(platform_ui, "data", symbol="no%such_").texts("p", "empty")


def test_the_gap_ledger_has_every_gap_with_its_reason(platform_ui):
    page = opened(platform_ui, "data/gaps", data_type="klines")
    found = platform_ui.sql(
        "SELECT symbol, minutes, reason, status FROM {raw}.gap_ledger WHERE data_type = 'klines' ORDER BY gap_id DESC LIMIT 50"
    )
    assert found
    assert [(row["Symbol"], row["Minutes"], row["Reason"], row["Status"]) for row in page.table("Gaps")] == [
        (row["symbol"], f"{row['minutes']:,}", row["reason"].replace("_", " "), row["status"]) for row in found
    ]


def test_a_filter_of_gaps_stands_in_the_form_and_counts(platform_ui):
    page = opened(platform_ui, "data/gaps", reason="exchange_outage", symbol="BTCUSDT", status="")
    assert {row["Reason"] for row in page.table("Gaps")} == {"exchange outage"}
    assert {row["Symbol"] for row in page.table("Gaps")} == {"BTCUSDT"}
    assert page.one("filter-symbol").attributes["value"] == "BTCUSDT"
    assert opened(platform_ui, "data/gaps", symbol="btcusdt").table("Gaps")
    assert opened(platform_ui, "data/gaps", symbol="NOBODY").texts("p", "empty")[-1] == "No gap is like that."


def test_the_log_of_requests_is_leafed_through_to_its_end(platform_ui):
    seen, link, pages = [], None, 0
    total = platform_ui.sql(
        "SELECT COUNT(*) AS n FROM {raw}.extraction_outcomes WHERE captured_at >= %s",
        utc_now().date() - timedelta(days=1),
    )
    while pages < 50:
        page = Page(platform_ui.client().get(f"/candlewick/data/ingestion{link or ''}").text)
        seen += [(row["Captured"], row["Object"], row["Symbol"], row["Data"]) for row in page.table("Requests")]
        pages += 1
        older = [
            one.attributes["href"] for one in page.elements if one.tag == "a" and one.attributes.get("rel") == "next"
        ]
        if not older:
            break
        link = older[0]
    assert len(seen) == total[0]["n"]
    assert seen == sorted(seen, key=lambda row: row[0], reverse=True)
    assert pages > 1


def test_failed_requests_can_be_had_alone(platform_ui):
    page = opened(platform_ui, "data/ingestion", status="failed")
    failed = platform_ui.sql("SELECT error_message FROM {raw}.extraction_outcomes WHERE status = 'failed'")
    assert sorted(row["Failure"] for row in page.table("Requests")) == sorted(row["error_message"] for row in failed)
    assert failed


def test_a_revision_names_what_changed(platform_ui):
    page = opened(platform_ui, "data/revisions")
    rows = platform_ui.sql(
        "SELECT symbol, lost_close_price, kept_close_price FROM kline_revisions WHERE lost_close_price <> kept_close_price"
    )
    assert rows
    told = [row["What changed"] for row in page.table("Revisions")]
    assert len(told) == platform_ui.sql("SELECT COUNT(*) AS n FROM kline_revisions")[0]["n"]
    for row in rows:
        lost, kept = (f"{row[name]:,.8f}".rstrip("0").rstrip(".") for name in ("lost_close_price", "kept_close_price"))
        assert any(f"close price {lost} → {kept}" in one for one in told)


def test_reconciliation_sums_up_what_agrees(platform_ui):
    page = opened(platform_ui, "data/reconciliation")
    sums = platform_ui.sql(
        "SELECT check_name, SUM(match_count) AS n, SUM(unexplained_count) AS bad FROM reconciliation_daily GROUP BY check_name ORDER BY check_name"
    )
    assert sums
    assert [(row["Check"], row["Agree"], row["Unexplained"]) for row in page.table("Sums by check")] == [
        (row["check_name"], f"{row['n']:,}", f"{row['bad']:,}") for row in sums
    ]


def test_every_quality_rule_is_listed_and_its_violations_can_be_seen(platform_ui):
    page = opened(platform_ui, "data/quality")
    rules = platform_ui.sql("SELECT rule_name, violations FROM quality_summary")
    assert {row["Rule"]: row["Violations"] for row in page.table("Rules")} == {
        row["rule_name"]: str(row["violations"]) for row in rules
    }
    broken = next(row["rule_name"] for row in rules if row["violations"])
    assert opened(platform_ui, "data/quality", rule=broken).table(f"Violations of {broken}")


def test_only_a_rule_that_found_something_is_marked_as_bad(platform_ui):
    page = opened(platform_ui, "data/quality")
    rules = platform_ui.sql("SELECT severity, violations FROM quality_summary")
    for kind, severity in (("bad", "error"), ("warning", "warn")):
        found = [row["violations"] for row in rules if row["severity"] == severity and row["violations"]]
        assert sorted(page.texts("span", kind)) == sorted(f"{number:,}" for number in found)
    assert page.texts("span", "good") == ["0"] * len([row for row in rules if not row["violations"]])
    assert len(page.texts("span", "good")) > 1


def test_a_rule_leads_to_its_model_in_the_dbt_docs(platform_ui):
    manifest = json.loads((platform_ui.config.home / "dbt" / "manifest.json").read_text())
    links = [href.partition("#!/model/")[2] for href in opened(platform_ui, "data/quality").attribute("a", "href")]
    models = [model for model in links if model]
    assert len(models) == len(quality.Rule)
    assert set(models) <= manifest["nodes"].keys()


def test_what_was_received_is_kept_rejected_or_replaced(platform_ui):
    page = opened(platform_ui, "data/deduplication")
    (day, *_) = platform_ui.sql(
        "SELECT date, SUM(rows_received) AS n, SUM(rows_kept) AS kept FROM deduplication_daily GROUP BY date ORDER BY date DESC"
    )
    first = page.table("Sums of each day")[0]
    assert (first["Day of load"], first["Received"], first["Kept"]) == (
        str(day["date"]),
        f"{day['n']:,}",
        f"{day['kept']:,}",
    )


def test_the_weight_of_every_host_is_shown(platform_ui):
    page = opened(platform_ui, "data/weight")
    hosts = platform_ui.sql("SELECT host, weight_limit FROM {raw}.host_state ORDER BY host")
    assert hosts
    assert [(row["Host"], row["The exchange allows"]) for row in page.table("Hosts")] == [
        (row["host"], f"{row['weight_limit']:,}" if row["weight_limit"] else NOTHING) for row in hosts
    ]


def test_the_largest_tables_and_their_sizes_are_shown(platform_ui):
    page = opened(platform_ui, "data/storage", store="warehouse")
    shown = {row["What"]: row["Size"] for row in page.table("Now, store by store")}
    for name in (f"{platform_ui.marts}.fact_klines", "(all)"):
        [row] = platform_ui.sql(
            "SELECT byte_count FROM storage_health WHERE store = 'warehouse' AND name = %s ORDER BY date DESC LIMIT 1",
            name,
        )
        assert shown[name] == Markup(size(row["byte_count"])).striptags()  # noqa: S704 -- our own


def test_a_growth_that_is_not_known_says_what_it_needs(platform_ui):
    shown = opened(platform_ui, "data/storage").table("The sums, day by day")
    rows = platform_ui.sql(
        "SELECT growth_bytes_per_day FROM storage_health WHERE name = '(all)' ORDER BY date DESC, store, byte_count DESC"
    )
    told = [
        "needs two days"
        if row["growth_bytes_per_day"] is None
        else Markup(size(row["growth_bytes_per_day"])).striptags()  # noqa: S704 -- our own
        for row in rows
    ]
    assert "needs two days" in told
    assert [row["Growth a day"] for row in shown] == told


@pytest.fixture
def alert(platform_ui):
    """An alert nobody has been told of."""
    platform_ui.sql(
        "INSERT INTO {raw}.pipeline_events (occurred_at, kind, severity, subject, message) "
        "VALUES (UTC_TIMESTAMP(3), 'task_failed', 'error', 'market_hourly', 'of a test of pages')"
    )
    yield "of a test of pages"
    platform_ui.sql("DELETE FROM {raw}.pipeline_events WHERE message = 'of a test of pages'")


def test_every_series_and_alert_of_the_pipeline_is_shown(platform_ui, alert):
    page = opened(platform_ui, "data/pipeline")
    series = platform_ui.sql("SELECT symbol FROM pipeline_status")
    assert len(page.table("Series")) == len(series) > 0
    events = platform_ui.sql("SELECT kind, message FROM {raw}.pipeline_events ORDER BY event_id DESC LIMIT 50")
    assert [(row["Kind"], row["Message"]) for row in page.table("Alerts")] == [
        (row["kind"], row["message"]) for row in events
    ]
    assert alert in [row["message"] for row in events]


@pytest.fixture
def alerts(platform_ui):
    """More alerts than a page has."""
    values = ", ".join(["(UTC_TIMESTAMP(3), 'room_again', 'info', 'x', 'of a test of leafing')"] * 60)
    platform_ui.sql(
        f"INSERT INTO {{raw}}.pipeline_events (occurred_at, kind, severity, subject, message) VALUES {values}"
    )
    yield
    platform_ui.sql("DELETE FROM {raw}.pipeline_events WHERE message = 'of a test of leafing'")


def test_what_is_said_before_a_list_stands_on_its_first_page_alone(platform_ui, alerts):
    first = opened(platform_ui, "data/pipeline")
    [older] = [one.attributes["href"] for one in first.elements if one.attributes.get("rel") == "next"]
    second = Page(platform_ui.client().get(f"/candlewick/data/pipeline{older}").text)
    assert first.tables[0].caption == "Series"
    assert [table.caption for table in second.tables] == ["Alerts"]


def test_a_cursor_nobody_gave_is_refused_with_a_sentence(platform_ui):
    answer = platform_ui.get("data/gaps", cursor="nonsense")
    assert answer.status_code == 422
    assert re.search("cursor", answer.text)
