"""How indicators are kept: from the state in the newest row, for final bars, again from the bar that changed."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta

import pytest

from support.dbt_sessions import wait_for_end, wait_for_statement
from support.ports import wait_until

PROGRESS = (
    "select symbol, pending_from, claimed_from from {marts}.indicator_progress where model = 'indicators_1m' order by 1"
)
BACKFILL = ("--vars", "{lane: backfill}")


@pytest.fixture
def minutes(warehouse, candle, at):
    """Load final minutes of a symbol; closes follow from the minute."""

    def loaded(first, count, symbol="BTCUSDT", **values):
        start = at(first)
        return warehouse.load([
            candle(start + timedelta(minutes=n), close_of(start + timedelta(minutes=n)), symbol=symbol, **values) for n in range(count)
        ])  # fmt: skip

    return loaded


def run(warehouse, *arguments, model="indicators_1m", **options):
    """Run one indicator model and what it is made from; nothing else of the minute path."""
    return warehouse.dbt("run", "--select", f"+{model}", *arguments, **options)


def rows_of(warehouse, symbol="BTCUSDT", model="indicators_1m"):
    """Every column of a symbol's rows, by open_time."""
    columns = [row[0] for row in warehouse.run(
        "select column_name from information_schema.columns where table_schema = '{marts}' and table_name = %s order by ordinal_position",
        (model,),
    )]  # fmt: skip
    found = warehouse.run(f"select * from {{marts}}.{model} where symbol = %s order by open_time", (symbol,))
    return {row[2]: dict(zip(columns, row, strict=True)) for row in found}


def expect_same_as_full_refresh(warehouse, *symbols, model="indicators_1m"):
    """What increments have made is what a build from nothing makes, to the last digit."""
    made = [rows_of(warehouse, symbol, model) for symbol in symbols]
    run(warehouse, "--full-refresh", model=model)
    assert [rows_of(warehouse, symbol, model) for symbol in symbols] == made
    assert all(made)


def close_of(moment):
    n = int(moment.timestamp()) // 60
    return 100 + (n * 7919 % 101) / 10


def test_one_row_per_final_bar_and_nothing_until_warm(warehouse, minutes):
    minutes("10:00", 40)
    run(warehouse)
    rows = list(rows_of(warehouse).values())
    assert [row["bar_number"] for row in rows] == list(range(1, 41))
    warm = {
        name: next((row["bar_number"] for row in rows if row[name] is not None), None)
        for name in rows[0]
        if not name.endswith("_state")
    }
    assert {name: at for name, at in warm.items() if at != 1} == {
        "ema_12": 12, "rsi": 15, "atr": 15, "sma_20": 20, "bollinger_upper": 20, "bollinger_middle": 20, "bollinger_lower": 20,
        "ema_26": 26, "macd": 34, "macd_signal": 34, "macd_histogram": 34, "sma_50": None, "sma_200": None, "ema_50": None,
    }  # fmt: skip
    assert warehouse.run("select 1 from {raw}.pending_loads where model = 'indicators_1m'") == []


def test_a_bar_in_progress_leaves_no_trace_in_later_bars(warehouse, minutes, candle):
    minutes("10:00", 40)
    warehouse.load([candle("10:40", 100000, captured="10:40:30")])
    run(warehouse)
    assert len(rows_of(warehouse)) == 40
    minutes("10:40", 3)
    run(warehouse)
    assert len(rows_of(warehouse)) == 43
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


