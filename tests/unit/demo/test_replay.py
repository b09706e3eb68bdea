"""Replay: what was recorded is served as it was, and nothing else."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from candlewick.demo.intervals import DAY_MS, HOUR_MS, MINUTE_MS
from candlewick.demo.testing import RunningExchange
from support.places import NO_RECORDINGS, RECORDINGS

DAY = 1_679_616_000_000  # 2023-03-24
JANUARY = 1_735_689_600_000  # 2025-01-01, recorded in microseconds
needs_recordings = pytest.mark.skipif(bool(NO_RECORDINGS), reason=NO_RECORDINGS)


def minute(opened, price, volume="2.00000000", trades=3):
    taker = "0.00000000" if volume == "0.00000000" else "1.00000000"
    return [opened, *[f"{price:.8f}"] * 4, volume, opened + MINUTE_MS - 1, volume, trades, taker, taker, "0"]


def write(folder, name, rows, factor=1):
    symbol, interval, _ = name.split("-", 2)
    path = folder / "data/spot/daily/klines" / symbol / interval / f"{name}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamped = [[row[0] * factor, *row[1:6], (row[6] + 1) * factor - 1, *row[7:]] for row in rows]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.csv", "".join(",".join(map(str, row)) + "\n" for row in stamped))
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Two hours of a day with minutes 30 to 39 missing, an official first hour of its own, and a day of microseconds."""
    folder = tmp_path_factory.mktemp("recording")
    rows = [minute(DAY + i * MINUTE_MS, 10 + i) for i in range(120) if not 30 <= i < 40]
    rows[60] = minute(rows[60][0], 999, "0.00000000", 0)
    write(folder, "XYZUSDT-1m-2023-03-24", rows)
    official = [DAY, *["5.00000000"] * 4, "7.00000000", DAY + HOUR_MS - 1, "9.00000000", 4, "1.00000000", "1.0", "0"]
    write(folder, "XYZUSDT-1h-2023-03-24", [official])
    write(folder, "XYZUSDT-1m-2025-01-01", [minute(JANUARY, 50)], factor=1000)
    return folder


@pytest.fixture(scope="module")
def replayed(recording):
    with RunningExchange(replay=recording) as running:
        yield running


@pytest.fixture
def at_noon(replayed):
    replayed.reset()
    replayed.set_clock(DAY + DAY_MS * 1000)
    return replayed


def klines(exchange, interval, **params):
    return exchange.get("/api/v3/klines", symbol="XYZUSDT", interval=interval, **params).json()


