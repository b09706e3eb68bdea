from __future__ import annotations

from datetime import date

import pytest

from candlewick.archive_file import ArchiveFile, Granularity
from candlewick.market import Interval


def test_a_day_has_the_name_and_the_path_the_archive_gives_it():
    file = ArchiveFile.of_day("BTCUSDT", Interval.MINUTE_1, date(2023, 3, 24))
    assert file.path == "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-24.zip"
    assert (file.start_ms, file.end_ms) == (1_679_616_000_000, 1_679_702_400_000)


def test_a_month_spans_to_the_first_of_the_next():
    file = ArchiveFile.of_month("ETHUSDT", Interval.HOUR_4, date(2024, 2, 17))
    assert file.path == "data/spot/monthly/klines/ETHUSDT/4h/ETHUSDT-4h-2024-02.zip"
    assert (file.period_start, file.period_end) == (date(2024, 2, 1), date(2024, 3, 1))


@pytest.mark.parametrize("name", ["BTCUSDT-1m-2023-03", "BTCUSDT-1m-2023-12-31", "币安人生USDT-1d-2026-01"])
def test_a_name_is_read_back(name):
    found = ArchiveFile.named(name)
    assert found is not None
    assert found.name == name
    assert found.granularity is (Granularity.DAILY if name.count("-") == 4 else Granularity.MONTHLY)


@pytest.mark.parametrize(
    "name", ["BTCUSDT-1s-2023-03", "BTCUSDT-1m-2023-13", "BTCUSDT-1m", "BTCUSDT-1m-2023-02-30", "x"]
)
def test_other_names_are_no_files(name):
    assert ArchiveFile.named(name) is None
