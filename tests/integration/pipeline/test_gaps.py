"""Gaps from detection to their reason, on real servers and the simulated exchange with its faults."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from candlewick.pipeline.gaps.detect import detect
from candlewick.warehouse import symbols
from candlewick.warehouse.database import to_ms
from support.gap_hunting import GapHunting
from support.marts import build_facts
from support.minute_path import NOON, cycle

NOW = NOON + timedelta(seconds=30)
DAY = date(2024, 5, 30)
ONE_DAY = {"start": "2024-05-30", "end": "2024-05-30"}


def at(hour: int, minute: int = 0, day: int = 30) -> datetime:
    return datetime(2024, 5, day, hour, minute)


def span(start: datetime, end: datetime) -> dict[str, int]:
    return {"start": to_ms(start), "end": to_ms(end)}


@pytest.fixture
def gaps(market, database, lake, warehouse, dbt):
    """Gap hunting on facts as dbt builds them, empty."""
    build_facts(database, warehouse, dbt)
    return GapHunting(market, lake, warehouse, NOW)


def test_before_dbt_has_built_the_facts_there_is_nothing_to_do(warehouse):
    assert detect(warehouse).sentence == "nothing to do: dbt has not built fact_klines yet"


def test_a_whole_day_has_no_gap_and_full_coverage(gaps):
    gaps.run(**ONE_DAY)
    gaps.hunt()

    assert gaps.ledger() == []
    assert gaps.coverage() == [(DAY, 1440, 1440, 1440)]
    assert gaps.ask("SELECT * FROM pending_loads WHERE model = 'coverage_counts'") == []


def test_facts_deleted_behind_our_back_are_found_by_the_full_check_and_healed(gaps):
    gaps.run(**ONE_DAY)
    gaps.hunt()
    gaps.forget("open_time >= '2024-05-30 07:00' AND open_time < '2024-05-30 07:10'")

    detect(gaps.warehouse, now=NOW)
    assert gaps.ledger() == [], "an incremental check looks at touched days only"
    detect(gaps.warehouse, now=NOW, full=True)
    assert gaps.ledger() == [("BTCUSDT", at(7), at(7, 10), "unknown", "open")]
    assert gaps.coverage() == [(DAY, 1440, 1430, 1430)]

    gaps.fetch()
    gaps.merge()
    detect(gaps.warehouse, now=NOW)
    (load_id,) = gaps.ask(f"SELECT DISTINCT load_id FROM {gaps.config.marts_schema}.fact_klines ORDER BY 1 DESC")[0]
    assert gaps.ledger("status, closed_by", "1 = 1") == [("closed", f"load {load_id}")]
    assert gaps.coverage() == [(DAY, 1440, 1440, 1440)]


def test_a_candle_that_never_became_final_is_present_but_asked_for_again(gaps):
    gaps.run(**ONE_DAY)
    marts = gaps.config.marts_schema
    with gaps.warehouse.session() as session:
        session.run(f"UPDATE {marts}.fact_klines SET is_final = 0 WHERE open_time = '2024-05-30 07:00'")
    detect(gaps.warehouse, now=NOW)

    assert gaps.coverage() == [(DAY, 1440, 1440, 1439)]
    assert gaps.ledger() == [("BTCUSDT", at(7), at(7, 1), "unknown", "open")]
    assert gaps.fetch().loaded.rows == 1


def test_the_edges_of_a_request_count_too(gaps):
    gaps.run(**ONE_DAY)
    gaps.forget("open_time < '2024-05-30 00:05' OR open_time >= '2024-05-30 23:50'")
    detect(gaps.warehouse, now=NOW)

    assert [row[1:3] for row in gaps.ledger()] == [(at(0), at(0, 5)), (at(23, 50), at(0, day=31))]


def test_a_gap_that_is_healed_in_the_middle_falls_apart_and_keeps_what_was_tried(gaps):
    gaps.run(**ONE_DAY)
    gaps.forget("open_time >= '2024-05-30 07:00' AND open_time < '2024-05-30 07:10'")
    detect(gaps.warehouse, now=NOW)
    with gaps.warehouse.session() as session:
        session.run("""UPDATE gap_ledger SET attempts = 3, evidence = '{"asked": ["here"]}'""")
        session.run("INSERT INTO pending_loads SELECT 'coverage_counts', load_id FROM loads")
    gaps.run(start="2024-05-30T07:04:00Z", end="2024-05-30T07:06:00Z", source="rest")
    gaps.merge()
    detect(gaps.warehouse, now=NOW)

    assert gaps.ledger("from_time, to_time, minutes, attempts, status", "status <> 'closed'") == [
        (at(7), at(7, 4), 4, 3, "open"), (at(7, 6), at(7, 10), 4, 3, "open"),
    ]  # fmt: skip
    assert gaps.evidence() == [{"asked": ["here"]}] * 2
    (closed_by,) = gaps.ledger("closed_by", "status = 'closed'")[0]
    assert closed_by == "load 2; the rest: gap 2, 3"


def test_a_gap_that_goes_on_is_one_gap_and_is_tried_anew(gaps):
    gaps.run(**ONE_DAY)
    gaps.forget("open_time >= '2024-05-30 07:00' AND open_time < '2024-05-30 07:10'")
    detect(gaps.warehouse, now=NOW)
    with gaps.warehouse.session() as session:
        session.run("UPDATE gap_ledger SET attempts = 3, status = 'explained', reason = 'exchange_outage'")
    gaps.forget("open_time >= '2024-05-30 07:10' AND open_time < '2024-05-30 07:20'")
    detect(gaps.warehouse, now=NOW, full=True)

    assert gaps.ledger("from_time, to_time, attempts, status, reason") == [(at(7), at(7, 20), 0, "open", "unknown")]


def test_a_gap_that_comes_again_is_a_new_row(gaps):
    gaps.run(**ONE_DAY)
    for _ in range(2):
        gaps.forget("open_time = '2024-05-30 07:00'")
        gaps.hunt(full=True)

    assert [row[4] for row in gaps.ledger(where="1 = 1")] == ["closed", "closed"]


@pytest.mark.parametrize("tracked", [["BTCUSDT", "ETHUSDT"], ["BTCUSDT"]])
def test_when_all_symbols_are_silent_at_once_it_is_an_outage_of_the_exchange(gaps, market, tracked):
    market.add_faults({"kind": "outage", **span(at(12, 40), at(14))})
    gaps.run(**ONE_DAY, symbols=tracked)
    gaps.hunt()

    assert gaps.ledger() == [(name, at(12, 40), at(14), "exchange_outage", "explained") for name in tracked]
    for evidence in gaps.evidence():
        assert evidence["rule"] == "all_silent"
        assert len(evidence["witnesses"]) == 3
        assert {"no_candle": "1h", "open_time": "2024-05-30 13:00:00"} in evidence["signs"]
    market.forget_requests()
    gaps.hunt(full=True)
    assert gaps.asked() == [], "what the exchange cannot fill is not asked for again"


def test_an_outage_of_the_only_symbol_is_told_by_its_own_candles(gaps, market):
    market.add_faults({"kind": "outage", **span(at(12, 40), at(14))})
    gaps.config = gaps.warehouse.config = gaps.config.model_copy(update={"outage_witnesses": ()})
    gaps.run(**ONE_DAY)
    gaps.hunt()

    assert gaps.ledger() == [("BTCUSDT", at(12, 40), at(14), "exchange_outage", "explained")]
    assert gaps.evidence()[0]["rule"] == "own_candles"


def test_flat_minutes_are_rows_and_no_gap(gaps, market):
    market.add_faults({"kind": "flat", **span(at(12, 40), at(14))})
    gaps.run(**ONE_DAY)
    gaps.hunt()

    assert gaps.ledger() == []


def test_what_only_the_archive_lacks_is_healed_by_rest(gaps, market):
    market.add_faults({"kind": "hole", "symbol": "BTCUSDT", **span(at(16, 39), at(16, 40))})
    gaps.run(**ONE_DAY, source="archive")
    gaps.hunt()

    assert gaps.ledger("status, minutes", "1 = 1") == [("closed", 1)]
    assert gaps.coverage() == [(DAY, 1440, 1440, 1440)]


def test_a_minute_only_the_higher_candle_knows_is_a_hole_of_the_archive(gaps, market):
    market.add_faults(
        {"kind": "hole", "symbol": "BTCUSDT", **span(at(16, 39), at(16, 40))},
        {"kind": "empty", "path": "/api/v3/klines", "interval": "1m"},
    )
    gaps.run(**ONE_DAY, source="archive")
    gaps.hunt()

    assert gaps.ledger() == [("BTCUSDT", at(16, 39), at(16, 40), "archive_hole", "explained")]
    (found,) = gaps.evidence()[0]["found"]
    assert (found["interval"], found["open_time"]) == ("15m", "2024-05-30 16:30:00")
    assert found["trades"] > found["our_trades"]
    assert gaps.ask("SELECT COUNT(*) FROM extraction_outcomes WHERE object_key = %s", found["object"]) == [(1,)]


def test_a_file_that_is_cut_short_is_a_hole_of_the_archive(gaps, market):
    market.add_faults(
        {"kind": "truncated", "path": "daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-30", "rows": 230},
        {"kind": "empty", "path": "/api/v3/klines", "symbol": "BTCUSDT"},
    )
    gaps.run(start="2024-05-30", end="2024-05-31", source="archive")
    gaps.hunt()

    assert gaps.ledger() == [("BTCUSDT", at(3, 50), at(0, day=31), "archive_hole", "explained")]
    evidence = gaps.evidence()[0]
    assert (evidence["rows"], evidence["last_row"], evidence["goes_on"]) == (
        230, "2024-05-30 03:49:00", "2024-05-31 00:00:00",
    )  # fmt: skip
    assert len(evidence["sha256"]) == 64


def test_rejected_rows_are_the_reason_their_minutes_are_missing(gaps, market):
    ways = ["high_below_low", "text_number", "off_grid", "short_row", "null_field"]
    market.add_faults({"kind": "bad_rows", "symbol": "BTCUSDT", "interval": "1m", "variants": ways})
    gaps.run(**ONE_DAY)
    gaps.hunt()

    assert gaps.ledger("from_time, to_time, reason, status") == [(at(0), at(0, 5), "rejected", "explained")]
    assert gaps.evidence()[0]["count"] >= len(ways)
    number = gaps.evidence()[0]["found"][0]["quarantine_id"]
    assert gaps.ask("SELECT symbol FROM quarantined_rows WHERE quarantine_id = %s", number) == [("BTCUSDT",)]


def test_minutes_before_the_first_candle_are_one_row_and_no_gap(gaps, market):
    market.set_symbol("NEWUSDT", listed=to_ms(at(15)))
    gaps.run(start="2024-05-28", end="2024-05-31", symbols=["NEWUSDT"])
    gaps.hunt()

    assert gaps.ledger() == [("NEWUSDT", at(0, day=28), at(15), "not_listed", "explained")]
    assert gaps.evidence()[0]["object"].startswith("evidence/20")
    assert gaps.coverage("NEWUSDT") == [(DAY, 540, 540, 540), (date(2024, 5, 31), 1440, 1440, 1440)]
    gaps.hunt(full=True)
    assert len(gaps.ledger(where="1 = 1")) == 1


def test_minutes_of_a_halt_are_explained_by_what_the_exchange_said(gaps, market):
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(at(7), at(9))})
    gaps.run(**ONE_DAY)
    with gaps.warehouse.session() as session:
        session.run_many(
            "INSERT INTO symbol_states (exchange, symbol, valid_from, valid_to, status) VALUES ('binance', 'BTCUSDT', %s, %s, %s)",
            [(at(0), at(7, 4), "TRADING"), (at(7, 4), at(9, 3), "HALT"), (at(9, 3), None, "TRADING")],
        )
    gaps.hunt()

    assert gaps.ledger() == [("BTCUSDT", at(7), at(9), "symbol_halted", "explained")]
    assert gaps.evidence()[0]["status"] == "HALT"


def test_a_symbol_alone_that_is_silent_stays_unknown_and_is_tried_less_and_less_until_it_is_given_up(gaps, market):
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(at(7, 10), at(7, 20))})
    gaps.run(**ONE_DAY)
    pauses = []
    for _ in range(gaps.config.gap_attempts):
        gaps.hunt()
        pauses += gaps.ledger("TIMESTAMPDIFF(MINUTE, updated_at, next_attempt_at), attempts, reason, status")
        market.forget_requests()
        gaps.hunt()
        assert gaps.asked() == [], "it is not due"
        gaps.wait_for_the_next_attempt()

    assert [row[1] for row in pauses] == [1, 2, 3, 4, 5]
    assert [row[2:] for row in pauses] == [("unknown", "open")] * 4 + [("unknown", "unexplained")]
    assert [round((row[0] + 1) / 60) for row in pauses[:4]] == [1, 2, 4, 8]


def test_an_exchange_that_fails_leaves_the_gap_unexplained(gaps, market):
    gaps.run(**ONE_DAY)
    gaps.forget("open_time = '2024-05-30 07:00'")
    market.add_faults({"kind": "503"})
    gaps.warehouse.config = gaps.config = gaps.config.model_copy(update={"gap_attempts": 2, "retry_attempts": 1})
    gaps.hunt(full=True)

    assert gaps.ledger("reason, status, attempts") == [("fetch_failed", "open", 1)]
    assert gaps.evidence()[0]["asked"][0]["http_status"] == 503
    gaps.wait_for_the_next_attempt()
    gaps.hunt()
    assert gaps.ledger("reason, status, attempts") == [("fetch_failed", "unexplained", 2)]


def test_minutes_that_retention_took_are_expired_and_nobody_fetches_them_unless_they_are_kept(gaps, market):
    gaps.run(start="2024-05-28", end="2024-05-30", keep=False)
    gaps.run(start="2024-05-28", end="2024-05-28")
    with gaps.warehouse.session() as session:
        session.run(
            "INSERT INTO expired_spans VALUES "
            "('binance', 'BTCUSDT', 'klines', '1m', '2024-05-01', '2024-05-30', UTC_TIMESTAMP(3))"
        )
    gaps.forget("open_time < '2024-05-30' AND open_time >= '2024-05-29'")
    market.forget_requests()
    gaps.hunt(full=True)

    assert gaps.ledger() == [("BTCUSDT", at(0, day=29), at(0), "retention_expired", "explained")]
    assert [row[0].day for row in gaps.coverage()] == [28, 30]
    assert gaps.asked() == []


def test_tracked_symbols_are_expected_from_their_first_fetch_until_now(gaps, market):
    with gaps.warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], NOON)
    gaps.now = NOON + timedelta(minutes=20, seconds=30)
    market.set_clock("2024-06-01T12:20:30Z")
    gaps.hunt()

    first, last = NOON - timedelta(minutes=100), NOON + timedelta(minutes=15)
    assert gaps.ledger("from_time, to_time, status", "1 = 1") == [(first, last, "closed")]
    assert gaps.coverage() == [(date(2024, 6, 1), 115, 115, 115)]


def test_a_symbol_that_was_just_added_misses_nothing_yet_and_all_of_it_when_it_has_not_come_in_time(gaps):
    with gaps.warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], NOW)
    detect(gaps.warehouse, now=NOW)
    assert gaps.ledger(where="1 = 1") == []

    detect(gaps.warehouse, now=NOW + timedelta(minutes=gaps.config.gap_settle_minutes))
    assert gaps.ledger() == [("BTCUSDT", NOON - timedelta(minutes=100), NOON, "unknown", "open")]


def test_a_symbol_whose_first_answer_comes_minutes_after_it_was_added_has_no_gap_but_a_hole_right_at_its_begin_is_one(
    gaps, market, binance
):
    with gaps.warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], NOW)
    market.advance(10 * 60_000)
    gaps.now += timedelta(minutes=10)
    cycle(binance, gaps.lake, gaps.warehouse, {"name": "one", "symbols": ["BTCUSDT"]})
    gaps.merge()

    detect(gaps.warehouse, now=gaps.now)
    assert gaps.ledger(where="1 = 1") == []
    (_, expected, present, final) = gaps.coverage()[0]
    assert expected == present == final > 100

    first = NOON - timedelta(minutes=gaps.config.first_fetch_minutes)
    gaps.forget(f"open_time < '{first + timedelta(minutes=2)}'")
    detect(gaps.warehouse, now=gaps.now, full=True)
    assert gaps.ledger() == [("BTCUSDT", first, first + timedelta(minutes=2), "unknown", "open")]


def test_a_symbol_that_was_listed_just_before_it_was_tracked_has_no_gap_before(gaps, market):
    listed = NOON - timedelta(minutes=50)
    market.set_symbol("NEWUSDT", listed=to_ms(listed))
    with gaps.warehouse.session() as session:
        symbols.add(session, "binance", ["NEWUSDT"], NOON)
    gaps.now += timedelta(minutes=5)
    market.advance(5 * 60_000)
    gaps.hunt()

    first = NOON - timedelta(minutes=100)
    assert gaps.ledger() == [("NEWUSDT", first, listed, "not_listed", "explained")]
    assert gaps.coverage("NEWUSDT") == [(date(2024, 6, 1), 50, 50, 50)]


def test_a_month_that_is_missing_comes_as_one_file(gaps):
    with gaps.warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], datetime(2024, 3, 31, 20))
        symbols.remove(session, "binance", "BTCUSDT", datetime(2024, 5, 2))
    gaps.hunt()

    assert gaps.ledger("status", "1 = 1") == [("closed",)]
    paths = [path for path in gaps.asked() if path.endswith(".zip")]
    assert [path.rsplit("/")[-1] for path in paths] == ["BTCUSDT-1m-2024-04.zip", "BTCUSDT-1m-2024-05-01.zip"]


def test_what_was_loaded_and_waits_for_dbt_is_not_asked_for(gaps):
    gaps.run(**ONE_DAY)
    gaps.forget("open_time = '2024-05-30 07:00'")
    detect(gaps.warehouse, now=NOW)
    gaps.run(start="2024-05-30T06:59:00Z", end="2024-05-30T07:02:00Z", source="rest")
    gaps.asked()

    assert gaps.fetch().gaps == 0
    assert gaps.asked() == []
    assert gaps.ledger("attempts, status") == [(0, "open")]


def test_one_run_asks_for_no_more_pages_than_allowed(gaps):
    gaps.run(**ONE_DAY)
    gaps.warehouse.config = gaps.config = gaps.config.model_copy(update={"gap_pages_per_run": 2})
    gaps.forget("HOUR(open_time) IN (0, 22)")
    gaps.forget("symbol = 'BTCUSDT' AND open_time = '2024-05-30 12:00'")
    detect(gaps.warehouse, now=NOW, full=True)
    summary = gaps.fetch()

    assert (summary.pages, summary.left) == (2, 0)


def test_a_run_killed_between_counts_and_queue_finds_the_same_days_again(gaps, monkeypatch):
    gaps.run(**ONE_DAY)
    detect(gaps.warehouse, now=NOW)
    gaps.forget("open_time = '2024-05-30 07:00'")
    gaps.run(start="2024-05-30T08:00:00Z", end="2024-05-30T08:10:00Z", source="rest", force=True)
    gaps.merge()
    monkeypatch.setattr("candlewick.pipeline.gaps.detect._Detection._take_off", _killed)
    with pytest.raises(KeyboardInterrupt):
        detect(gaps.warehouse, now=NOW)
    assert gaps.ledger() == []
    monkeypatch.undo()
    detect(gaps.warehouse, now=NOW)

    assert gaps.ledger() == [("BTCUSDT", at(7), at(7, 1), "unknown", "open")]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
