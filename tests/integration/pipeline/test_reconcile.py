"""What we have against the exchange's own candles and the archive, on real servers and the simulated exchange."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest

from candlewick.demo.testing import RunningExchange
from candlewick.exchange.errors import ExchangeError
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.gaps.detect import detect
from candlewick.pipeline.gaps.fetch import fetch_due
from candlewick.pipeline.gaps.settle import classify_open
from candlewick.pipeline.reconcile import Wanted, choose, disagreements, fetch_candles, fetch_files, fetch_republished
from candlewick.pipeline.reconcile_request import ReconcileRequest, RequestRefused
from candlewick.warehouse.database import to_ms
from support.backfilling import Backfilling, WarmDbt
from support.places import DBT

NOW = datetime(2024, 6, 1, 12, 0, 30)
DAYS = {"start": "2024-05-29", "end": "2024-05-30"}
TRADED, LATE = datetime(2024, 5, 29, 16, 39), datetime(2024, 5, 30, 10, 3)
MINUTE = timedelta(minutes=1)
BUILD = ("--select", "tag:minute", "minutes_heard", "reconciliation_daily")


@pytest.fixture(scope="module")
def warm_dbt(tmp_path_factory):
    made = WarmDbt(DBT, tmp_path_factory.mktemp("dbt"))
    yield made
    made.stop()


class Reconciling(Backfilling):
    """A market_reconcile without Airflow."""

    def __init__(self, market, lake, warehouse, now, build):
        super().__init__(market, lake, warehouse, now)
        self.build = build

    def choose(self, **params):
        return choose(self.warehouse, ReconcileRequest.read(params, self.now), now=self.now)

    def fetch(self, fetch, *arguments):
        with self.tools("reconcile") as tools:
            return fetch(tools, *arguments)

    def reconcile(self, **params):
        wanted = self.choose(**params)
        self.fetch(fetch_candles, wanted)
        self.fetch(fetch_files, wanted)
        self.compare()

    def compare(self):
        load_backlog(self.lake, self.warehouse, "reconcile")
        self.build()

    def hunt_gaps(self):
        with self.tools("gaps") as tools:
            detect(self.warehouse, now=self.now)
            fetch_due(tools, now=self.now)
            self.build()
            detect(self.warehouse, now=self.now)
            classify_open(tools, now=self.now)

    def explain(self, symbol, reason, start, end):
        with self.warehouse.session() as session:
            session.run(
                "INSERT INTO gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status,"
                " detected_at, updated_at) VALUES ('binance', %s, 'klines', '1m', %s, %s, %s, %s, 'explained', %s, %s)",
                (symbol, start, end, (end - start) // MINUTE, reason, self.now, self.now),
            )

    def found(self, columns="difference_count, explained_count", where="TRUE"):
        return self.ask(
            f"SELECT symbol, DAY(date), check_name, {columns} FROM {self.config.marts_schema}.reconciliation_daily "
            f"WHERE {where} ORDER BY symbol, date, check_name"
        )


@pytest.fixture
def open_at(lake, warehouse, warm_dbt, database, config):
    """Open a reconciliation on an exchange, its facts built empty."""

    def open_(market, now):
        made = Reconciling(market, lake, warehouse, now, lambda: warm_dbt.run(database, config, "backfill", *BUILD))
        made.build()
        return made

    return open_


@pytest.fixture
def reconciling(open_at, market):
    return open_at(market, NOW)


def test_a_hole_and_an_outage_are_differences_until_the_ledger_names_them(reconciling, market):
    down = {"start": to_ms(LATE), "end": to_ms(LATE + 80 * MINUTE)}
    market.add_faults(
        {"kind": "hole", "symbol": "BTCUSDT", "start": to_ms(TRADED), "end": to_ms(TRADED + MINUTE)},
        {"kind": "outage", **down},
    )
    reconciling.run(**DAYS, source="archive", symbols=["BTCUSDT", "ETHUSDT"])
    reconciling.build()
    assert [(one.symbol, len(one.hours), len(one.days), one.files) for one in reconciling.choose()] == [
        ("BTCUSDT", 2, 2, ()), ("ETHUSDT", 2, 2, ()),
    ]  # fmt: skip

    reconciling.reconcile()

    checks = [(symbol, day, check) for symbol in ("BTCUSDT", "ETHUSDT") for day in (29, 30) for check in ("1d", "1h")]
    holed = {("BTCUSDT", 29, "1d"): 1, ("BTCUSDT", 29, "1h"): 1}
    assert reconciling.found() == [(*check, holed.get(check, 0), 0) for check in checks]
    assert [(one.symbol, one.check, one.first) for one in disagreements(reconciling.warehouse)] == [
        ("BTCUSDT", "1d", datetime(2024, 5, 29)), ("BTCUSDT", "1h", datetime(2024, 5, 29, 16)),
    ]  # fmt: skip
    assert {row[3] for row in reconciling.found("bucket_count", "check_name = '1h' AND DAY(date) = 29")} == {24}
    assert {row[3] for row in reconciling.found("bucket_count", "check_name = '1h' AND DAY(date) = 30")} == {24}

    reconciling.explain("BTCUSDT", "archive_hole", TRADED, TRADED + MINUTE)
    reconciling.compare()

    assert reconciling.found("explained_count, explanation", "difference_count > 0") == [
        ("BTCUSDT", 29, check, 1, "archive_hole 2024-05-29 16:39 (1 minute)") for check in ("1d", "1h")
    ]
    assert disagreements(reconciling.warehouse) == []
    assert reconciling.choose() == []
    reconciling.asked()
    reconciling.reconcile()
    assert reconciling.asked() == []


def test_the_exchanges_hours_that_a_gap_was_judged_by_are_no_reason_for_a_dispute(reconciling, market):
    market.add_faults({"kind": "outage", "start": to_ms(LATE), "end": to_ms(LATE + 80 * MINUTE)})
    reconciling.run(**DAYS, source="archive")
    reconciling.build()
    reconciling.hunt_gaps()
    reconciling.build()

    assert reconciling.found(where="check_name = '1h'") == [("BTCUSDT", 30, "1h", 0, 0)]


def test_a_day_of_which_only_some_hours_were_asked_for_is_asked_for_again(reconciling):
    reconciling.run(**DAYS, source="archive")
    reconciling.run(start="2024-05-30T10:00:00Z", end="2024-05-30T12:00:00Z", source="rest", interval="1h")
    reconciling.build()
    assert reconciling.found("unexplained_count") == [("BTCUSDT", 30, "1h", 22)]
    assert [one.hours for one in reconciling.choose()] == [(date(2024, 5, 29), date(2024, 5, 30))]

    reconciling.reconcile()

    assert disagreements(reconciling.warehouse) == []
    assert reconciling.choose() == []


def test_what_rest_said_too_early_is_set_against_the_archive(reconciling, market):
    market.set_clock("2024-05-30T10:04:02Z")
    market.add_faults({"kind": "late_revision", "symbol": "BTCUSDT", "seconds": 300})
    reconciling.now = datetime(2024, 5, 30, 10, 4, 2)
    reconciling.run(start="2024-05-30", end="2024-05-30", source="rest")
    market.clear_faults()
    market.set_clock("2024-06-01T12:00:30Z")
    reconciling.now = NOW
    reconciling.run(start="2024-05-30", end="2024-05-30", source="rest")
    reconciling.build()
    with reconciling.warehouse.session() as session:
        session.run("UPDATE tracked_symbols SET active = 1")
    (wanted,) = reconciling.choose()
    assert wanted.files == (date(2024, 5, 30),)

    reconciling.reconcile()

    ((_, _, _, minutes, differing, explained, first, why),) = reconciling.found(
        "bucket_count, difference_count, explained_count, first_offending_bucket, explanation",
        "check_name = 'rest_vs_archive'",
    )
    assert minutes == 1440
    assert differing == explained > 0
    assert why.startswith(f"revision {first:%Y-%m-%d %H:%M} (archive_daily instead of rest)")
    assert disagreements(reconciling.warehouse) == []


@pytest.mark.parametrize(("fault", "explained"), [("hole", 1), ("bad_rows", 0)])
def test_a_minute_that_the_archives_verified_file_lacks_is_a_hole_of_it(reconciling, market, fault, explained):
    reconciling.run(start="2024-05-30", end="2024-05-30", source="rest")
    reconciling.build()
    with reconciling.warehouse.session() as session:
        session.run("UPDATE tracked_symbols SET active = 1")
    if fault == "hole":
        market.add_faults({"kind": "hole", "symbol": "BTCUSDT", "start": to_ms(LATE), "end": to_ms(LATE + MINUTE)})
    else:
        market.add_faults({"kind": "bad_rows", "path": "/data/", "symbol": "BTCUSDT", "variants": ["high_below_low"]})
    reconciling.reconcile()

    ((*_, differing, found, why),) = reconciling.found(
        "difference_count, explained_count, explanation", "check_name = 'rest_vs_archive'"
    )
    assert (differing, found) == (1, explained)
    assert why == ("archive_hole 2024-05-30 10:03 (not in BTCUSDT-1m-2024-05-30.zip)" if explained else None)


def test_a_symbol_that_is_refused_does_not_stop_the_others_and_is_asked_for_again(reconciling, market):
    reconciling.run(**DAYS, source="archive", symbols=["BTCUSDT", "ETHUSDT"])
    reconciling.build()
    wanted = reconciling.choose()
    market.add_faults({"kind": "garbage", "symbol": "BTCUSDT", "path": "klines"})

    came = reconciling.fetch(fetch_candles, wanted)

    assert (came.objects, came.rows, list(came.failed)) == (2, 50, ["BTCUSDT"])
    reconciling.compare()
    assert {row[0] for row in reconciling.found()} == {"ETHUSDT"}
    assert [one.symbol for one in reconciling.choose()] == ["BTCUSDT"]
    with pytest.raises(ExchangeError):
        reconciling.fetch(fetch_candles, reconciling.choose())


def test_a_file_that_was_published_again_is_noticed_and_only_it_is_loaded(reconciling, market):
    reconciling.run(**DAYS, source="archive")
    reconciling.build()
    reconciling.reconcile()
    market.add_faults({"kind": "republished", "symbol": "BTCUSDT", "path": "2024-05-29"})
    reconciling.asked()

    came = reconciling.fetch(fetch_republished)
    reconciling.compare()

    assert came.objects == 1
    assert [path for path in reconciling.asked() if path.endswith(".zip")] == [
        "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-29.zip"
    ]
    changed = reconciling.ask("SELECT DISTINCT DATE(open_time), kept_source FROM kline_revisions")
    assert changed == [(date(2024, 5, 29), "archive_daily")]
    ((_, _, _, differing, unexplained),) = reconciling.found(
        "difference_count, unexplained_count", "check_name = '1h' AND DAY(date) = 29"
    )
    assert differing > 0
    assert unexplained == 0  # what the exchange's hours have more is exactly what the revised minutes lost


def test_days_are_compared_newest_first_as_many_as_a_run_may(reconciling):
    reconciling.run(start="2024-05-20", end="2024-05-30", source="archive")
    reconciling.build()

    (newest,) = reconciling.choose(days=3)
    (span,) = reconciling.choose(**{"from": "2024-05-22", "to": "2024-05-25"})

    assert newest.hours == newest.days == (date(2024, 5, 28), date(2024, 5, 29), date(2024, 5, 30))
    assert span.hours == tuple(date(2024, 5, day) for day in range(22, 26))
    assert Wanted.of_words(span.as_words()) == span
    assert reconciling.choose(symbols=["ETHUSDT"]) == []


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"from": "2024-05-02", "to": "2024-05-01"}, "expected to on or after from"),
        ({"to": "2024-06-01"}, "expected to before today, 2024-06-01"),
        ({"from": "2024-13-01"}, "expected from as a day like"),
        ({"from": "2016-01-01"}, "expected from on 2017-07-01 or later"),
        ({"symbols": ["btc/usdt"]}, "expected symbols as the exchange writes them"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(params, sentence):
    with pytest.raises(RequestRefused, match=sentence):
        ReconcileRequest.read(params, NOW)


@contextmanager
def replayed(recordings):
    with RunningExchange(replay=recordings) as exchange:
        exchange.set_clock("2023-08-01T12:00:00Z")
        yield exchange


@pytest.mark.recordings
def test_what_the_exchange_really_published_has_no_unexplained_difference(recordings, open_at):
    with replayed(recordings) as market:
        real = open_at(market, datetime(2023, 8, 1, 12))
        four = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "ARBUSDT"]
        real.run(start="2023-03-22", end="2023-03-26", source="archive", symbols=four)
        real.run(start="2023-02-13", end="2023-02-15", source="archive", symbols=["SOLUSDT"])
        real.run(start="2023-07-26", end="2023-07-28", source="archive", symbols=["ARBUSDT"])
        real.build()
        real.hunt_gaps()
        real.reconcile(**{"from": "2023-02-01"})

        assert disagreements(real.warehouse) == []
        compared = real.found("bucket_count, difference_count, explanation")
        assert [row for row in compared if row[4]] == [
            ("SOLUSDT", 14, "1h", 24, 1, "archive_hole 2023-02-14 16:39 (1 minute)")
        ]
        outage = {(row[0], row[3]) for row in compared if row[2] == "1h" and row[1] == 24}
        assert outage == {(symbol, 23) for symbol in four}  # neither side has the hour of 13:00
        assert ("ARBUSDT", 23, "1h", 9, 0, None) in compared  # listed at 15:00
        assert ("ARBUSDT", 27, "1h", 4, 0, None) in compared  # its files end at 03:49
