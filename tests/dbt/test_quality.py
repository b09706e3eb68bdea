"""Each quality rule finds its planted violation and nothing on good data; exceptions excuse; nothing stops what must go on."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from support.places import REPOSITORY

PROJECT = REPOSITORY / "dbt_project"
ERRORS = {"impossible_ohlc", "future_candle", "off_grid_candle", "crossed_book"}


@pytest.fixture
def now():
    return datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)


@pytest.fixture
def live(warehouse, candle, now):
    """A symbol in the best of health: final minutes up to now, one forming, a book; nothing pending."""
    warehouse.run(
        "insert into {raw}.tracked_symbols (exchange, symbol, active, status, added_at)"
        " values ('binance', 'BTCUSDT', 1, 'TRADING', %s)",
        (now - timedelta(days=1),),
    )
    load(warehouse, [candle(now - timedelta(minutes=n), 100) for n in (4, 3, 2)])
    load(warehouse, [candle(now, 100, captured=now + timedelta(seconds=1))])
    for minute in (20, 1):
        book(warehouse, now - timedelta(minutes=minute), update_id=100 - minute)
    warehouse.dbt("run", "--select", "+tag:quality", "--exclude", "tag:quality")
    warehouse.run("delete from {raw}.pending_loads")
    return warehouse


def load(warehouse, rows, *, at=None, lane="live"):
    number = warehouse.load(rows)
    warehouse.run(
        "insert into {raw}.loads values (%s, %s, 'r', 1, %s, 0, coalesce(%s, utc_timestamp(3)), coalesce(%s, utc_timestamp(3)))",
        (number, lane, len(rows), at, at),
    )
    return number


def book(warehouse, captured, *, symbol="BTCUSDT", update_id=1, bid=99, ask=101):
    level = {"object_id": 1, "exchange": "binance", "symbol": symbol, "captured_at": captured, "last_update_id": update_id,
             "level": 1, "quantity": 1, "source": "rest", "exchange_time": captured}  # fmt: skip
    number = warehouse.one("select coalesce(max(load_id), 0) + 1000 from {raw}.loads")
    warehouse.load_books(
        [{**level, "side": "bid", "price": bid}, {**level, "side": "ask", "price": ask}], load_id=number
    )
    warehouse.run(
        "insert into {raw}.loads values (%s, 'live', 'r', 1, 2, 0, utc_timestamp(3), utc_timestamp(3))", (number,)
    )
    warehouse.run(
        "insert into {raw}.processed_files values (%s, 'b', %s, 'binance', %s, 'depth', '', 'rest', %s, 2, 0, null, null, %s, 'loaded',"
        " null, utc_timestamp(3), null, null, null, null)",
        (number, f"{number}.json", symbol, captured, number),
    )


def check(warehouse, *arguments, succeeds=True):
    """Build the rules; return by rule what the summary counts."""
    said = warehouse.dbt("build", "--selector", "quality", *arguments, succeeds=succeeds)
    counted = warehouse.run("select rule_name, violations from {marts}.quality_summary")
    return said, dict(counted)


def plant(warehouse, candle, now):
    """Break each rule once. Returns what cannot be planted in staging, because it is only in the facts."""
    minute = now - timedelta(minutes=30)

    def broken(symbol, **values):
        return candle(minute, symbol=symbol, **values)

    load(
        warehouse,
        [
            broken("IMPOSSIBLE", close=100, high=99),
            candle(now + timedelta(minutes=10), symbol="FUTURE", captured=now),
            candle(minute + timedelta(seconds=7), symbol="OFFGRID"),
            candle(minute - timedelta(minutes=1), 100, symbol="JUMP"),
            broken("JUMP", close=120),
            broken("PHANTOM", trades=0, volume=5),
            candle(now - timedelta(minutes=90), symbol="FORMING", clock=now - timedelta(minutes=91)),
            broken("TWICE"),
            broken("TWICE", close=101),
            broken("DISAGREED", close=100),
        ],
    )
    load(warehouse, [broken("DISAGREED", close=101, source="archive_daily")])
    load(warehouse, [broken("STUCK")], at=now - timedelta(hours=4))
    book(warehouse, now - timedelta(minutes=1), symbol="CROSSED", bid=101, ask=100)
    for minutes in (30, 1):
        book(warehouse, now - timedelta(minutes=minutes), symbol="FROZEN", update_id=7)
    for symbol in ("STALE", "FROZEN"):
        warehouse.run(
            "insert into {raw}.tracked_symbols (exchange, symbol, active, status, added_at) values ('binance', %s, 1, 'TRADING', %s)",
            (symbol, now - timedelta(hours=1)),
        )
    load(warehouse, [candle(now - timedelta(minutes=2), symbol="FROZEN")])
    warehouse.run(
        "insert into {raw}.tracked_symbols (exchange, symbol, active, status, added_at) values ('binance', 'ADDED', 1, 'TRADING', %s)",
        (now - timedelta(minutes=1),),
    )
    load(warehouse, [candle(now - timedelta(days=1), symbol="ADDED")])
    warehouse.run(
        "insert into {raw}.tracked_symbols (exchange, symbol, active, status, added_at, resumed_at) values "
        "('binance', 'RESUMED', 1, 'TRADING', %s, %s)",
        (now - timedelta(days=2), now - timedelta(minutes=1)),
    )
    load(warehouse, [candle(now - timedelta(days=1), symbol="RESUMED")])
    warehouse.run(
        "insert into {raw}.gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status,"
        " detected_at, updated_at) values ('binance', 'GAP', 'klines', '1m', %s, %s, 1, 'unknown', 'open', %s, %s)",
        (minute, minute + timedelta(minutes=1), now - timedelta(hours=3), now),
    )
    warehouse.run(
        "insert into {raw}.gap_ledger (exchange, symbol, data_type, from_time, to_time, minutes, reason, status, detected_at, updated_at)"
        " values ('binance', 'LOSTBOOK', 'depth', %s, %s, 1, 'fetch_failed', 'unexplained', %s, %s)",
        [now - timedelta(days=8)] * 4,
    )
    warehouse.run(
        "insert into {raw}.quarantined_rows (object_id, row_number_in_object, load_id, exchange, symbol, data_type, reason, offending,"
        " quarantined_at) values (1, 1, 1, 'binance', 'REJECTED', 'klines', 'off_grid', 'x', %s)",
        (now,),
    )
    warehouse.run(
        "insert into {raw}.archive_files (exchange, symbol, interval_code, granularity, period_start, path, state, checked_at)"
        " values ('binance', 'REFUSED', '1m', 'daily', '2026-03-05', 'p', 'refused', %s)",
        (now,),
    )
    warehouse.dbt("run", "--select", "+tag:quality", "--exclude", "tag:quality")
    warehouse.run("delete from {raw}.pending_loads")
    stuck = warehouse.one("select load_id from {raw}.staging_klines where symbol = 'STUCK'")
    warehouse.run("insert into {raw}.pending_loads values ('hourly_klines', %s)", (stuck,))
    warehouse.run(
        "insert into {marts}.reconciliation_daily (exchange, symbol, date, check_name, bucket_count, match_count, difference_count,"
        " explained_count, unexplained_count, compared_at) values ('binance', 'UNRECONCILED', '2026-03-05', '1h', 24, 23, 1, 0, 1, %s)",
        (now,),
    )


# rule: what it names, and the rows it lists
PLANTED = {
    "impossible_ohlc": ("symbol", ["IMPOSSIBLE"]),
    "future_candle": ("symbol", ["FUTURE"]),
    "off_grid_candle": ("symbol", ["OFFGRID"]),
    "duplicate_key": ("concat(symbol, ' ', times_said, ' ', versions)", ["TWICE 2 2"]),
    "unexplained_gap": ("symbol", ["GAP"]),
    "stale_symbol": ("symbol", ["STALE"]),
    "unreconciled_day": ("symbol", ["UNRECONCILED"]),
    "price_jump": ("concat(symbol, ' ', jump_share + 0e0)", ["JUMP 0.2"]),
    "volume_without_trades": ("symbol", ["PHANTOM"]),
    "crossed_book": ("symbol", ["CROSSED"]),
    "stale_book": ("concat(symbol, ' ', finding)", ["FROZEN the book does not change"]),
    "never_final": ("symbol", ["FORMING"]),
    "quarantined_row": ("symbol", ["REJECTED"]),
    "refused_archive_file": ("symbol", ["REFUSED"]),
    "unconsumed_load": ("consumer", ["hourly_klines"]),
    "source_disagreement": ("concat(symbol, ' ', lost_source, ' ', kept_source)", ["DISAGREED rest archive_daily"]),
}


def found(warehouse):
    return {
        rule: [row[0] for row in warehouse.run(f"select {named} from {{marts}}.quality_{rule}")]
        for rule, (named, _) in PLANTED.items()
    }


def test_good_data_breaks_no_rule_and_each_rule_finds_its_violation(live, candle, now):
    said, counted = check(live)
    assert counted == dict.fromkeys(PLANTED, 0)
    assert "warn" not in said.replace("severity__warn__error", "")
    plant(live, candle, now)
    said, counted = check(live, succeeds=False)
    assert found(live) == {rule: rows for rule, (_, rows) in PLANTED.items()}
    assert counted == dict.fromkeys(PLANTED, 1)
    told = {
        rule: state
        for rule in PLANTED
        for state in ("warn", "fail")
        if f"no_violations_quality_{rule}_: {state}" in said
    }
    assert told == {rule: "fail" if rule in ERRORS else "warn" for rule in PLANTED}
    newest = live.one("select newest from {marts}.quality_summary where rule_name = 'never_final'")
    assert newest == now - timedelta(minutes=90)


def facts(warehouse):
    warehouse.dbt("run", "--select", "+fact_klines")


def phantoms(warehouse, *arguments, project=PROJECT):
    """Build one rule with its seed; return the symbols it lists."""
    warehouse.dbt(
        "build", "--select", "quality_exceptions", "quality_volume_without_trades", *arguments, project=project
    )
    return [row[0] for row in warehouse.run("select symbol from {marts}.quality_volume_without_trades order by symbol")]


def test_a_finding_stays_until_it_is_corrected_however_old_its_load_is(warehouse, candle, now):
    minute = now - timedelta(minutes=30)
    load(warehouse, [candle(minute, symbol="PHANTOM", trades=0, volume=5)])
    facts(warehouse)
    assert phantoms(warehouse) == ["PHANTOM"]
    warehouse.run("update {raw}.loads set loaded_at = loaded_at - interval 30 day")
    assert phantoms(warehouse) == ["PHANTOM"]
    load(warehouse, [candle(minute, symbol="PHANTOM", trades=3, volume=5, captured=now)])
    facts(warehouse)
    assert phantoms(warehouse) == []


def test_history_is_looked_at_once_with_a_wider_window(warehouse, candle, now):
    load(warehouse, [candle("2020-03-05 10:00", symbol="PHANTOM", trades=0, volume=5)], at=now - timedelta(days=30))
    facts(warehouse)
    assert phantoms(warehouse) == []
    assert phantoms(warehouse, "--vars", "{quality_hours: 200000}") == ["PHANTOM"]
    assert phantoms(warehouse) == ["PHANTOM"]


@pytest.fixture
def project(tmp_path):
    """A copy of the dbt project whose seed a test may change."""
    copy = tmp_path / "excused"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs"))
    return copy


def test_an_exception_excuses_its_rule_symbol_and_span_and_is_swapped_in_whole(warehouse, candle, now, project):
    def excuse(*rows):
        lines = ["rule,exchange,symbol,from_time,to_time,reason", *rows]
        (project / "seeds" / "quality_exceptions.csv").write_text("\n".join(lines) + "\n")
        return phantoms(warehouse, project=project)

    minute = now - timedelta(minutes=30)
    load(warehouse, [candle(minute, symbol=symbol, trades=0, volume=5) for symbol in ("ONE", "TWO")])
    facts(warehouse)
    span = f"{minute},{minute + timedelta(minutes=1)}"
    assert excuse(f"price_jump,binance,*,{span},another rule") == ["ONE", "TWO"]
    assert excuse(f"volume_without_trades,binance,ONE,{span},it's known") == ["TWO"]
    assert warehouse.run("select reason from {marts}.quality_exceptions") == [("it's known",)]
    assert excuse(f"volume_without_trades,*,*,{span},all") == []
    assert excuse(f"volume_without_trades,*,*,{minute - timedelta(hours=1)},{minute},before it") == ["ONE", "TWO"]
    tables = "select table_name, create_time from information_schema.tables where table_schema = %s and table_name like 'quality\\_e%%'"
    before = warehouse.run(tables, (warehouse.marts,))
    assert len(before) == 1, "nothing is left beside it"
    warehouse.dbt("seed", project=project)
    assert warehouse.run(tables, (warehouse.marts,)) == before, "an unchanged seed is left alone"