def test_new_bars_of_one_symbol_change_no_row_that_is_there(warehouse, minutes):
    minutes("10:00", 60)
    minutes("10:00", 60, symbol="ETHUSDT")
    run(warehouse)
    before = {symbol: rows_of(warehouse, symbol) for symbol in ("BTCUSDT", "ETHUSDT")}
    minutes("11:00", 7)
    minutes("10:30", 3, symbol="NEWUSDT")
    run(warehouse)
    after = rows_of(warehouse)
    assert {time: after[time] for time in before["BTCUSDT"]} == before["BTCUSDT"]
    assert len(after) == 67
    assert rows_of(warehouse, "ETHUSDT") == before["ETHUSDT"]
    assert [row["bar_number"] for row in rows_of(warehouse, "NEWUSDT").values()] == [1, 2, 3]
    expect_same_as_full_refresh(warehouse, "BTCUSDT", "ETHUSDT", "NEWUSDT")


@pytest.mark.parametrize("missing", [False, True], ids=["a bar is corrected", "a bar comes late"])
def test_a_change_has_its_symbol_computed_again_from_that_bar_on(warehouse, minutes, candle, at, missing):
    minutes("10:00", 100)
    if missing:
        minutes("11:41", 100)
    minutes("10:00", 200, symbol="ETHUSDT")
    run(warehouse)
    before, other = rows_of(warehouse), rows_of(warehouse, "ETHUSDT")
    changed = at("11:40" if missing else "10:50")
    warehouse.load([candle(changed, 150, captured="18:00")])
    run(warehouse)
    after = rows_of(warehouse)
    assert len(after) == len(before) + missing
    assert all(after[time] == row for time, row in before.items() if time < changed)
    assert all(after[time] != row for time, row in before.items() if time >= changed)
    assert rows_of(warehouse, "ETHUSDT") == other
    assert {row[1:] for row in warehouse.run(PROGRESS)} == {(None, None)}
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


def test_history_before_the_first_bar_has_the_symbol_computed_again_and_says_so(warehouse, minutes, candle):
    minutes("10:00", 60)
    minutes("10:00", 60, symbol="ETHUSDT")
    run(warehouse)
    other = rows_of(warehouse, "ETHUSDT")
    minutes("08:00", 30)
    run(warehouse)
    assert [row["bar_number"] for row in rows_of(warehouse).values()] == list(range(1, 91))
    assert rows_of(warehouse, "ETHUSDT") == other
    warehouse.load([candle("08:00", 150, captured="18:00"), candle("10:00", 150, symbol="ETHUSDT", captured="18:00")])
    run(warehouse)  # the first bar corrected is no earlier history
    told = warehouse.run("select kind, subject, message from {raw}.pipeline_events")
    assert [(row[0], row[1]) for row in told] == [("earlier_history", "indicators_1m BTCUSDT")]
    assert "computed again from 2026-03-05 08:00:00.000 on" in told[0][2]
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


def test_a_live_run_does_new_bars_and_one_round_of_corrections_the_backfill_lane_all_of_them(
    warehouse, minutes, candle, at
):
    minutes("10:00", 100)
    run(warehouse)
    warehouse.load([candle("10:10", 150, captured="18:00")])
    minutes("11:40", 45)
    run(warehouse, "--vars", "{indicator_bars_per_round: 20}")
    rows = rows_of(warehouse)
    assert len(rows) == 145
    assert warehouse.run(PROGRESS) == [("BTCUSDT", None, at("2026-03-05 10:29:00.001"))]
    run(warehouse, "--vars", "{indicator_bars_per_round: 20}")
    assert warehouse.run(PROGRESS) == [("BTCUSDT", None, at("2026-03-05 10:49:00.001"))]
    run(warehouse, "--vars", "{indicator_bars_per_round: 20, lane: backfill}")
    assert warehouse.run(PROGRESS) == [("BTCUSDT", None, None)]
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


