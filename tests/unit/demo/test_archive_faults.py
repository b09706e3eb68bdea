"""What can be wrong with the archive on demand, and how it tells whether a file is the one that is known."""

from __future__ import annotations

import hashlib
import io
import zipfile

import httpx
import pytest

DAY = "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-01.zip"
MONTH = "/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05.zip"
HOURS = "/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-04.zip"


def lines(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(archive.namelist()[0]).decode().splitlines()


def checksum(exchange, path):
    return exchange.get(f"{path}.CHECKSUM").text.split()[0]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_is_known_is_not_sent_again_until_it_is_published_again(exchange):
    first = exchange.get(f"{DAY}.CHECKSUM")
    known = {"If-None-Match": first.headers["ETag"]}
    again = httpx.get(f"{exchange.url}{DAY}.CHECKSUM", headers=known, trust_env=False)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])

    exchange.add_faults({"kind": "republished"})
    other = httpx.get(f"{exchange.url}{DAY}.CHECKSUM", headers=known, trust_env=False)
    assert other.status_code == 200
    assert other.headers["Last-Modified"] != first.headers["Last-Modified"] == "Thu, 02 May 2024 02:00:00 GMT"


def test_a_month_can_be_missing_while_its_days_are_there_and_the_reverse(exchange):
    exchange.add_faults({"kind": "404", "path": "monthly"})
    missing = exchange.get(HOURS)
    assert (missing.status_code, exchange.get(DAY).status_code) == (404, 200)
    assert b"<Code>NoSuchKey</Code>" in missing.content

    exchange.clear_faults()
    exchange.add_faults({"kind": "404", "path": "daily"})
    assert (exchange.get(HOURS).status_code, exchange.get(DAY).status_code) == (200, 404)


def test_a_file_can_end_too_early_with_a_right_checksum(exchange):
    whole = lines(exchange.get(DAY).content)
    exchange.add_faults({"kind": "truncated", "rows": 7})
    content = exchange.get(DAY).content
    assert lines(content) == whole[:7]
    assert checksum(exchange, DAY) == sha256(content)


def test_a_file_can_begin_with_the_names_of_its_columns(exchange):
    whole = lines(exchange.get(DAY).content)
    exchange.add_faults({"kind": "header"})
    content = exchange.get(DAY).content
    assert lines(content)[0].split(",")[:3] == ["open_time", "open", "high"]
    assert lines(content)[1:] == whole
    assert checksum(exchange, DAY) == sha256(content)


@pytest.mark.parametrize("checksum_of", ["damaged", "true"])
def test_a_zip_can_be_damaged_and_its_checksum_know_it_or_not(exchange, checksum_of):
    true = exchange.get(DAY).content
    exchange.add_faults({"kind": "corrupt_zip", "checksum_of": checksum_of})
    damaged = exchange.get(DAY).content
    assert checksum(exchange, DAY) == sha256(true if checksum_of == "true" else damaged)
    with pytest.raises((zipfile.BadZipFile, zipfile.zlib.error)):
        lines(damaged)


def test_a_kind_of_checksum_that_makes_no_sense_is_refused(exchange):
    with pytest.raises(httpx.HTTPStatusError, match="checksum_of is one of damaged, true"):
        exchange.add_faults({"kind": "corrupt_zip", "checksum_of": "both"})


def test_a_checksum_file_may_lack_its_line_end(exchange):
    exchange.add_faults({"kind": "bare_checksum"})
    assert exchange.get(f"{DAY}.CHECKSUM").text.endswith("BTCUSDT-1m-2024-05-01.zip")


def test_a_month_and_its_days_can_disagree(exchange):
    exchange.add_faults({"kind": "republished", "path": "monthly"})
    month, day = lines(exchange.get(MONTH).content), lines(exchange.get(DAY).content)
    assert [a == b for a, b in zip(month, day, strict=False)].count(False) == 1


def test_one_file_of_a_pair_can_be_struck_alone(exchange):
    exchange.add_faults({"kind": "503", "suffix": ".zip", "retry_after": 3, "count": 1})
    assert exchange.get(f"{DAY}.CHECKSUM").status_code == 200
    refused = exchange.get(DAY)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "3")
    assert exchange.get(DAY).status_code == 200


@pytest.mark.parametrize("path", [DAY, MONTH])
def test_a_file_can_end_in_the_middle_of_its_way(exchange, path):
    exchange.add_faults({"kind": "cutoff", "suffix": ".zip", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        exchange.get(path)
    assert checksum(exchange, path) == sha256(exchange.get(path).content)
