"""What is old enough goes where it is proved elsewhere, and nothing else does."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from datetime import date, datetime, timedelta

import pytest

from candlewick.pipeline.maintenance import retention
from candlewick.pipeline.maintenance.retention import RetentionDays
from candlewick.pipeline.maintenance.retention_due import BOOKS, CANDLES, INDICATORS
from candlewick.warehouse import expired, partitions, tables
from candlewick.warehouse.database import WarehouseBusy
from support.aged import FIRST_DUE, LAST_DUE, NOW, YOUNG, Aged

FEW = ("AUSDT", "BUSDT")
MANY = tuple(f"S{n:02}USDT" for n in range(15))  # of which a day has more rows than are deleted by their keys
FOREVER = RetentionDays(klines=0, indicators=0, orderbook=0, staging=3650, outcomes=3650)
CANDLES_ONLY = dataclasses.replace(FOREVER, klines=90)
DAYS = (FIRST_DUE, LAST_DUE, YOUNG)


@pytest.fixture
def aged(database, warehouse, dbt):
    return Aged(database, warehouse, dbt)


def no_dbt(*words):
    raise AssertionError(f"dbt is not asked when no indicators are built, but was: {words}")


@pytest.fixture
def without_indicators(aged):
    aged.run(f"DROP TABLE {aged.marts}.indicators_1m")
    return aged


def planned(aged, days=CANDLES_ONLY, now=NOW):
    with aged.warehouse.session() as session:
        return retention.plan(session, aged.config, now, days)


def expire(aged, days=CANDLES_ONLY, now=NOW, dbt=no_dbt):
    return retention.run(aged.warehouse, "run", now, planned(aged, days, now), dbt)


def item(plan, table="fact_klines"):
    return next(one for one in plan.items if one.table == table)


def spans(aged, table=CANDLES):
    with aged.warehouse.session() as session:
        found = expired.spans(session, "binance", table.data_type, table.interval_code)
    return {symbol: [(one.start, one.end) for one in of_symbol] for symbol, of_symbol in found.items()}


def events(aged, action="rows_deleted"):
    return aged.ask(
        "SELECT subject, symbol, from_time, to_time, row_count FROM lifecycle_events WHERE step = 'retention' AND action = %s "
        "ORDER BY event_id",
        action,
    )


def at(day, hour=0, minute=0):
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute)


def test_complete_days_go_by_their_partition_and_natives_and_younger_days_stay(without_indicators):
    aged = without_indicators
    aged.fill(MANY, DAYS)
    aged.native_hours(MANY[:2], FIRST_DUE)
    plan = planned(aged)
    one = item(plan)
    assert (one.symbols, one.rows, one.from_time, one.to_time) == (15, 2 * 15 * 1440, at(FIRST_DUE), at(YOUNG))
    assert one.table_rows == 3 * 15 * 1440 + 48
    assert plan.held == ()

    summary = retention.run(aged.warehouse, "run", NOW, plan, no_dbt)

    assert summary.rows["fact_klines"] == one.rows
    assert (summary.days, summary.dropped, summary.held) == (2, 2, [])
    assert aged.rows() == {(YOUNG, name): 1440 for name in MANY}
    assert aged.rows(where="interval_code = '1h'") == {(FIRST_DUE, name): 24 for name in MANY[:2]}
    assert aged.one(f"SELECT COUNT(*) FROM {aged.marts}.hourly_klines") == 3 * 15 * 24
    assert spans(aged) == {name: [(at(FIRST_DUE), at(YOUNG))] for name in MANY}
    assert set(aged.ask("SELECT horizon FROM retention_horizons")) == {(at(YOUNG),)}
    assert events(aged) == [
        ("fact_klines", "", at(FIRST_DUE), at(LAST_DUE), 15 * 1440),
        ("fact_klines", "", at(LAST_DUE), at(YOUNG), 15 * 1440),
    ]
    assert item(planned(aged)).rows == 0
    assert expire(aged).sentence.startswith("no row deleted")
    with aged.warehouse.session() as session:
        assert not tables.exist(session, aged.marts, "fact_klines__kept")


def test_a_day_of_few_rows_goes_by_its_keys(without_indicators):
    without_indicators.fill(FEW, DAYS)
    summary = expire(without_indicators)
    assert (summary.days, summary.dropped) == (2, 0)
    assert without_indicators.rows() == {(YOUNG, name): 1440 for name in FEW}
    assert [row[4] for row in events(without_indicators)] == [2880, 2880]


def test_days_in_a_month_of_one_partition_go_by_their_keys(without_indicators):
    aged = without_indicators
    days = (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 27))
    aged.fill(MANY, days)
    assert item(planned(aged)).rows == 3 * 15 * 1440
    summary = expire(aged)
    assert (summary.rows["fact_klines"], summary.days, summary.dropped) == (3 * 15 * 1440, 3, 0)
    assert aged.rows() == {}


HOLDS = {
    "an hour lacks a minute": (
        "UPDATE {marts}.hourly_klines SET candle_count = 59 WHERE symbol = 'AUSDT' AND hour_start = '2026-03-10 05:00'",
        "the hour 05:00 counts 59 of 60 minutes in hourly_klines",
    ),
    "a roll-up has no row": (
        "DELETE FROM {marts}.klines_15m WHERE symbol = 'AUSDT' AND open_time < '2026-03-11'",
        "klines_15m has no row of it",
    ),
    "a roll-up counts less": (
        "UPDATE {marts}.klines_4h SET candle_count = 1 WHERE symbol = 'AUSDT' AND open_time = '2026-03-10 04:00'",
        "klines_4h counts 1201 of its 1440 final minutes",
    ),
    "the day is not final": (
        "UPDATE {marts}.daily_klines SET is_final = 0 WHERE symbol = 'AUSDT' AND date = '2026-03-10'",
        "its row in daily_klines is not final",
    ),
    "a load has yet to reach the hours": (
        "INSERT INTO pending_loads VALUES ('hourly_klines', 8)",
        "load 8 has yet to reach hourly_klines",
    ),
}


@pytest.mark.parametrize("why", HOLDS)
def test_a_day_that_is_not_proved_stays_with_its_reason_and_holds_nothing_else_up(without_indicators, why):
    aged = without_indicators
    aged.fill(FEW, DAYS)
    aged.run(
        f"UPDATE {aged.marts}.fact_klines SET load_id = 8 WHERE symbol = 'AUSDT' AND open_time = '2026-03-10 05:07'"
    )
    change, reason = HOLDS[why]
    aged.run(change.format(marts=aged.marts))

    summary = expire(aged)

    assert aged.rows() == {(FIRST_DUE, "AUSDT"): 1440} | {(YOUNG, name): 1440 for name in FEW}
    assert [(one.table, one.symbol, one.from_time, one.reason) for one in summary.held] == [
        ("fact_klines", "AUSDT", at(FIRST_DUE), reason)
    ]
    assert spans(aged) == {"AUSDT": [(at(LAST_DUE), at(YOUNG))], "BUSDT": [(at(FIRST_DUE), at(YOUNG))]}
    assert events(aged, "kept") == [("fact_klines", "AUSDT", at(FIRST_DUE), at(LAST_DUE), 0)]


def test_missing_minutes_have_to_be_explained(without_indicators):
    aged = without_indicators
    lacking = [n for n in range(1440) if n not in (307, 308)]
    aged.fill(["AUSDT"], [FIRST_DUE], minutes=lacking, explained=2)
    aged.fill(["BUSDT"], [FIRST_DUE], minutes=lacking, explained=1)
    aged.fill(["CUSDT"], [FIRST_DUE], minutes=lacking, explained=2)
    aged.run(f"DELETE FROM {aged.marts}.coverage_daily WHERE symbol = 'CUSDT'")
    aged.run(
        "INSERT INTO gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status, "
        "detected_at, updated_at) VALUES ('binance', 'BUSDT', 'klines', '1m', '2026-03-10 05:08', '2026-03-10 05:09', 1, "
        "'unknown', 'open', '2026-03-10', '2026-03-10')"
    )
    held = {one.symbol: one.reason for one in expire(aged).held}
    assert held == {
        "BUSDT": "1438 of 1440 minutes are final and 1 are not explained, first 2026-03-10 05:08 … 2026-03-10 05:09",
        "CUSDT": "1438 of 1440 minutes are final and coverage_daily does not know the day",
    }
    assert aged.rows() == {(FIRST_DUE, "BUSDT"): 1438, (FIRST_DUE, "CUSDT"): 1438}


def test_a_staged_load_that_is_not_in_the_facts_yet_holds_its_day(without_indicators):
    aged = without_indicators
    aged.fill(FEW, [FIRST_DUE])
    aged.run("INSERT INTO pending_loads VALUES ('fact_klines', 9)")
    aged.run(
        "INSERT INTO staging_klines VALUES (9, 1, 1, 'binance', 'BUSDT', '1m', '2026-03-10 05:00', 1, 1, 1, 1, 1, "
        "'2026-03-10 05:00:59.999', 1, 1, 1, 1, 'rest', '2026-06-09', '2026-06-09')"
    )
    assert [one.reason for one in expire(aged).held] == ["load 9 has yet to reach fact_klines"]
    assert aged.rows() == {(FIRST_DUE, "BUSDT"): 1440}


@pytest.mark.parametrize("names", [FEW, MANY], ids=["by keys", "by partition"])
def test_what_a_backfill_keeps_or_brings_stays_to_the_minute(without_indicators, names):
    aged = without_indicators
    aged.fill(names, DAYS)
    aged.backfill(names[0], at(FIRST_DUE, 12), at(LAST_DUE, 6), is_kept=1)
    aged.backfill(names[1], at(LAST_DUE), at(YOUNG), is_kept=0, state="running", part_state="pending")
    aged.backfill(names[1], at(FIRST_DUE), at(LAST_DUE), is_kept=0)
    plan = planned(aged)
    assert item(plan).rows == 2 * 1440 * len(names) - 12 * 60 - 6 * 60 - 1440
    expire(aged)
    left = {(FIRST_DUE, names[0]): 720, (LAST_DUE, names[0]): 360, (LAST_DUE, names[1]): 1440}
    assert aged.rows() == left | {(YOUNG, name): 1440 for name in names}
    assert spans(aged)[names[0]] == [(at(FIRST_DUE), at(FIRST_DUE, 12)), (at(LAST_DUE, 6), at(YOUNG))]
    assert spans(aged)[names[1]] == [(at(FIRST_DUE), at(LAST_DUE))]


def test_a_kept_part_stays_also_when_its_backfill_was_cut_short(without_indicators):
    aged = without_indicators
    aged.fill(FEW, [FIRST_DUE])
    aged.backfill("AUSDT", at(FIRST_DUE), at(LAST_DUE), is_kept=1, state="incomplete", part_state="pending")
    expire(aged)
    assert aged.rows() == {(FIRST_DUE, "AUSDT"): 1440}


def test_what_becomes_free_after_checkpoints_were_saved_waits_for_the_next_run(aged):
    aged.fill(FEW, [FIRST_DUE])
    aged.backfill("AUSDT", at(FIRST_DUE, 12), at(LAST_DUE), is_kept=0, state="running", part_state="pending")

    def ends_meanwhile(*_):
        aged.run("UPDATE backfills SET state = 'finished'")

    expire(aged, dataclasses.replace(CANDLES_ONLY, indicators=90), dbt=ends_meanwhile)
    left = {(FIRST_DUE, "AUSDT"): 720}
    assert (aged.rows(), aged.rows("indicators_1m", where="true")) == (left, left)
    expire(aged, dataclasses.replace(CANDLES_ONLY, indicators=90), dbt=ends_meanwhile)
    assert (aged.rows(), aged.rows("indicators_1m", where="true")) == ({}, {})


BESIDE_EXPIRED = {
    "hourly_klines SET candle_count = 50": ("hour_start = '2026-03-10 13:00'", "50 of the 60 minutes from 13:00 on"),
    "klines_5m SET candle_count = 4": ("open_time = '2026-03-10 23:55'", "4 of the 5 minutes from 23:55 on"),
    "daily_klines SET candle_count = 1439": ("date = '2026-03-10'", "1439 of the 1440 minutes that its hours count"),
}


@pytest.mark.parametrize("change", BESIDE_EXPIRED)
def test_minutes_that_have_expired_do_not_make_up_for_those_a_roll_up_lacks_of_the_rest_of_the_day(
    without_indicators, change
):
    aged, (where, reason) = without_indicators, BESIDE_EXPIRED[change]
    aged.fill(FEW, [FIRST_DUE])
    aged.backfill("AUSDT", at(FIRST_DUE, 12), at(LAST_DUE), is_kept=0, state="running", part_state="pending")
    expire(aged)
    assert aged.rows() == {(FIRST_DUE, "AUSDT"): 720}
    aged.run("UPDATE backfills SET state = 'finished'")
    name, _, value = change.partition(" ")
    before = aged.one(f"SELECT candle_count FROM {aged.marts}.{name} WHERE symbol = 'AUSDT' AND {where}")
    aged.run(f"UPDATE {aged.marts}.{name} {value} WHERE symbol = 'AUSDT' AND {where}")

    assert [one.reason for one in expire(aged).held] == [f"{name} counts {reason}"]

    assert aged.rows() == {(FIRST_DUE, "AUSDT"): 720}
    aged.run(f"UPDATE {aged.marts}.{name} SET candle_count = {before} WHERE symbol = 'AUSDT' AND {where}")
    assert expire(aged).held == []
    assert aged.rows() == {}


def test_symbols_have_days_of_their_own_and_0_is_for_ever(without_indicators):
    aged = without_indicators
    aged.fill(("AUSDT", "BUSDT", "CUSDT"), DAYS)
    days = dataclasses.replace(CANDLES_ONLY, by_symbol={"BUSDT": 0, "CUSDT": 91})
    expire(aged, days)
    assert [day for day, symbol in aged.rows() if symbol == "AUSDT"] == [YOUNG]
    assert [day for day, symbol in aged.rows() if symbol == "BUSDT"] == list(DAYS)
    assert [day for day, symbol in aged.rows() if symbol == "CUSDT"] == [LAST_DUE, YOUNG]


def test_a_minute_that_comes_late_into_an_expired_day_goes_at_the_next_run(without_indicators):
    aged = without_indicators
    aged.fill(FEW, [FIRST_DUE])
    expire(aged)
    aged.run(f"DELETE FROM {aged.marts}.daily_klines")  # nothing is asked of a day that has expired before
    aged.candle("AUSDT", at(FIRST_DUE, 5, 7))
    assert item(planned(aged)).rows == 1
    assert expire(aged).rows["fact_klines"] == 1
    assert aged.rows() == {}


def test_indicators_and_books_go_by_ages_of_their_own(aged, dbt):
    aged.fill(FEW, DAYS)
    aged.run(f"DELETE FROM {aged.marts}.indicator_progress")
    aged.books(FEW, [at(day, hour) for day in DAYS for hour in range(24)])
    aged.books(["AUSDT"], [at(FIRST_DUE, 5, 1)], with_metrics=False)
    days = dataclasses.replace(FOREVER, indicators=91, orderbook=90)
    summary = expire(aged, days, dbt=dbt)
    everything = dict.fromkeys([(day, name) for day in DAYS for name in FEW], 1440)
    assert aged.rows() == everything
    assert {day for day, _ in aged.rows("indicators_1m", where="true")} == {LAST_DUE, YOUNG}
    assert set(aged.rows("fact_orderbook", "captured_at", "true")) == {
        (FIRST_DUE, "AUSDT"), *((YOUNG, name) for name in FEW)
    }  # fmt: skip
    assert [one.sentence for one in summary.held] == [
        "fact_orderbook AUSDT 2026-03-10 … 2026-03-10: 1 books have no row in orderbook_metrics, first that of 05:01"
    ]
    assert spans(aged, INDICATORS) == {name: [(at(FIRST_DUE), at(LAST_DUE))] for name in FEW}
    assert spans(aged, BOOKS) == {"AUSDT": [(at(LAST_DUE), at(YOUNG))], "BUSDT": [(at(FIRST_DUE), at(YOUNG))]}
    assert spans(aged) == {}


def test_symbols_whose_indicators_are_not_up_to_date_keep_their_bars(aged, dbt):
    aged.fill(("AUSDT", "BUSDT", "CUSDT"), [FIRST_DUE])
    aged.fill(["BUSDT"], [LAST_DUE])
    aged.run(
        f"INSERT INTO {aged.marts}.indicator_progress (model, exchange, symbol, last_open_time, pending_from, claimed_from, periods) "
        "VALUES ('indicators_1m', 'binance', 'BUSDT', '2026-03-10 23:59', '2026-03-10 05:00', NULL, NULL)"
    )
    summary = expire(aged, dataclasses.replace(CANDLES_ONLY, indicators=90), dbt=dbt)
    assert aged.rows() == dict.fromkeys([(FIRST_DUE, "BUSDT"), (LAST_DUE, "BUSDT")], 1440)
    assert aged.rows("indicators_1m", where="true") == dict.fromkeys([(FIRST_DUE, "BUSDT"), (LAST_DUE, "BUSDT")], 1440)
    assert [(one.table, one.symbol) for one in summary.held] == [("fact_klines", "BUSDT"), ("indicators_1m", "BUSDT")]
    assert "expected rows of indicators_1m before 2026-03-12" in summary.held[0].reason


def test_the_days_of_a_month_that_is_over_become_one_partition_again(without_indicators):
    aged = without_indicators
    aged.fill(FEW, [FIRST_DUE])
    aged.native_hours(FEW, LAST_DUE)
    assert expire(aged).merged == 0
    later = datetime(2026, 6, 29, 2)
    assert expire(aged, now=later).merged == 0
    assert expire(aged, now=datetime(2026, 6, 30, 2)).merged == 1
    with aged.warehouse.session() as session:
        names = [one.name for one in partitions.of_table(session, aged.marts, "fact_klines")]
    assert "p202603" in names
    assert not [name for name in names if name.startswith("p202603") and len(name) > 7]
    assert aged.rows(where="true") == {(LAST_DUE, name): 24 for name in FEW}


def test_a_month_of_which_much_is_left_keeps_its_days(without_indicators, monkeypatch):
    aged = without_indicators
    monkeypatch.setattr(retention, "MOST_ROWS_MERGED", 47)
    aged.native_hours(FEW, LAST_DUE)
    assert expire(aged, now=datetime(2026, 6, 30, 2)).merged == 0
    monkeypatch.setattr(retention, "MOST_ROWS_MERGED", 48)
    assert expire(aged, now=datetime(2026, 6, 30, 2)).merged == 1


def test_a_table_can_be_changed_while_its_plan_is_at_hand(without_indicators):
    aged = without_indicators
    aged.fill(FEW, [FIRST_DUE])
    with aged.warehouse.session() as session:
        assert item(retention.plan(session, aged.config, NOW, CANDLES_ONLY)).rows == 2880
        with aged.warehouse.session() as other:
            other.run("SET SESSION lock_wait_timeout = 1")
            other.run(f"ALTER TABLE {aged.marts}.fact_klines ADD COLUMN note VARCHAR(8) NULL")


def test_a_reader_that_idles_in_its_transaction_makes_it_give_up_soon_and_nothing_is_lost(
    without_indicators, monkeypatch
):
    aged = without_indicators
    monkeypatch.setattr(tables, "DDL_WAIT_SECONDS", 1)
    aged.fill(MANY, [FIRST_DUE])
    with closing(aged.database.connect(aged.marts, autocommit=False)) as reader:
        reader.cursor().execute("SELECT COUNT(*) FROM fact_klines")
        with pytest.raises(WarehouseBusy, match="tried again"):
            expire(aged)
        assert len(aged.rows()) == 15
    assert expire(aged).dropped == 1
    assert aged.rows() == {}


def test_a_table_that_got_a_column_without_a_copy_loses_its_days_all_the_same(without_indicators):
    aged = without_indicators
    aged.run(f"ALTER TABLE {aged.marts}.fact_klines ADD COLUMN note VARCHAR(8) NULL, ALGORITHM=INSTANT")
    aged.run(f"ALTER TABLE {aged.marts}.fact_klines DROP COLUMN note")
    aged.fill(MANY, [FIRST_DUE, YOUNG])
    assert expire(aged).rows["fact_klines"] == 15 * 1440
    assert aged.rows() == {(YOUNG, name): 1440 for name in MANY}


def test_before_the_first_dbt_run_only_the_ledgers_are_looked_at(warehouse, config):
    with warehouse.session() as session:
        plan = retention.plan(session, config, NOW, RetentionDays.of(config))
    assert [one.table for one in plan.items] == ["staging", "extraction_outcomes"]
    assert retention.run(warehouse, "run", NOW, plan, no_dbt).sentence.startswith("no row deleted")
