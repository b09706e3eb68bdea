"""A backfill that is asked for again brings only what is missing or was published again."""

from __future__ import annotations

from datetime import datetime

TWO_DAYS = {"start": "2024-05-29", "end": "2024-05-30"}
BY_DAY = [("archive_daily", "done", 1440)] * 2


def test_a_re_run_asks_for_checksums_only_and_loads_nothing(backfilling, merge):
    backfilling.run(**TWO_DAYS)
    merge()
    backfilling.asked()

    assert backfilling.run(**TWO_DAYS) == [("archive_daily", "unchanged", 0)] * 2
    assert len(backfilling.asked()) == 2
    assert backfilling.run(**TWO_DAYS, source="rest") == [("rest", "unchanged", 0)]
    assert backfilling.asked() == []
    assert backfilling.run(**TWO_DAYS, force=True) == BY_DAY
    assert backfilling.run(**TWO_DAYS, force=True, source="rest") == [("rest", "done", 2880)]
    assert backfilling.ask("SELECT COUNT(*) FROM loads") == [(5,)]


def test_rest_asks_only_for_what_is_missing_also_before_dbt_has_merged(backfilling):
    backfilling.run(start="2024-05-29T01:00:00Z", end="2024-05-29T02:00:00Z", source="rest")
    backfilling.asked()
    parts = backfilling.run(start="2024-05-29T00:00:00Z", end="2024-05-30T12:00:00Z", source="rest")

    assert parts == [("rest", "done", 36 * 60)]
    asked = backfilling.ask(
        "SELECT first_open_time, row_count FROM extraction_outcomes ORDER BY outcome_id DESC LIMIT 3"
    )
    assert min(asked) == (datetime(2024, 5, 29), 1000)
    assert backfilling.run(start="2024-05-29", end="2024-05-29", source="rest") == [("rest", "unchanged", 0)]


def test_a_file_that_was_published_again_is_the_only_one_loaded_again_and_the_loser_is_kept(backfilling, merge, market):
    merge()
    backfilling.run(**TWO_DAYS)
    before = backfilling.facts()
    market.add_faults({"kind": "republished", "path": "2024-05-30"})

    assert backfilling.run(**TWO_DAYS) == [("archive_daily", "unchanged", 0), BY_DAY[0]]
    merge()
    changed = [new for old, new in zip(before, backfilling.facts(), strict=True) if old != new]
    revisions = backfilling.ask("SELECT open_time, lost_source, kept_source FROM kline_revisions")
    assert len(changed) == 1
    assert revisions == [(changed[0][0], "archive_daily", "archive_daily")]


def test_candles_that_are_gone_are_loaded_again_from_an_unchanged_file(backfilling, merge, config):
    merge()
    backfilling.run(**TWO_DAYS)
    backfilling.ask(f"DELETE FROM {config.marts_schema}.fact_klines WHERE open_time < '2024-05-30'")

    assert backfilling.run(**TWO_DAYS) == [BY_DAY[0], ("archive_daily", "unchanged", 0)]
    assert len(backfilling.facts()) == 2880


def test_a_run_that_is_begun_again_goes_on_and_tries_again_what_failed(backfilling, market):
    market.add_faults({"kind": "bad_checksum", "path": "2024-05-29"})
    run_id, tasks = backfilling.plan(**TWO_DAYS, source="archive")
    backfilling.work(run_id, tasks)
    market.clear_faults()
    _, again = backfilling.plan(run_id, **TWO_DAYS, source="archive")
    backfilling.work(run_id, again)

    assert (again[0]["first"], again[0]["last"]) == (1, 1)
    assert backfilling.parts(run_id) == BY_DAY
    assert backfilling.ask("SELECT COUNT(*) FROM backfills") == [(1,)]


def test_a_run_that_was_cancelled_does_not_say_for_ever_that_it_runs(backfilling):
    cancelled, _ = backfilling.plan(**TWO_DAYS)
    backfilling.plan(**TWO_DAYS)
    backfilling.ask("UPDATE backfills SET updated_at = updated_at - INTERVAL 2 DAY WHERE run_id = %s", cancelled)
    backfilling.plan(**TWO_DAYS)

    states = backfilling.ask("SELECT state, finished_at IS NULL FROM backfills ORDER BY backfill_id")
    assert states == [("incomplete", 0), ("running", 1), ("running", 1)]