def test_a_live_run_leaves_years_of_new_bars_to_the_next_ones_and_no_symbol_waits_for_them(warehouse, minutes):
    """A first build on the facts there are, then a new symbol that a backfill brought."""
    bounds = "{indicator_bars_per_round: 20, indicator_bars_per_run: 40"

    def rows_after(*arguments):
        run(warehouse, *arguments)
        return len(rows_of(warehouse)), len(rows_of(warehouse, "ETHUSDT"))

    minutes("10:00", 110)
    assert rows_after("--vars", f"{bounds}}}") == (40, 0)
    assert rows_after("--vars", f"{bounds}}}") == (80, 0)
    assert rows_after("--vars", f"{bounds}}}") == (110, 0)
    minutes("08:00", 130, symbol="ETHUSDT")
    assert rows_after("--vars", f"{bounds}}}") == (110, 40)
    minutes("11:50", 2)
    assert rows_after("--vars", f"{bounds}}}") == (112, 80)
    assert rows_after("--vars", f"{bounds}, lane: backfill}}") == (112, 130)
    expect_same_as_full_refresh(warehouse, "BTCUSDT", "ETHUSDT")


def test_a_full_refresh_and_the_live_run_that_begins_meanwhile_lose_nothing_of_one_another(warehouse, minutes, candle):
    minutes("10:00", 400)
    run(warehouse)
    process = warehouse.start_dbt(
        "run", "--select", "indicators_1m", "--full-refresh", "--vars", "{indicator_bars_per_round: 4}"
    )
    done = "select count(*) from {marts}.indicator_progress where model = 'indicators_1m__next' and last_open_time is not null"
    wait_until(lambda: warehouse.one(done), "a round of the refresh", seconds=120)
    warehouse.load([candle("10:00", 150, captured="18:00")])
    run(warehouse)
    assert process.wait() == 0
    assert len(rows_of(warehouse)) == 400
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


@pytest.mark.parametrize(
    ("place", "loads_left"), [("before the claim", 2), ("before the rows", 0), ("between rows and commit", 0)]
)
def test_dbt_killed_anywhere_loses_nothing(warehouse, minutes, candle, place, loads_left):
    """It is held by locks: of its progress, or of rows that a correction changes."""
    minutes("10:00", 60)
    run(warehouse)
    before = rows_of(warehouse)
    warehouse.load([candle("10:10", 150, captured="18:00")])
    minutes("11:00", 5)
    warehouse.dbt("run", "--select", "+fact_klines")
    with (
        closing(locked(warehouse, "indicators_1m")) as rows,
        closing(locked(warehouse, "indicator_progress")) as progress,
    ):
        if place != "before the claim":
            progress.rollback()
        process = warehouse.start_dbt("run", "--select", "indicators_1m")
        if place == "before the claim":
            session = wait_for_statement(warehouse, "update pending_from = least")
        else:
            session = wait_for_statement(
                warehouse, "delete stale from"
            )  # the first statement of a correction's transaction
        if place == "between rows and commit":
            hold(progress, warehouse, "indicator_progress")
            rows.rollback()
            session = wait_for_statement(warehouse, "update last_open_time = values")
        process.kill()
        process.wait()
    wait_for_end(warehouse, session)
    after = rows_of(warehouse)  # the round of new bars may be done: only the correction was held up
    assert {time: after[time] for time in before} == before
    assert warehouse.one("select count(*) from {raw}.pending_loads where model = 'indicators_1m'") == loads_left
    run(warehouse)
    assert len(rows_of(warehouse)) == 65
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


def locked(warehouse, table):
    """A session that holds the rows a table has now, and not the gaps between them."""
    session = warehouse.server.connect(autocommit=False)
    hold(session, warehouse, table)
    return session


def hold(session, warehouse, table):
    with session.cursor() as cursor:
        cursor.execute("set session transaction isolation level read committed")
        cursor.execute(f"select * from {warehouse.marts}.{table} where symbol = 'BTCUSDT' for update")


