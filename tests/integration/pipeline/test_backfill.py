"""Backfills on real servers and the simulated exchange: every road ends in the same facts."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from candlewick.demo.recordings import read
from candlewick.demo.testing import RunningExchange
from candlewick.pipeline.backfill.report import BackfillIncomplete
from candlewick.pipeline.backfill.request import RequestRefused
from candlewick.warehouse.database import from_ms, to_ms
from support.archive_files import day, published
from support.backfilling import Backfilling

TWO_DAYS = {"start": "2024-05-29", "end": "2024-05-30"}
APRIL = {"start": "2024-04-01", "end": "2024-04-30", "interval": "1h"}
BY_DAY = [("archive_daily", "done", 1440)] * 2
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
    again = backfilling.run(**files, symbols=["BTCUSDT", "ETHUSDT"])
    assert again == [("files", "unchanged", 0), ("files", "missing", 0)]
    assert backfilling.parts("run 2", "p.from_time, p.to_time") == spans
    with pytest.raises(RequestRefused, match="expected a folder below"):
        backfilling.run(**(files | {"folder": "../elsewhere"}))


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
