"""The archive: what it holds, when it appears, and that it is REST's own data."""

import hashlib
import io
import zipfile

import pytest

DAY = "/data/spot/daily/klines/{0}/{1}/{0}-{1}-{2}.zip"
MONTH = "/data/spot/monthly/klines/{0}/{1}/{0}-{1}-{2}.zip"


def csv_rows(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return name, [line.split(",") for line in archive.read(name).decode().splitlines()]


def as_text(rows):
    return [[str(value) for value in row] for row in rows]


@pytest.mark.parametrize("interval", ["1m", "15m", "1h", "1d"])
def test_a_day_of_the_archive_is_what_rest_answers(exchange, interval):
    name, rows = csv_rows(exchange.get(DAY.format("ARBUSDT", interval, "2024-05-30")).content)
    start = 1_717_027_200_000
    rest = []
    while page := exchange.get(
        "/api/v3/klines",
        symbol="ARBUSDT",
        interval=interval,
        startTime=rest[-1][0] + 1 if rest else start,
        endTime=start + 86_399_999,
        limit=1000,
    ).json():
        rest += page
    assert name == f"ARBUSDT-{interval}-2024-05-30.csv"
    assert rows == as_text(rest)


def test_the_checksum_is_that_of_the_zip(exchange):
    path = DAY.format("BTCUSDT", "1h", "2024-05-30")
    digest = hashlib.sha256(exchange.get(path).content).hexdigest()
    assert exchange.get(path + ".CHECKSUM").text == f"{digest}  BTCUSDT-1h-2024-05-30.zip\n"


def test_stamps_are_microseconds_from_2025_on(exchange):
    exchange.set_clock("2025-01-03T00:00:00Z")
    _, before = csv_rows(exchange.get(DAY.format("BTCUSDT", "1h", "2024-12-31")).content)
    _, after = csv_rows(exchange.get(DAY.format("BTCUSDT", "1h", "2025-01-01")).content)
    assert (before[0][0], before[0][6]) == ("1735603200000", "1735606799999")
    assert (after[0][0], after[0][6]) == ("1735689600000000", "1735693199999999")


def test_a_day_appears_two_hours_after_it_ended(exchange):
    path = DAY.format("BTCUSDT", "1h", "2024-05-31")
    exchange.set_clock("2024-06-01T01:59:59Z")
    assert exchange.get(path).status_code == exchange.get(path + ".CHECKSUM").status_code == 404
    exchange.advance(2_000)
    assert exchange.get(path).status_code == exchange.get(path + ".CHECKSUM").status_code == 200


def test_the_delay_can_be_changed(exchange):
    exchange.change_settings(archive_delay_seconds=0)
    exchange.set_clock("2024-06-01T00:00:01Z")
    assert exchange.get(DAY.format("BTCUSDT", "1h", "2024-05-31")).status_code == 200


def test_a_month_holds_all_its_minutes_and_appears_after_its_end(exchange):
    _, rows = csv_rows(exchange.get(MONTH.format("ETHUSDT", "1m", "2024-05")).content)
    assert len(rows) == 44_640
    assert exchange.get(MONTH.format("ETHUSDT", "1m", "2024-06")).status_code == 404


def test_the_monthly_interval_is_called_1mo(exchange):
    _, rows = csv_rows(exchange.get(MONTH.format("ETHUSDT", "1mo", "2024-05")).content)
    assert [row[0] for row in rows] == ["1714521600000"]


@pytest.mark.parametrize(
    "path",
    [
        DAY.format("NOPEUSDT", "1m", "2024-05-01"),
        DAY.format("ARBUSDT", "1m", "2023-03-22"),
        DAY.format("BTCUSDT", "7m", "2024-05-01"),
        DAY.format("BTCUSDT", "1m", "2024-02-30"),
        DAY.format("BTCUSDT", "1m", "2024-05"),
        "/data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-01.zip",
    ],
)
def test_what_was_never_published_is_404(exchange, path):
    assert exchange.get(path).status_code == 404


def test_an_outage_is_missing_in_the_archive_too(exchange):
    start = 1_717_027_200_000
    exchange.add_faults({"kind": "outage", "start": start + 3_600_000, "end": start + 7_200_000})
    _, minutes = csv_rows(exchange.get(DAY.format("BTCUSDT", "1m", "2024-05-30")).content)
    _, hours = csv_rows(exchange.get(DAY.format("BTCUSDT", "1h", "2024-05-30")).content)
    assert len(minutes) == 1380
    assert len(hours) == 23


def test_a_hole_is_missing_only_in_the_archives_minutes(exchange):
    start = 1_717_027_200_000
    _, hours = csv_rows(exchange.get(DAY.format("BTCUSDT", "1h", "2024-05-30")).content)
    exchange.add_faults({"kind": "hole", "symbol": "BTCUSDT", "start": start + 60_000, "end": start + 120_000})
    _, minutes = csv_rows(exchange.get(DAY.format("BTCUSDT", "1m", "2024-05-30")).content)
    rest = exchange.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=start, limit=3).json()
    assert [int(row[0]) - start for row in minutes[:2]] == [0, 120_000]
    assert len(minutes) == 1439
    assert [row[0] - start for row in rest] == [0, 60_000, 120_000]
    assert csv_rows(exchange.get(DAY.format("BTCUSDT", "1h", "2024-05-30")).content)[1] == hours


def test_a_file_can_be_published_again_with_other_content(exchange):
    path = DAY.format("BTCUSDT", "1m", "2024-05-30")
    first, first_checksum = exchange.get(path).content, exchange.get(path + ".CHECKSUM").text
    exchange.add_faults({"kind": "republished", "path": "BTCUSDT-1m-2024-05-30"})
    second, second_checksum = exchange.get(path).content, exchange.get(path + ".CHECKSUM").text
    differing = [a for a, b in zip(csv_rows(first)[1], csv_rows(second)[1], strict=True) if a != b]
    assert len(differing) == 1
    assert first_checksum != second_checksum
    assert second_checksum.startswith(hashlib.sha256(second).hexdigest())


def test_a_checksum_can_be_wrong(exchange):
    path = DAY.format("BTCUSDT", "1h", "2024-05-30")
    exchange.add_faults({"kind": "bad_checksum"})
    digest = hashlib.sha256(exchange.get(path).content).hexdigest()
    assert not exchange.get(path + ".CHECKSUM").text.startswith(digest)