@pytest.mark.parametrize("strict", [True, False], ids=["the server says so", "MariaDB only warns"])
def test_a_recursion_limit_that_is_too_low_is_an_error_and_nothing_is_written(warehouse, minutes, tmp_path, strict):
    project = tmp_path / "limited"
    shutil.copytree(warehouse.project, project)
    rounds = project / "macros/materializations/rounds.sql"
    rounds.write_text(rounds.read_text().replace("(var('indicator_bars_per_round') + 10)", "50"))
    session = project / "macros/materializations/session.sql"
    session.write_text(session.read_text().replace("STRICT_ALL_TABLES,", "STRICT_ALL_TABLES," if strict else ""))
    minutes("10:00", 100)
    said = run(warehouse, succeeds=False, project=project)
    if warehouse.server.name == "mysql":
        assert "Recursive query aborted" in said
    else:
        assert ("max_recursive_iterations" if strict else "expected 100 rows for as many bars") in said
    assert rows_of(warehouse) == {}
    run(warehouse)
    assert len(rows_of(warehouse)) == 100


def test_other_periods_are_refused_until_a_full_refresh(warehouse, minutes):
    minutes("10:00", 40)
    run(warehouse)
    before = rows_of(warehouse)
    minutes("10:40", 1)
    other = ("--vars", "{rsi_period: 10}")
    said = run(warehouse, *other, succeeds=False)
    assert "run dbt run --full-refresh --select indicators_1m" in said
    assert rows_of(warehouse) == before
    run(warehouse, *other, "--full-refresh")
    rows = list(rows_of(warehouse).values())
    assert (len(rows), rows[9]["rsi"], rows[10]["rsi"] is None) == (41, None, False)


def test_periods_that_make_no_sense_are_refused(warehouse, minutes):
    minutes("10:00", 40)
    said = run(warehouse, "--vars", "{macd_fast_period: 26}", succeeds=False)
    assert "expected macd_fast_period to be smaller than macd_slow_period, but got 26 and 26" in said
    said = run(warehouse, "--vars", "{rsi_period: 1.5}", succeeds=False)
    assert "expected whole numbers of bars from 2 on in the var rsi_period, but got 1.5" in said


def test_what_follows_a_checkpoint_stays_when_the_bars_before_it_expire(warehouse, minutes, candle, at):
    minutes("08:00", 250)
    run(warehouse)
    whole = rows_of(warehouse)
    edge = at("12:00")
    span = "{model: indicators_1m, from: 2026-03-01, to: '2026-03-05 12:00:00.000', symbols: [BTCUSDT]}"
    warehouse.dbt("run-operation", "save_indicator_checkpoints", "--args", span)
    for table in ("indicators_1m", "fact_klines"):
        warehouse.run(f"delete from {{marts}}.{table} where open_time < '2026-03-05 12:00:00'")
    warehouse.run("truncate table {raw}.staging_klines")
    kept = {time: row for time, row in whole.items() if time >= edge}
    run(warehouse, "--full-refresh")
    assert rows_of(warehouse) == kept
    first = candle(edge, 150, captured="18:00")
    again = candle(edge, close_of(edge), captured="19:00")
    for change in (first, again):
        warehouse.load([change])
        run(warehouse)
    assert rows_of(warehouse) == kept
    minutes("07:00", 20)  # history from before, brought again: a chain of its own that ends at the edge
    run(warehouse)
    after = rows_of(warehouse)
    assert {time: row for time, row in after.items() if time >= edge} == kept
    assert [row["bar_number"] for time, row in after.items() if time < edge] == list(range(1, 21))


def test_a_symbol_listed_again_after_all_its_bars_expired_goes_on_from_its_checkpoint(warehouse, minutes, at):
    minutes("08:00", 60)
    minutes("10:00", 60)
    run(warehouse)
    whole = rows_of(warehouse)
    again = {time: row for time, row in whole.items() if time >= at("10:00")}
    warehouse.run("delete from {marts}.fact_klines where open_time >= '2026-03-05 10:00:00'")
    warehouse.run("truncate table {raw}.staging_klines")
    run(warehouse, "--full-refresh")
    span = "{model: indicators_1m, from: 2026-03-01, to: '2026-03-05 09:30:00.000', symbols: [BTCUSDT]}"
    warehouse.dbt("run-operation", "save_indicator_checkpoints", "--args", span)
    for table in ("indicators_1m", "fact_klines"):
        warehouse.run(f"delete from {{marts}}.{table}")
    minutes("10:00", 60)
    run(warehouse)
    assert rows_of(warehouse) == again
    expect_same_as_full_refresh(warehouse, "BTCUSDT")


