"""What a person may ask for, and the sentence when it makes no sense."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from candlewick.market import Interval
from candlewick.pipeline.backfill.request import BackfillRequest, BackfillSource, RequestRefused

NOW = datetime(2024, 6, 1, 12, 0, 30)
PARAMS = {"symbols": ["BTCUSDT"], "start": "2024-05-01", "end": "2024-05-31"}


def read(**changed):
    return BackfillRequest.read({**PARAMS, **changed}, NOW)


def test_dates_are_whole_days_and_the_last_one_is_wanted():
    request = read()

    assert (request.start, request.end) == (datetime(2024, 5, 1), datetime(2024, 6, 1))
    assert (request.interval, request.source) == (Interval.MINUTE_1, BackfillSource.AUTO)
    assert (request.keep, request.force) == (True, False)


def test_one_day_may_be_asked_for():
    assert read(start="2024-05-31").end == datetime(2024, 6, 1)


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2024-05-01T06:30:00Z", datetime(2024, 5, 1, 6, 30)),
        ("2024-05-01T06:30", datetime(2024, 5, 1, 6, 30)),
        ("2024-05-01T06:30:00+02:00", datetime(2024, 5, 1, 4, 30)),
        (datetime(2024, 5, 1, 6, 30, tzinfo=UTC), datetime(2024, 5, 1, 6, 30)),
        (date(2024, 5, 1), datetime(2024, 5, 1)),
    ],
)
def test_a_moment_is_utc_unless_it_says_otherwise(given, moment):
    assert read(start=given).start == moment


def test_an_end_that_is_a_moment_is_no_longer_wanted():
    assert read(end="2024-05-31T06:00:00Z").end == datetime(2024, 5, 31, 6)


def test_today_may_be_the_last_day():
    assert read(end="2024-06-01").end == datetime(2024, 6, 2)


def test_a_symbol_named_twice_is_meant_once():
    assert read(symbols=["BTCUSDT", "ETHUSDT", "BTCUSDT"]).symbols == ("BTCUSDT", "ETHUSDT")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"symbols": []}, "expected a list of symbols"),
        ({"symbols": "BTCUSDT"}, "expected a list of symbols"),
        ({"symbols": ["btcusdt"]}, r"as the exchange writes them \(BTCUSDT\), got \['btcusdt'\]"),
        ({"interval": "3m"}, "expected an interval of 1m, 5m, 15m, 1h, 4h, 1d, got '3m'"),
        ({"source": "ftp"}, "expected a source of auto, archive, rest, files, got 'ftp'"),
        ({"end": "2024-04-30"}, "expected an end after the start"),
        ({"start": "2024-06-02", "end": "2024-06-03"}, "expected a start in the past"),
        ({"end": "2024-06-02"}, "expected an end of today at the latest, got 2024-06-03"),
        ({"start": "2017-06-30"}, "expected a start from 2017-07-01 on"),
        ({"start": "2024-02-30"}, "expected start as a date or moment"),
        ({"start": None}, "expected start as a date or moment .*, got None"),
        ({"interval": ["1m"]}, r"expected an interval of 1m, .*, got \['1m'\]"),
        ({"source": {}}, "expected a source of auto, .*, got {}"),
        ({"end": "9999-12-31"}, "expected end as a time the exchange can have candles of, got '9999-12-31'"),
        ({"start": "0001-01-01T00:00:00+05:00"}, "expected start as a time the exchange can have candles of"),
        ({"source": "files"}, "expected a folder with source files, got none"),
        ({"folder": "there"}, "expected a folder only with source files, got 'there' with source auto"),
        ({"force": "perhaps"}, "force: input should be a valid boolean"),
        ({"simbols": ["BTCUSDT"]}, "expected parameters among symbols, .*, got simbols"),
    ],
)
def test_nonsense_is_refused_with_one_sentence(changed, sentence):
    with pytest.raises(RequestRefused, match=sentence) as refusal:
        read(**changed)
    assert "\n" not in str(refusal.value)


def test_a_missing_end_is_told():
    with pytest.raises(RequestRefused, match="end: field required"):
        BackfillRequest.read({"symbols": ["BTCUSDT"], "start": "2024-05-01"}, NOW)


@pytest.mark.parametrize("source", ["auto", "rest"])
def test_a_symbol_the_exchange_does_not_know_is_refused(source):
    with pytest.raises(RequestRefused, match="expected symbols the exchange knows, got LUNAUSDT"):
        read(symbols=["BTCUSDT", "LUNAUSDT"], source=source).demand_known({"BTCUSDT"})


def test_the_archive_may_still_have_files_of_a_symbol_that_was_delisted():
    read(symbols=["LUNAUSDT"], source="archive").demand_known({"BTCUSDT"})
