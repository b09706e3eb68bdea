"""Backfills on real servers and the simulated exchange: every road ends in the same facts, and nothing is asked twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from candlewick.demo.recordings import read
from candlewick.demo.testing import RunningExchange
from candlewick.exchange.errors import IpBanned, Unavailable
from candlewick.pipeline.backfill import give_way
from candlewick.pipeline.backfill.report import BackfillIncomplete
from candlewick.pipeline.backfill.request import RequestRefused
from candlewick.warehouse.database import from_ms, to_ms
from support.archive_files import day, published
from support.backfilling import Backfilling, WarmDbt
from support.minute_path import NOON, cycle, watermark
from support.places import DBT

NOW = NOON + timedelta(seconds=30)
TWO_DAYS = {"start": "2024-05-29", "end": "2024-05-30"}
APRIL = {"start": "2024-04-01", "end": "2024-04-30", "interval": "1h"}
BY_DAY = [("archive_daily", "done", 1440)] * 2


@pytest.fixture(scope="module")
def warm_dbt(tmp_path_factory):
    made = WarmDbt(DBT, tmp_path_factory.mktemp("dbt"))
    yield made
    made.stop()


@pytest.fixture
def backfilling(market, lake, warehouse):
    return Backfilling(market, lake, warehouse, NOW)


@pytest.fixture
def merge(warm_dbt, database, config):
    """Merge into the facts what was not inserted directly."""
    return lambda *arguments, lane="backfill": warm_dbt.run(database, config, lane, *arguments)


def test_archive_and_rest_end_in_identical_facts(backfilling, merge):
    merge()
    for symbol, source in (("BTCUSDT", "archive"), ("ETHUSDT", "rest"), ("BNBUSDT", "auto")):
        backfilling.run(**TWO_DAYS, source=source, symbols=[symbol])
    by_rest = backfilling.facts("ETHUSDT")
    backfilling.run(**TWO_DAYS, source="archive", symbols=["ETHUSDT"])
    merge()

    assert [len(backfilling.facts(symbol)) for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT")] == [2880] * 3
    assert backfilling.facts("ETHUSDT") == by_rest
    assert {row[0] for row in backfilling.facts("ETHUSDT", columns="source")} == {"archive_daily"}
    assert backfilling.ask("SELECT * FROM kline_revisions") == []
    assert backfilling.ask("SELECT * FROM pending_loads WHERE model = 'fact_klines'") == []


def test_auto_takes_months_days_and_rest_and_the_report_tells(backfilling):
    parts = backfilling.run(start="2024-03-30", end="2024-06-01", interval="4h")

    assert parts == [
        ("archive_daily", "done", 6), ("archive_daily", "done", 6), ("archive_monthly", "done", 180),
        ("archive_monthly", "done", 186), ("rest", "done", 3),
    ]  # fmt: skip
    assert backfilling.report().startswith("5 of 5 parts, 381 rows")
    assert backfilling.ask("SELECT state, is_kept, source FROM backfills") == [("finished", 1, "auto")]
    staged = [row[0] for row in backfilling.ask("SELECT open_time FROM staging_klines ORDER BY 1")]
    assert staged == [datetime(2024, 3, 30) + timedelta(hours=4 * n) for n in range(381)]


@pytest.mark.parametrize("interval", ["5m", "15m", "1d"])
def test_higher_intervals_are_brought_as_the_exchange_has_them(backfilling, market, interval):
    backfilling.run(**TWO_DAYS, interval=interval)

    rows = market.get("/api/v3/klines", symbol="BTCUSDT", interval=interval, startTime=to_ms(datetime(2024, 5, 29)),
                      endTime=to_ms(datetime(2024, 5, 31)) - 1, limit=1000).json()  # fmt: skip
    staged = backfilling.ask("SELECT open_time, open_price, trade_count FROM staging_klines ORDER BY 1")
    assert staged == [(from_ms(row[0]), Decimal(row[1]), row[8]) for row in rows]


@pytest.mark.parametrize("source", ["auto", "archive"])
def test_a_month_without_a_file_comes_by_its_days(backfilling, market, source):
    market.add_faults({"kind": "404", "path": "monthly"})

    assert backfilling.run(**APRIL, source=source) == [("archive_monthly", "done", 720)]
    assert backfilling.parts("run 1", "reason") == [("no monthly file",)]
    assert backfilling.ask("SELECT DISTINCT source FROM staging_klines") == [("archive_daily",)]


def test_days_without_a_file_come_by_rest_and_stay_missing_when_only_the_archive_may_be_asked(backfilling, market):
    market.add_faults({"kind": "404", "path": "monthly"}, {"kind": "404", "path": "2024-04-09"},
                      {"kind": "404", "path": "2024-04-10"})  # fmt: skip

    assert backfilling.run(**APRIL, source="archive") == [("archive_monthly", "done", 672)]
    assert "no file of 2024-04-09, 2024-04-10" in backfilling.parts("run 1", "reason")[0][0]
    assert backfilling.run(**APRIL) == [("archive_monthly", "done", 48)]
    assert backfilling.ask("SELECT source, COUNT(*) FROM staging_klines GROUP BY source") == [
        ("archive_daily", 672), ("rest", 48),
    ]  # fmt: skip


@pytest.mark.parametrize("fault", ["bad_checksum", "corrupt_zip"])
def test_a_file_that_cannot_be_trusted_is_replaced_by_rest_or_fails_its_part(backfilling, market, fault):
    market.add_faults({"kind": fault, "path": "2024-05-29"})

    assert backfilling.run(**TWO_DAYS, source="archive") == [("archive_daily", "failed", 0), BY_DAY[0]]
    with pytest.raises(BackfillIncomplete, match="1 failed"):
        backfilling.report()
    assert backfilling.ask("SELECT state FROM backfills") == [("incomplete",)]
    assert backfilling.run(**TWO_DAYS) == [BY_DAY[0], ("archive_daily", "unchanged", 0)]
    assert "2024-05-29" in backfilling.parts("run 2", "reason")[0][0]
    backfilling.report()


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


def test_where_month_and_day_disagree_the_newer_capture_stands_and_the_other_is_kept(backfilling, merge, market):
    merge()
    backfilling.run(start="2024-04-01", end="2024-04-29", interval="1h")
    market.add_faults({"kind": "republished", "path": "monthly"})
    backfilling.run(**APRIL)
    merge()

    facts = backfilling.facts(interval="1h", columns="open_time, source")
    assert len(facts) == 720
    assert {source for _, source in facts} == {"archive_monthly"}
    revisions = backfilling.ask("SELECT lost_source, kept_source FROM kline_revisions")
    assert revisions == [("archive_daily", "archive_monthly")]


def test_candles_that_are_gone_are_loaded_again_from_an_unchanged_file(backfilling, merge, config):
    merge()
    backfilling.run(**TWO_DAYS)
    backfilling.ask(f"DELETE FROM {config.marts_schema}.fact_klines WHERE open_time < '2024-05-30'")

    assert backfilling.run(**TWO_DAYS) == [BY_DAY[0], ("archive_daily", "unchanged", 0)]
    assert len(backfilling.facts()) == 2880


def test_nothing_is_asked_before_the_listing_and_a_later_symbol_has_no_parts(backfilling, market):
    market.set_symbol("NEWUSDT", listed=to_ms(datetime(2024, 5, 29, 15)))
    parts = backfilling.run(start="2024-05-20", end="2024-05-30", symbols=["NEWUSDT"])

    assert parts == [("archive_daily", "done", 540), ("archive_daily", "done", 1440)]
    assert backfilling.run(start="2024-05-01", end="2024-05-10", symbols=["NEWUSDT"]) == []
    assert backfilling.ask("SELECT state FROM backfills ORDER BY backfill_id DESC LIMIT 1") == [("finished",)]


def test_a_delisted_symbol_that_only_the_archive_has_comes_from_there(backfilling, market):
    market.set_symbol("BTCUSDT", status="DELISTED")

    with pytest.raises(RequestRefused, match="expected symbols the exchange knows, got BTCUSDT"):
        backfilling.run(**TWO_DAYS)
    assert backfilling.run(**TWO_DAYS, source="archive") == BY_DAY


def test_a_symbol_nobody_has_fails_the_report(backfilling):
    assert (
        backfilling.run(**TWO_DAYS, source="archive", symbols=["NOSUCHUSDT"]) == [("archive_daily", "missing", 0)] * 2
    )
    with pytest.raises(BackfillIncomplete, match="expected files of NOSUCHUSDT, but there is not one"):
        backfilling.report()


def test_one_part_without_an_answer_does_not_stop_the_others(backfilling, market):
    market.add_faults({"kind": "500", "path": "2024-05-29"})
    run_id, tasks = backfilling.plan(**TWO_DAYS)

    with pytest.raises(Unavailable):
        backfilling.work(run_id, tasks)
    assert backfilling.parts(run_id) == [("archive_daily", "pending", 0), BY_DAY[0]]
    with pytest.raises(BackfillIncomplete, match="1 had no answer"):
        backfilling.report()
    market.clear_faults()
    backfilling.work(run_id, tasks)
    assert backfilling.parts(run_id) == BY_DAY


def test_a_ban_stops_the_task_at_once(backfilling, market):
    run_id, tasks = backfilling.plan(start="2024-05-01", end="2024-05-31", source="rest")
    market.add_faults({"kind": "418", "path": "klines", "count": 1})
    backfilling.asked()

    with pytest.raises(IpBanned):
        backfilling.work(run_id, tasks)
    assert len(backfilling.asked()) == 1
    assert {row[1] for row in backfilling.parts(run_id)} == {"pending"}


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


def test_the_live_watermark_does_not_move_and_live_loads_stay_on_their_lane(
    backfilling, binance, lake, warehouse, monkeypatch
):
    monkeypatch.setattr(give_way, "MOST_SECONDS", 0.0)  # no dbt builds what the cycle loads
    cycle(binance, lake, warehouse)
    mark = watermark(warehouse)
    backfilling.run(start="2024-05-31", end="2024-06-01")

    assert watermark(warehouse) == mark
    lanes = backfilling.ask("SELECT lane, COUNT(*) FROM loads GROUP BY lane ORDER BY lane")
    assert lanes == [("backfill", 2), ("live", 1)]


def test_fresh_candles_go_first_but_are_not_waited_for_for_ever(backfilling, binance, lake, warehouse, monkeypatch):
    cycle(binance, lake, warehouse)  # loaded, and dbt has not built it
    monkeypatch.setattr(give_way, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(give_way, "MOST_SECONDS", 0.2)
    way = give_way.GiveWay(warehouse)

    assert way.wait() >= 0.2
    assert way.wait() < 0.1
    backfilling.ask("UPDATE pending_loads SET model = 'hourly_klines' WHERE model = 'fact_klines'")
    backfilling.ask("DELETE FROM pending_loads WHERE model = 'fact_orderbook'")
    assert give_way.GiveWay(warehouse).wait() < 0.1, "what is built from the facts is not waited for"


def test_local_files_are_loaded_and_their_part_says_which_span_they_have(backfilling, config, tmp_path):
    folder = tmp_path / "files" / "old"
    folder.mkdir(parents=True)
    backfilling.warehouse.config = config.model_copy(update={"files_dir": tmp_path / "files"})
    for text in ("2024-05-29", "2024-05-30"):
        (folder / f"BTCUSDT-1m-{text}.zip").write_bytes(published(day(text)))
    (folder / "BTCUSDT-1m-2024-05-28.zip").write_bytes(b"no zip")
    files = {"start": "2024-01-01", "end": "2024-06-01", "source": "files", "folder": "old"}

    assert backfilling.run(**files, symbols=["BTCUSDT", "ETHUSDT"]) == [
        ("files", "done", 2880),
        ("files", "missing", 0),
    ]
    spans = backfilling.parts("run 1", "p.from_time, p.to_time")
    assert spans[0] == (datetime(2024, 5, 29), datetime(2024, 5, 31))
    assert "BTCUSDT-1m-2024-05-28.zip" in backfilling.parts("run 1", "reason")[0][0]
    with pytest.raises(BackfillIncomplete, match="expected files of ETHUSDT"):
        backfilling.report("run 1")
    assert backfilling.run(**files) == [("files", "unchanged", 0)]
    with pytest.raises(RequestRefused, match="expected a folder below"):
        backfilling.run(**(files | {"folder": "../elsewhere"}))


RECORDED = [
    *((symbol, "1m", "2023-03-22", "2023-03-26") for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ARBUSDT")),
    ("BTCUSDT", "1m", "2020-01-01", "2020-01-03"),
    ("SOLUSDT", "1m", "2023-02-13", "2023-02-15"),
    ("ARBUSDT", "1m", "2023-07-26", "2023-07-28"),
    ("BTCUSDT", "15m", "2024-12-31", "2025-01-01"),
    ("BTCUSDT", "1h", "2024-12-31", "2025-01-01"),
]
RAW = (
    "fact_klines",
    "staging_klines",
    "loads",
    "pending_loads",
    "processed_files",
    "extraction_outcomes",
    "archive_files",
)


@pytest.mark.recordings
def test_what_the_exchange_really_published_comes_by_archive_and_rest_as_it_was_recorded(
    recordings, lake, warehouse, merge, config
):
    found = read(recordings)
    now = datetime(2025, 1, 2, 13)
    with RunningExchange(replay=recordings) as exchange:
        exchange.set_clock(f"{now.isoformat()}Z")
        backfilling = Backfilling(exchange, lake, warehouse, now)
        merge()
        for source in ("archive", "rest"):
            for table in RAW:
                schema = config.marts_schema if table.startswith("fact") else config.raw_schema
                backfilling.ask(f"DELETE FROM {schema}.{table}")
            for symbol, interval, start, end in RECORDED:
                backfilling.run(symbols=[symbol], interval=interval, start=start, end=end, source=source)
            assert backfilling.ask("SELECT * FROM pending_loads WHERE model = 'fact_klines'") == []
            for symbol, interval in dict.fromkeys(one[:2] for one in RECORDED):
                facts = backfilling.facts(symbol, interval)
                spans = [one[2:] for one in RECORDED if one[:2] == (symbol, interval)]
                assert facts == [(*row, 1) for row in recorded(found, symbol, interval, spans)], (
                    symbol,
                    interval,
                    source,
                )


def recorded(found, symbol, interval, spans):
    """The recording's candles of days, as facts hold them."""
    days = [(datetime.fromisoformat(start), datetime.fromisoformat(end) + timedelta(days=1)) for start, end in spans]
    rows = []
    for row in found.rows[symbol, interval].values():
        opened = from_ms(row[0])
        if any(start <= opened < end for start, end in days):
            prices = [Decimal(value) for value in row[1:6]]
            volumes = [Decimal(value) for value in row[9:11]]
            rows.append((opened, *prices, from_ms(row[6]), Decimal(row[7]), row[8], *volumes))
    return rows
