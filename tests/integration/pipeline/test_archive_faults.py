"""Whatever is wrong with an archive file, it ends in the right facts and the right row of the ledger."""

from __future__ import annotations

import io
import zipfile
from contextlib import closing
from datetime import date, datetime

import pytest

from candlewick.archive_file import ArchiveFile
from candlewick.demo.testing import RunningExchange
from candlewick.exchange.archive import from_connection
from candlewick.exchange.errors import Unavailable
from candlewick.market import Interval
from candlewick.pipeline.archive_fetch import fetch_file, republished_files
from candlewick.pipeline.bulk import load_objects
from candlewick.warehouse.database import to_ms
from support.marts import build_facts
from support.minute_path import ask
from support.ports import free_port

FILE = ArchiveFile.of_day("ETHUSDT", Interval.MINUTE_1, date(2024, 5, 20))
TODAY = datetime(2024, 6, 1)


@pytest.fixture(autouse=True)
def built(database, warehouse, dbt):
    build_facts(database, warehouse, dbt)


@pytest.fixture
def bring(market, lake, warehouse, config):
    """Fetch and load the file; return what the fetch said."""

    def run(url=market.url):
        with closing(from_connection(url, {}, config)) as archive:
            found = fetch_file(archive, lake, warehouse, FILE, "run")
        if found.object_id:
            load_objects(lake, warehouse, "run", [found.object_id])
        return found.state

    return run


def facts(warehouse):
    marts = warehouse.config.marts_schema
    rows = ask(
        warehouse,
        "SELECT open_time, open_price, high_price, low_price, close_price, volume, quote_volume, trade_count, "
        f"taker_buy_volume, taker_buy_quote_volume FROM {marts}.fact_klines WHERE is_final AND source = 'archive_daily' "
        "ORDER BY open_time",
    )
    return [[to_ms(row[0]), *map(str, row[1:7]), row[7], *map(str, row[8:])] for row in rows]


def served(market):
    """The candles of the file as the archive has it now."""
    with zipfile.ZipFile(io.BytesIO(market.get(f"/{FILE.path}").content)) as packed:
        lines = packed.read(packed.namelist()[0]).decode().splitlines()
    rows = [line.split(",") for line in lines]
    return [[int(r[0]), *r[1:6], r[7], int(r[8]), r[9], r[10]] for r in rows if r[0].isdecimal()]


def ledger(warehouse):
    return ask(warehouse, "SELECT state, editions FROM archive_files")[0]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cutoff", "suffix": ".zip", "count": 2},
        {"kind": "cutoff", "suffix": ".CHECKSUM", "count": 2},
        {"kind": "corrupt_zip", "suffix": ".zip", "count": 1},
        {"kind": "bad_checksum", "count": 1},
        {"kind": "garbage", "suffix": ".zip", "count": 1},
        {"kind": "html", "count": 1},
        {"kind": "503", "count": 2},
        {"kind": "429", "count": 1, "retry_after": 0},
        {"kind": "bare_checksum"},
        {"kind": "header"},
        {"kind": "truncated", "rows": 230},
        {"kind": "404", "path": "monthly"},
        {"kind": "bad_checksum", "path": "monthly"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_fault_that_passes_or_does_no_harm_ends_in_the_files_own_candles(bring, warehouse, market, fault):
    market.add_faults(fault)

    assert bring() == "stored"
    assert facts(warehouse) == served(market)
    assert ledger(warehouse) == ("loaded", 1)
    assert ask(warehouse, "SELECT COUNT(*) FROM quarantined_rows") == [(0,)]


@pytest.mark.parametrize(
    ("fault", "states", "rejected"),
    [
        ({"kind": "404"}, ("missing", "missing"), []),
        ({"kind": "bad_checksum"}, ("refused", "refused"), ["checksum_mismatch"]),
        ({"kind": "corrupt_zip", "checksum_of": "true"}, ("refused", "refused"), ["checksum_mismatch"]),
        ({"kind": "corrupt_zip"}, ("stored", "refused"), ["bad_archive"]),
    ],
    ids=["missing", "wrong checksum", "damaged on its way", "damaged by its publisher"],
)
def test_a_file_that_cannot_be_had_gives_no_facts_until_it_can(
    bring, warehouse, market, config, fault, states, rejected
):
    market.add_faults(fault)

    assert (bring(), ledger(warehouse)[0]) == states
    assert facts(warehouse) == []
    assert [row[0] for row in ask(warehouse, "SELECT reason FROM quarantined_rows")] == rejected
    assert bring() == states[1]
    market.clear_faults()
    with closing(from_connection(market.url, {}, config)) as archive:
        assert republished_files(archive, warehouse, config, now=TODAY) == [FILE]
    assert bring() == "stored"
    assert facts(warehouse) == served(market)
    assert ledger(warehouse)[0] == "loaded"


def test_an_archive_that_dies_between_a_checksum_and_its_file_is_asked_again_once_it_is_back(
    bring, lake, warehouse, config
):
    port = free_port()
    with RunningExchange(ports=0, port=port) as dying, closing(from_connection(dying.url, {}, config)) as archive:
        dying.set_clock("2024-06-01T00:00:00Z")
        published = archive.checksum(FILE)
        dying.stop()
        archive.checksum = lambda _: published
        with pytest.raises(Unavailable):
            fetch_file(archive, lake, warehouse, FILE, "run")
    assert facts(warehouse) == []
    assert ask(warehouse, "SELECT COUNT(*) FROM archive_files") == [(0,)]

    with RunningExchange(ports=0, port=port) as back:
        back.set_clock("2024-06-01T00:00:00Z")
        assert bring(back.url) == "stored"
        assert facts(warehouse) == served(back)
    assert ledger(warehouse) == ("loaded", 1)
