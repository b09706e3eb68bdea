"""Data ages, 0 → 7 → 30 → 90 days and on: where it is at each step, and that no kill -9 in between changes anything.

One clock, moved by the test. BTCUSDT is whole; ETHUSDT's day is pinned by a backfill; of SOLUSDT the morning is
missing: one answer is no JSON (quarantine), another waits on the queue and is never loaded; at midnight a page comes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.market import Interval
from candlewick.warehouse import backfills, symbols
from candlewick.warehouse.backfills import Backfill, BackfillState, Method, Part, PartState
from candlewick.warehouse.database import to_ms
from support.walking import Walk

DAY = datetime(2024, 2, 1)
NEXT_DAY = DAY + timedelta(days=1)
LATER_DAY = datetime(2024, 3, 12)
MINUTE = ("run", "--selector", "minute")
A_PAGE = 999  # minutes of the day: the forming one of the next is on it as well


@pytest.fixture
def config(config):
    return config.model_copy(update={"first_fetch_minutes": 720, "depth_levels": 5, "weight_share": 1.0})


@pytest.fixture
def walk(market, lake, warehouse, database, object_store, tmp_path):
    made = Walk(market, lake, warehouse, database, object_store, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def first_day(walk, market, dbt):
    """The first of February, captured at noon and at midnight, built by dbt."""
    walk.set_clock(DAY + timedelta(hours=12, seconds=30))
    with walk.warehouse.session() as session:
        symbols.add(session, "binance", walk.symbols, walk.now)
    walk.capture_without_load("SOLUSDT", DAY, DAY + timedelta(hours=6))
    market.add_faults({"kind": "garbage", "path": "/api/v3/klines", "symbol": "SOLUSDT", "count": 1})
    walk.capture()
    market.clear_faults()
    walk.set_clock(NEXT_DAY + timedelta(seconds=30))
    walk.capture()
    build(walk, dbt)
    pin(walk, "ETHUSDT")
    return walk


def pin(walk, symbol):
    """A backfill that was asked to keep the first day."""
    backfill = Backfill(
        run_id="kept", exchange="binance", symbols=(symbol,), interval=Interval.MINUTE_1, from_time=DAY, to_time=NEXT_DAY,
        source="auto", is_forced=False, is_kept=True,
    )  # fmt: skip
    part = Part(1, symbol, Interval.MINUTE_1, Method.ARCHIVE_DAILY, to_ms(DAY), to_ms(NEXT_DAY), PartState.UNCHANGED)
    with walk.warehouse.session() as session:
        backfill_id = backfills.create(session, backfill, [part], walk.now)
        backfills.set_state(session, backfill_id, BackfillState.FINISHED, walk.now)


class Expected:
    """What has to be true at every moment, and is looked at after every kill and every step."""

    def __init__(self, walk):
        self.walk = walk
        self.roll_ups = walk.roll_ups()
        self.facts = walk.facts(DAY)
        self.expired: set[str] = set()

    def __call__(self):
        walk = self.walk
        raw, archived = walk.raw(), walk.archived()
        for key, payload in walk.payloads.items():
            assert key in raw or key in archived or key in self.expired, f"{key} is in neither bucket"
            assert archived.get(key, payload) == payload, f"{key} is not in the archive what it was"
        now = walk.roll_ups()
        for table, rows in self.roll_ups.items():
            assert set(rows) <= set(now[table]), f"{table} has lost or changed a row"
        for symbol, minutes in self.facts.items():
            assert walk.facts(DAY).get(symbol, 0) >= minutes, f"minutes of {symbol} are gone"


@pytest.mark.parametrize("side", ["before", "after"])
def test_data_ages_by_policy_and_no_kill_in_between_changes_what_is_where(first_day, dbt, side):
    aged = Ageing(first_day, dbt, side)
    aged.stays_where_it_was_captured_for_7_days()
    aged.moves_into_the_archive_after_7_days()
    aged.is_deleted_from_the_archive_after_30_days()
    aged.leaves_the_facts_after_90_days_where_nothing_holds_it()
    aged.leaves_hours_days_and_later_indicators_for_ever()


class Ageing:
    """The road of two captures, of noon and of midnight, told age by age."""

    def __init__(self, walk, dbt, side):
        self.walk, self.dbt, self.side = walk, dbt, side
        self.check = Expected(walk)
        self.noon = {key for key in walk.payloads if key.startswith(f"{DAY:%Y-%m-%d}")}
        self.midnight = set(walk.payloads) - self.noon
        ((rejected,),) = walk.ask("SELECT object_key FROM processed_files WHERE status = 'quarantined'")
        ((queued,),) = walk.ask("SELECT object_key FROM extraction_outcomes WHERE load_state = 'pending'")
        self.staying = {rejected, queued}
        assert self.check.facts == {"BTCUSDT": 1440, "ETHUSDT": 1440, "SOLUSDT": A_PAGE}

    def maintain(self, moment):
        self.walk.set_clock(moment + timedelta(hours=2))
        return self.walk.maintain(self.side, self.check)

    def stays_where_it_was_captured_for_7_days(self):
        walk = self.walk
        for days in (1, 7):
            self.maintain(DAY + timedelta(days=days))
        assert (walk.raw(), walk.bundles()) == (set(walk.payloads), [])
        assert walk.rows("staging_klines") > 0

    def moves_into_the_archive_after_7_days(self):
        walk = self.walk
        self.maintain(DAY + timedelta(days=8))
        assert walk.raw() == self.midnight | self.staying
        assert set(walk.archived()) == self.noon - self.staying
        self.maintain(NEXT_DAY + timedelta(days=8))
        assert walk.raw() == self.staying
        assert set(walk.archived()) == set(walk.payloads) - self.staying
        marked = "bundle_id IS NOT NULL AND archived_at IS NOT NULL AND expired_at IS NULL"
        in_archive = walk.rows("processed_files", f"{marked} AND bucket = '{walk.config.archive_bucket}'")
        assert in_archive == len(walk.payloads) - len(self.staying)
        assert walk.ask("SELECT DISTINCT state FROM archive_bundles") == [("settled",)]
        assert {symbol for _, symbol, _ in walk.events("archive", "kept")} == {"SOLUSDT"}
        assert walk.rows("staging_klines") == walk.rows("staging_orderbook") == 0
        assert walk.kills > 10, "the failpoints hardly struck"

    def is_deleted_from_the_archive_after_30_days(self):
        walk, kills = self.walk, self.walk.kills
        self.maintain(DAY + timedelta(days=30))
        assert set(walk.archived()) == set(walk.payloads) - self.staying
        self.check.expired = self.noon
        self.maintain(DAY + timedelta(days=31))
        assert set(walk.archived()) == self.midnight - self.staying
        self.check.expired = self.noon | self.midnight
        self.maintain(NEXT_DAY + timedelta(days=31))
        assert (walk.raw(), walk.bundles()) == (self.staying, [])
        assert (
            walk.rows("processed_files", "bundle_id IS NOT NULL AND (expired_at IS NULL OR expiry_reason IS NULL)") == 0
        )
        assert walk.ask("SELECT DISTINCT state FROM archive_bundles") == [("expired",)]
        assert walk.approved_by() == {"ann"}
        assert walk.kills > kills

    def leaves_the_facts_after_90_days_where_nothing_holds_it(self):
        walk, kills = self.walk, self.walk.kills
        another_day_comes_in(walk, self.dbt)
        self.check.roll_ups = walk.roll_ups()
        self.indicators = walk.indicators(LATER_DAY)
        said = self.maintain(DAY + timedelta(days=90))
        assert walk.facts(DAY) == self.check.facts
        # March's answers were archived only now, late, and are too old already: nobody was asked about so many.
        assert said["expire"].startswith("refused: nothing is deleted by expire")
        assert set(walk.archived()) == set(walk.payloads) - self.noon - self.midnight
        self.check.expired = set(walk.payloads)
        self.check.facts = {"ETHUSDT": 1440, "SOLUSDT": A_PAGE}
        said = self.maintain(DAY + timedelta(days=91))
        assert walk.facts(DAY) == self.check.facts, said
        assert walk.facts(LATER_DAY) == dict.fromkeys(walk.symbols, 1440)
        spans = (
            "SELECT symbol, from_time, to_time FROM expired_spans WHERE data_type = 'klines' AND interval_code = '1m'"
        )
        assert walk.ask(spans) == [("BTCUSDT", DAY, NEXT_DAY)]
        assert {symbol for _, symbol, _ in walk.events("retention", "kept")} >= {"SOLUSDT"}
        marts = walk.config.marts_schema
        assert walk.rows(f"{marts}.fact_orderbook", f"captured_at < '{NEXT_DAY}'") == 0
        assert walk.rows(f"{marts}.orderbook_metrics", f"captured_at < '{NEXT_DAY}'") > 0
        assert walk.rows(f"{marts}.indicators_1m", f"symbol = 'BTCUSDT' AND open_time < '{NEXT_DAY}'") == 0
        assert walk.kills > kills

    def leaves_hours_days_and_later_indicators_for_ever(self):
        self.dbt(*MINUTE, "--full-refresh")
        self.check()
        assert self.walk.indicators(LATER_DAY) == self.indicators


def another_day_comes_in(walk, dbt):
    """A day in March, as if the platform had stood still in between."""
    last = LATER_DAY - timedelta(minutes=1)
    walk.ask("UPDATE extraction_metadata SET last_open_time = %s WHERE data_type = 'klines'", last)
    walk.set_clock(LATER_DAY + timedelta(days=1, seconds=30))
    walk.capture()
    build(walk, dbt)


def build(walk, dbt):
    """The minute path builds; hourly models and quality rules, which are not looked at here, are done with their loads."""
    dbt(*MINUTE)
    walk.ask("DELETE FROM pending_loads")
