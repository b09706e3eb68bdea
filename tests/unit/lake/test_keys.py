"""Names of objects: what is written can be read, and nothing else is taken for it."""

from __future__ import annotations

from datetime import date

import pytest

from candlewick.archive_file import ArchiveFile
from candlewick.lake.keys import (
    BundleKey,
    RawKey,
    archive_key,
    bundle_key,
    checksum_key,
    parse_archive_key,
    parse_bundle_key,
    parse_raw_key,
    raw_key,
    refused_key,
)
from candlewick.market import DataType, Interval

AT = 1_700_000_000_000
MONTH = ArchiveFile.of_month("BTCUSDT", Interval.MINUTE_1, date(2023, 3, 5))
DAY = ArchiveFile.of_day("1000SATSUSDT", Interval.HOUR_4, date(2024, 2, 29))


def test_an_edition_lies_where_the_archive_has_the_file_with_its_capture_in_the_name():
    key = archive_key(MONTH, AT)

    assert key == "archive/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03_1700000000000.zip"
    assert checksum_key(key) == f"{key}.CHECKSUM"
    assert refused_key(MONTH, AT) == "refused/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03_1700000000000.zip"


@pytest.mark.parametrize("file", [MONTH, DAY])
def test_an_editions_key_leads_back_to_the_file(file):
    assert parse_archive_key(archive_key(file, AT)) == (file, AT)


@pytest.mark.parametrize(
    "key",
    [
        checksum_key(archive_key(MONTH, AT)),
        refused_key(MONTH, AT),
        archive_key(MONTH, AT).replace("monthly", "daily"),
        archive_key(MONTH, AT).replace("/BTCUSDT/", "/ETHUSDT/"),
        archive_key(MONTH, AT).replace("2023-03", "2023-13"),
        archive_key(MONTH, AT).replace("_1700000000000", ""),
        raw_key("BTCUSDT", DataType.KLINES, Interval.MINUTE_1, AT),
        "",
    ],
)
def test_other_keys_are_no_editions(key):
    assert parse_archive_key(key) is None


@pytest.mark.parametrize("data_type", DataType)
@pytest.mark.parametrize("interval", [None, *Interval])
@pytest.mark.parametrize("page", [1, 12])
def test_an_answers_key_leads_back_to_the_question(data_type, interval, page):
    kept = interval or Interval.MINUTE_1 if data_type is DataType.KLINES else None
    key = raw_key("BTC_USDT", data_type, kept, AT, page)

    assert parse_raw_key(key) == RawKey("BTC_USDT", data_type, kept, AT, page)


def test_an_answer_may_lie_outside_of_the_folder_of_its_date():
    assert parse_raw_key("BTCUSDT_depth_1700000000000.json") == RawKey("BTCUSDT", DataType.DEPTH, None, AT)


@pytest.mark.parametrize(
    "key",
    [
        "2023-11-14/BTCUSDT_trades_1700000000000.json",
        "2023-11-14/BTCUSDT_klines-7m_1700000000000.json",
        "2023-11-14/BTCUSDT_depth-1h_1700000000000.json",
        "2023-11-14/BTCUSDT_klines_1700000000000.zip",
        "2023-11-14/BTCUSDT_klines.json",
        "2023-11-14/deeper/BTCUSDT_klines_1700000000000.json",
        archive_key(MONTH, AT),
    ],
)
def test_other_keys_are_no_answers(key):
    assert parse_raw_key(key) is None


@pytest.mark.parametrize(
    ("data_type", "interval", "label"),
    [
        (DataType.KLINES, Interval.MINUTE_1, "klines"),
        (DataType.KLINES, Interval.HOUR_1, "klines-1h"),
        (DataType.DEPTH, None, "depth"),
    ],
)
def test_a_bundle_is_named_by_its_series_its_day_and_its_members(data_type, interval, label):
    day = date(2024, 6, 1)
    key = bundle_key("BTCUSDT", data_type, interval, day, ["b", "a"])

    assert key.startswith(f"2024-06-01/BTCUSDT_{label}_2024-06-01_")
    assert key.endswith(".tar.gz")
    assert key == bundle_key("BTCUSDT", data_type, interval, day, ["a", "b"])
    assert key != bundle_key("BTCUSDT", data_type, interval, day, ["a", "b", "c"])
    assert parse_bundle_key(key) == BundleKey("BTCUSDT", data_type, interval, day)
    assert parse_raw_key(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "2024-06-01/BTCUSDT_klines_1717200000123.json",
        "2024-06-01/BTCUSDT_klines_2024-06-02_0123456789ab.tar.gz",
        "2024-06-31/BTCUSDT_klines_2024-06-31_0123456789ab.tar.gz",
        "2024-06-01/BTCUSDT_trades_2024-06-01_0123456789ab.tar.gz",
        "2024-06-01/BTCUSDT_depth-1h_2024-06-01_0123456789ab.tar.gz",
        "2024-06-01/BTCUSDT_klines_2024-06-01_0123456789aB.tar.gz",
    ],
)
def test_other_names_are_no_bundles(key):
    assert parse_bundle_key(key) is None
