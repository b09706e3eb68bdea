"""What people change on the pages, in a browser: each change is made, said, and written down."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

expect.set_options(timeout=30_000)


def audit(platform_ui, event):
    return platform_ui.server.metadata("SELECT * FROM log WHERE event = ? ORDER BY id DESC", f"candlewick_{event}")


def test_a_job_is_paused_and_resumed(visit, platform_ui):
    page = visit("operations").page
    row = page.locator("#jobs tr", has_text="market_reconcile")
    row.get_by_role("button", name="Pause market_reconcile").click()
    expect(row.get_by_text("paused", exact=True).first).to_be_visible()
    expect(page.locator("#jobs-outcome")).to_contain_text("market_reconcile is paused")
    assert platform_ui.server.metadata("SELECT is_paused FROM dag WHERE dag_id = 'market_reconcile'") == [
        {"is_paused": 1}
    ]
    row.get_by_role("button", name="Resume market_reconcile").click()
    expect(row.get_by_role("button", name="Pause market_reconcile")).to_be_visible()
    assert platform_ui.server.metadata("SELECT is_paused FROM dag WHERE dag_id = 'market_reconcile'") == [
        {"is_paused": 0}
    ]
    assert audit(platform_ui, "unpause_dag")[0]["owner"] == "admin"


def test_a_run_is_started_with_params_and_ended(visit, platform_ui):
    page = visit("operations/market_gaps").page
    page.get_by_label("Symbols").fill("BTCUSDT\nETHUSDT")
    page.get_by_label("All of history").check()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#job-outcome")).to_contain_text("Queued")
    first = page.locator("#runs tbody tr").first
    expect(first).to_contain_text("by admin")
    of_gaps = "SELECT run_id, conf, state FROM dag_run WHERE dag_id = 'market_gaps' ORDER BY id DESC LIMIT 1"
    (run,) = platform_ui.server.metadata(of_gaps)
    assert run["state"] == "queued"
    expect(first).to_contain_text(run["run_id"])
    assert {"symbols": ["BTCUSDT", "ETHUSDT"], "full": True}.items() <= json.loads(run["conf"]).items()
    first.get_by_role("button", name=f"End the run {run['run_id']}", exact=True).click()
    first.get_by_role("button", name=f"Really end it? End the run {run['run_id']}", exact=True).click()
    expect(first.get_by_text("stopped", exact=True)).to_be_visible()  # Airflow has no such state
    expect(first.get_by_role("cell", name="stopped by admin")).to_be_visible()
    expect(page.locator("#job-outcome")).to_be_focused()
    assert platform_ui.server.metadata(of_gaps)[0] == {**run, "state": "failed"}


@pytest.fixture
def queued_run(platform_ui):
    """A run that waits, since nothing here runs them."""
    runs = "/candlewick/api/v1/jobs/market_gaps/runs"
    client = platform_ui.client()
    run_id = client.post(runs, json={"conf": {"symbols": ["BTCUSDT"]}}).raise_for_status().json()["run_id"]
    yield run_id
    client.post(f"{runs}/{run_id}/cancel")


def test_what_a_reader_opened_scrolled_and_focused_stays_so_while_the_page_asks_again(visit, platform_ui, queued_run):
    page = visit("operations/market_gaps", width=390, prepare=lambda page: page.clock.install()).page
    page.locator(f"[id='open-{queued_run}']").click()
    page.locator("#runs .table").evaluate("box => { box.scrollLeft = 40; }")
    runs = "/candlewick/api/v1/jobs/market_gaps/runs"
    other = platform_ui.client().post(runs, json={"conf": {}}).raise_for_status().json()["run_id"]
    try:
        page.clock.fast_forward(6_000)
        expect(page.locator("#runs")).to_contain_text(other)
        expect(page.locator(f"[id='params-{queued_run}'] pre")).to_be_visible()
        expect(page.locator(f"[id='open-{queued_run}']")).to_be_focused()
        assert page.locator("#runs .table").evaluate("box => box.scrollLeft") == 40
    finally:
        platform_ui.client().post(f"{runs}/{other}/cancel")


def test_a_change_that_was_made_is_said_to_be_made_when_the_page_cannot_be_had_anew(visit, platform_ui, queued_run):
    page = visit("operations/market_gaps", forgiven=("503",)).page
    row = page.locator("#runs tbody tr", has_text=queued_run)
    row.get_by_role("button", name="End the run").click()
    page.route("**/operations/market_gaps", lambda route: route.fulfill(status=503, body="busy"))
    row.get_by_role("button", name="Really end it?").click()
    expect(page.locator("#job-outcome")).to_contain_text("The run is ended.")
    expect(page.locator("#stale")).to_contain_text("may be old")
    expect(page.locator("#job-outcome")).to_contain_text("The run is ended.")


def test_params_that_cannot_be_are_refused_with_the_servers_sentence(visit):
    page = visit("operations/market_gaps", forgiven=("422",)).page
    page.get_by_label("Symbols").fill("not/a/symbol")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#job-outcome")).to_have_attribute("role", "alert")
    expect(page.locator("#job-outcome")).to_contain_text("expected symbols[0] of market_gaps to be as")


def test_a_schedule_is_changed_and_taken_back(visit, platform_ui):
    before = len(audit(platform_ui, "change_schedule"))
    page = visit("operations/market_maintenance").page
    page.get_by_text("Change the schedule").click()
    field = page.locator("#cron")
    field.fill("30 3 * * 1")
    page.get_by_role("button", name="Store").click()
    expect(page.locator("#job-outcome")).to_contain_text("Stored")
    expect(page.locator("#job dd").nth(1)).to_contain_text("30 3 * * 1")
    field.fill("")
    page.get_by_role("button", name="Store").click()
    expect(page.locator("#job dd").nth(1)).not_to_contain_text("30 3 * * 1")
    expect(page.locator("#job dd").nth(1)).to_contain_text("0 2 * * 0")
    assert len(audit(platform_ui, "change_schedule")) == before + 2


def test_a_schedule_that_is_none_is_refused(visit):
    page = visit("operations/market_maintenance", forgiven=("422",)).page
    page.get_by_text("Change the schedule").click()
    page.locator("#cron").fill("every day")
    page.get_by_role("button", name="Store").click()
    expect(page.locator("#job-outcome")).to_contain_text("expected a cron expression")


def test_history_is_asked_for_and_shown_as_waiting(visit, platform_ui):
    page = visit("operations").page
    page.locator("summary", has_text="Bring history").click()
    page.get_by_label("Symbols").fill("ETHUSDT")
    page.locator("#bring-history").click()
    expect(page.locator("#backfill-outcome")).to_contain_text("Queued")
    expect(page.locator("#backfills")).to_contain_text("not planned yet")
    (run,) = platform_ui.server.metadata(
        "SELECT run_id, conf FROM dag_run WHERE dag_id = 'market_backfill' AND state = 'queued' ORDER BY id DESC LIMIT 1"
    )
    conf = json.loads(run["conf"])
    assert conf["symbols"] == ["ETHUSDT"]
    assert conf["source"] == "auto"
    stop = f"Stop the backfill {run['run_id']}"
    page.locator("#backfills").get_by_role("button", name=stop, exact=True).click()
    page.locator("#backfills").get_by_role("button", name=f"Really stop? {stop}", exact=True).click()
    expect(page.locator("#backfill-outcome")).to_contain_text("Stopped")
    expect(page.locator("#backfills")).not_to_contain_text(run["run_id"])


@pytest.fixture
def solana(platform_ui):
    """SOLUSDT as before: not tracked, not known."""
    yield
    with platform_ui.database.cursor() as cursor:
        cursor.execute(f"DELETE FROM {platform_ui.raw}.tracked_symbols WHERE symbol = 'SOLUSDT'")


@pytest.mark.usefixtures("solana")
def test_a_symbol_is_tracked_its_history_offered_and_it_is_removed(visit, platform_ui):
    known = "SELECT active FROM {raw}.tracked_symbols WHERE symbol = 'SOLUSDT'"
    page = visit("settings").page
    page.get_by_label("Symbol, as the exchange writes it").fill("solusdt")
    page.get_by_role("button", name="Track", exact=True).first.click()
    expect(page.locator("#symbols-outcome")).to_contain_text("Tracked from the next minute on")
    expect(page.locator("#tracked")).to_contain_text("SOLUSDT")
    expect(page.get_by_text("Load the history of SOLUSDT as well?")).to_be_visible()
    assert platform_ui.sql(known) == [{"active": 1}]
    page.get_by_role("button", name="Load history").click()
    expect(page.locator("#load-history")).to_be_hidden()
    expect(page.locator("#symbols-outcome")).to_contain_text("History is on its way")
    (run,) = platform_ui.server.metadata(
        "SELECT run_id, conf FROM dag_run WHERE dag_id = 'market_backfill' ORDER BY id DESC LIMIT 1"
    )
    assert json.loads(run["conf"])["symbols"] == ["SOLUSDT"]
    platform_ui.client().post(f"/candlewick/api/v1/jobs/market_backfill/runs/{run['run_id']}/cancel").raise_for_status()
    row = page.locator("#tracked tr", has_text="SOLUSDT")
    row.get_by_role("button", name="Stop tracking SOLUSDT").click()
    row.get_by_role("button", name="Really stop? Stop tracking SOLUSDT", exact=True).click()
    expect(page.locator("#symbols-outcome")).to_contain_text("no longer tracked")
    expect(page.locator("#others")).to_contain_text("SOLUSDT")
    assert platform_ui.sql(known) == [{"active": 0}]


def test_a_symbol_the_exchange_does_not_know_is_refused(visit):
    page = visit("settings", forgiven=("422",)).page
    page.get_by_label("Symbol, as the exchange writes it").fill("NOSUCHCOIN")
    page.get_by_role("button", name="Track", exact=True).first.click()
    expect(page.locator("#symbols-outcome")).to_contain_text("expected a symbol the exchange knows")


def test_one_press_of_a_button_that_asks_changes_nothing(visit, platform_ui):
    page = visit("settings").page
    page.get_by_role("button", name="Stop tracking BTCUSDT").click()
    expect(page.get_by_text("Really stop?")).to_be_visible()
    assert platform_ui.sql("SELECT active FROM {raw}.tracked_symbols WHERE symbol = 'BTCUSDT'") == [{"active": 1}]


@pytest.mark.parametrize("path", ["operations", "operations/market_gaps", "settings"])
def test_a_viewer_is_offered_no_change(visit, path):
    page = visit(path, user="viewer").page
    assert page.locator("form[data-path]").count() == 0
    assert page.locator("h1").count() == 1