def test_bars_may_not_expire_while_a_load_that_changes_them_is_in_the_queue(warehouse, minutes, candle):
    minutes("10:00", 60)
    run(warehouse)
    warehouse.load([candle("10:10", 150, captured="18:00")])
    warehouse.dbt("run", "--select", "+fact_klines")
    span = "{model: indicators_1m, from: 2026-03-01, to: '2026-03-05 %s:00.000', symbols: [BTCUSDT]}"
    save = ("run-operation", "save_indicator_checkpoints", "--args")
    warehouse.dbt(*save, span % "10:30", succeeds=False)
    assert warehouse.run("select 1 from {raw}.indicator_checkpoints") == []
    warehouse.dbt(*save, span % "10:10")
    assert warehouse.one("select count(*) from {raw}.indicator_checkpoints") == 10


def test_an_hour_that_is_final_no_longer_loses_its_row_and_has_one_when_it_is_final_again(warehouse, minutes, at):
    minutes("2026-03-01 00:00:00.000", 48 * 60 + 1)
    run(warehouse, model="indicators_1h")
    before = rows_of(warehouse, model="indicators_1h")
    newest = at("2026-03-02 23:00:00.000")
    for is_final in (0, 1):
        warehouse.run("update {marts}.hourly_klines set is_final = %s where hour_start = %s", (is_final, newest))
        warehouse.run(
            "update {marts}.indicator_progress set pending_from = %s where model = 'indicators_1h'", (newest,)
        )
        if is_final:  # what is before the row to go on from is not asked for
            warehouse.run("delete from {marts}.hourly_klines where hour_start < '2026-03-01 05:00:00'")
        warehouse.dbt("run", "--select", "indicators_1h")
        assert {time: row for time, row in before.items() if is_final or time < newest} == rows_of(
            warehouse, model="indicators_1h"
        )


def test_hours_and_days_follow_what_changed_in_their_bars_also_when_those_are_rebuilt(warehouse, minutes, candle, at):
    minutes("2026-03-01 00:00:00.000", 3 * 1440 + 1)
    run(warehouse, model="indicators_1h")
    run(warehouse, model="indicators_1d")
    assert (len(rows_of(warehouse, model="indicators_1h")), len(rows_of(warehouse, model="indicators_1d"))) == (72, 3)
    before = rows_of(warehouse, model="indicators_1h")
    warehouse.load([candle("2026-03-02 05:30:00.000", 150, captured="2026-03-06 00:00:00.000")])
    minutes("2026-03-04 00:01:00.000", 61)
    warehouse.dbt("run", "--select", "+daily_klines")
    run(warehouse, model="indicators_1h")
    after = rows_of(warehouse, model="indicators_1h")
    changed = at("2026-03-02 05:00:00.000")
    assert len(after) == 73
    assert all((after[time] == row) == (time < changed) for time, row in before.items())
    for swap in ("false", "true"):
        warehouse.dbt(
            "run",
            "--select",
            "hourly_klines",
            "daily_klines",
            "--full-refresh",
            "--vars",
            f"{{rebuild_by_swap: {swap}}}",
        )
        run(warehouse, model="indicators_1h")
        assert rows_of(warehouse, model="indicators_1h") == after
    run(warehouse, model="indicators_1d")
    expect_same_as_full_refresh(warehouse, "BTCUSDT", model="indicators_1h")
    expect_same_as_full_refresh(warehouse, "BTCUSDT", model="indicators_1d")
