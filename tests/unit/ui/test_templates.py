"""The templates by themselves: every state of a page can be written, and none brings a script of its own along."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from candlewick_ui.jobs.listing import Job, Run
from candlewick_ui.pages import frame, market, operations
from support.html_page import Page

NOON = datetime(2026, 3, 1, 12)
ROW = {
    "symbol": "BTCUSDT", "symbol_status": "TRADING", "last_price": Decimal("64123.50000000"), "price_change": Decimal(-3),
    "price_change_percent": Decimal("-0.1"), "open_price": Decimal(64000), "high_price": Decimal(65000), "low_price": Decimal(63000),
    "volume": Decimal(12), "quote_volume": Decimal(770000), "trade_count": 99, "candle_count": 1440, "as_of": NOON,
    "is_final": True, "final_until": NOON, "is_stale": False,
}  # fmt: skip


def written(template, **values) -> Page:
    """Write a template of the app at /air/candlewick."""
    shared = {
        "base": "/air/candlewick", "airflow": "/air", "static": str, "navigation": frame.NAVIGATION, "here": "market",
        "user_name": "admin",
    }  # fmt: skip
    return Page(frame._environment().get_template(template).render(shared | values))


def cards(*rows, building=None) -> Page:
    drawn = [market.card(row, []) for row in rows]
    return written("market_cards.html", cards=drawn, order="symbol", exchange="binance", building=building)


@pytest.mark.parametrize("template", sorted(path.name for path in frame.TEMPLATES.glob("*.html")))
def test_no_template_has_a_script_a_style_or_a_handler_in_it(template):
    text = (frame.TEMPLATES / template).read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text)


def test_without_a_symbol_the_market_says_where_one_is_added():
    links = cards().attribute("a", "href")
    assert links == ["/air/candlewick/settings", "/air/dags/market_minute"]


def test_while_dbt_has_built_nothing_the_market_says_so():
    assert "market_stats_24h is missing" in cards(building="market_stats_24h is missing").texts("div", "empty")[0]


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({}, "good", "fresh"),
        ({"is_stale": True}, "bad", "late"),
        ({"symbol_status": None}, "good", "fresh"),
        ({"symbol_status": "HALT"}, "warning", "HALT"),
        ({"symbol_status": "NOT_LISTED"}, "warning", "NOT LISTED"),
        ({"last_price": None, "as_of": None, "price_change": None}, "warning", "no data yet"),
    ],
)
def test_a_card_says_how_its_symbol_is(changed, kind, said):
    assert cards(ROW | changed).texts("span", kind) == [said]


def test_a_table_of_data_that_is_not_built_names_who_builds_it():
    page = written("data_not_built.html", sections=[frame.Entry("data", "Coverage")], section="data")
    assert "/air/dags/market_hourly" in page.attribute("a", "href")


def run(number: int, state: str = "running", **conf) -> Run:
    moment = datetime(2026, 3, 1, 12, number, tzinfo=UTC)
    return Run(
        run_id=f"manual__{number}", state=state, run_type="manual", triggered_by="admin", run_after=moment, queued_at=moment,
        started_at=moment, ended_at=None, seconds=None, conf=conf,
    )  # fmt: skip


def job(**changed) -> Job:
    schedule = {"cron": "20 * * * *", "default": "20 * * * *", "is_changed": False, "problem": ""}
    known = {
        "dag_id": "market_gaps", "description": None, "is_paused": False, "has_import_errors": False, "current_schedule": None,
        "next_run_after": None, "last_runs": [], "may_trigger": True, "may_edit": True, "page": "/dags/market_gaps",
    }  # fmt: skip
    return Job.model_validate(known | {"schedule": schedule} | changed)


def runs_of_a_job(*runs: Run) -> Page:
    return written(
        "operations_job.html", job=job(), runs=runs, fields=[], may_cancel=True, show_run=operations.run_state
    )


def test_the_button_that_ends_a_run_keeps_its_id_when_another_run_comes():
    def ends(page):
        return {one.attributes["id"]: one.attributes["aria-label"] for one in page.elements if "danger" in str(one.attributes.get("class"))}  # fmt: skip

    before, after = ends(runs_of_a_job(run(1))), ends(runs_of_a_job(run(2), run(1)))
    assert before.items() <= after.items()
    assert len(after) == 2


def test_params_of_a_run_are_written_as_they_were_given():
    page = runs_of_a_job(run(1, folder="R&D's <años>"))
    assert '"folder": "R&D\'s <años>"' in page.texts("pre")[0]


def test_runs_are_told_apart_by_those_who_do_not_see_them():
    listed = [run(2, "success"), run(1, "success")]
    page = written(
        "operations.html", jobs=[job(last_runs=listed)], backfill=None, fields=None, backfills=[], waiting=[], may_cancel=True,
        show_run=operations.run_state, show_backfill=operations.BACKFILL_STATE,
    )  # fmt: skip
    labels = [one for one in page.attribute("a", "aria-label") if one.startswith("success")]
    assert labels == ["success, run of 2026-03-01 12:02 UTC", "success, run of 2026-03-01 12:01 UTC"]


def test_who_may_not_see_runs_sees_the_job_all_the_same():
    page = written(
        "operations_job.html", job=job(), runs=None, fields=[], may_cancel=False, show_run=operations.run_state
    )
    assert "Not shown: it needs the right to see the runs of market_gaps." in page.texts("p", "info")


def test_a_backfill_that_waits_can_be_stopped():
    page = written(
        "operations.html", jobs=[], backfill=None, fields=None, backfills=[], waiting=[run(1, "queued")], may_cancel=True,
        show_run=operations.run_state, show_backfill=operations.BACKFILL_STATE,
    )  # fmt: skip
    assert page.attribute("form", "data-path") == ["/api/v1/jobs/market_backfill/runs/manual__1/cancel"]
    assert page.attribute("button", "aria-label") == ["Stop the backfill manual__1"]


def test_the_button_that_stops_a_backfill_says_which():
    row = {
        "run_id": "manual__1", "backfill_id": 1, "symbols": "BTCUSDT,ETHUSDT", "interval_code": "1m", "from_time": NOON,
        "to_time": NOON + timedelta(days=1), "source": "rest", "shown_state": "running", "is_at_work": True, "part_count": 2,
        "finished_parts": 1, "missing_parts": 0, "failed_parts": 0, "rows_loaded": 1, "rows_per_second": Decimal(1),
        "eta_seconds": 60, "requested_at": NOON, "is_planned": True,
    }  # fmt: skip
    page = written(
        "operations.html", jobs=[], backfill=None, fields=None, backfills=[row], waiting=[], may_cancel=True,
        show_run=operations.run_state, show_backfill=operations.BACKFILL_STATE,
    )  # fmt: skip
    assert "Stop the backfill of BTCUSDT, ETHUSDT from 2026-03-01" in page.attribute("button", "aria-label")
    assert len([one for one in page.attribute("time", "datetime") if "T12:00" in one]) == 3