def test_minutes_are_served_as_recorded_and_missing_ones_stay_missing(at_noon):
    rows = klines(at_noon, "1m", startTime=DAY, endTime=DAY + HOUR_MS - 1)
    assert [(row[0] - DAY) // MINUTE_MS for row in rows] == [*range(30), *range(40, 60)]
    assert rows[0] == minute(DAY, 10)


def test_microseconds_come_back_as_milliseconds(at_noon):
    assert klines(at_noon, "1m", limit=1) == [minute(JANUARY, 50)]


def test_an_official_hour_is_served_where_recorded_and_made_of_minutes_elsewhere(at_noon):
    first, second = klines(at_noon, "1h", startTime=DAY, limit=2)
    assert first[1:6] == ["5.00000000"] * 4 + ["7.00000000"]
    assert second[:7] == [
        DAY + HOUR_MS,
        "70.00000000",
        "129.00000000",
        "70.00000000",
        "129.00000000",
        "118.00000000",
        DAY + 2 * HOUR_MS - 1,
    ]


def test_rows_after_the_clock_do_not_exist_and_the_newest_is_not_final(at_noon):
    at_noon.set_clock(DAY + 3 * MINUTE_MS + 20_000)
    rows = klines(at_noon, "1m")
    assert [row[0] for row in rows] == [DAY + i * MINUTE_MS for i in range(4)]
    assert rows[-1] == [
        *minute(DAY + 3 * MINUTE_MS, 13)[:5],
        "0.00000000",
        DAY + 4 * MINUTE_MS - 1,
        "0.00000000",
        0,
        "0.00000000",
        "0.00000000",
        "0",
    ]
    (hour,) = klines(at_noon, "1h")
    assert (hour[1], hour[4], hour[5], hour[8]) == ("10.00000000", "12.00000000", "6.00000000", 9)


def test_the_archive_has_the_recorded_bytes_and_no_other_file(at_noon, recording):
    path = "data/spot/daily/klines/XYZUSDT/1m/XYZUSDT-1m-2023-03-24.zip"
    assert at_noon.get(f"/{path}").content == (recording / path).read_bytes()
    assert at_noon.get("/data/spot/daily/klines/XYZUSDT/1m/XYZUSDT-1m-2023-03-25.zip").status_code == 404
    assert at_noon.get("/data/spot/daily/klines/XYZUSDT/15m/XYZUSDT-15m-2023-03-24.zip").status_code == 404


def test_an_outage_on_demand_takes_recorded_rows_away(at_noon):
    at_noon.add_faults({"kind": "outage", "start": DAY, "end": DAY + 10 * MINUTE_MS})
    assert klines(at_noon, "1m", startTime=DAY, limit=1)[0][0] == DAY + 10 * MINUTE_MS
    assert klines(at_noon, "1h", startTime=DAY, limit=1)[0][1] == "20.00000000"


def test_moved_recordings_end_today_and_are_packed_under_their_new_date(recording):
    with RunningExchange(replay=recording, shift_days="today") as moved:
        today = datetime.now(UTC).date()
        rows = klines(moved, "1m", startTime=0)
        assert rows[-1][0] == int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp()) * 1000
        days = (rows[-1][0] - JANUARY) // DAY_MS
        day = datetime(2023, 3, 24, tzinfo=UTC).date() + timedelta(days=days)
        content = moved.get(f"/data/spot/daily/klines/XYZUSDT/1m/XYZUSDT-1m-{day}.zip").content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            lines = archive.read(f"XYZUSDT-1m-{day}.csv").decode().splitlines()
    factor = 1000 if rows[0][0] >= JANUARY else 1
    assert len(lines) == 110
    assert int(lines[0].split(",")[0]) == rows[0][0] * factor == (DAY + days * DAY_MS) * factor


def test_the_book_stands_around_the_last_recorded_close(at_noon):
    book = at_noon.get("/api/v3/depth", symbol="XYZUSDT", limit=5).json()
    assert float(book["bids"][0][0]) < 50.01
    assert float(book["asks"][0][0]) > 49.99


@needs_recordings
@pytest.mark.recordings
def test_the_real_outage_of_2023_03_24_is_served_as_it_was_recorded():
    with RunningExchange(replay=RECORDINGS) as real:
        around = real.get(
            "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=1_679_661_480_000, limit=3
        ).json()
        hours = real.get("/api/v3/klines", symbol="BTCUSDT", interval="1h", startTime=1_679_659_200_000, limit=2).json()
        path = "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-24.zip"
        content = real.get(f"/{path}").content
        checksum = real.get(f"/{path}.CHECKSUM").text
        book = real.get("/api/v3/depth", symbol="BTCUSDT", limit=1000).json()
    assert [row[0] for row in around] == [1_679_661_480_000, 1_679_661_540_000, 1_679_666_400_000]
    assert around[1][6] == 1_679_661_581_646
    assert [(row[0], row[6]) for row in hours] == [
        (1_679_659_200_000, 1_679_661_581_646),
        (1_679_666_400_000, 1_679_669_999_999),
    ]
    assert content == (RECORDINGS / path).read_bytes()
    assert checksum.split() == (RECORDINGS / f"{path}.CHECKSUM").read_text().split()
    assert len(book["bids"]) == 1000
