"""The one normaliser of archive files: what is sound goes on byte for byte, everything else is named."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import date

import pytest

from candlewick.archive_file import ArchiveFile
from candlewick.market import Interval, RejectReason
from candlewick.pipeline import archive_csv
from candlewick.pipeline.archive_csv import BadArchive, normalise
from support.archive_files import csv_of, published, rows_of, zipped

DAY = ArchiveFile.of_day("BTCUSDT", Interval.MINUTE_1, date(2023, 3, 24))
HEADER = b"open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
LINE = (
    b"1679616000000,27250.97,27262.39,27246.03,27261.74,123.4567,1679616059999,3365000.12345678,4821,60.5,1649000.5,0\n"
)


def read(tmp_path, content, file=DAY):
    """Normalise a zip; return the lines and what was said of the others."""
    path = tmp_path / "file.zip"
    path.write_bytes(content)
    sink = io.BytesIO()
    converted = normalise(path, file, sink)
    assert converted.staged == sink.getvalue().count(b"\n")
    return sink.getvalue(), converted


def lines(tmp_path, text):
    return read(tmp_path, zipped(text, f"{DAY.name}.csv"))


def test_a_file_as_published_goes_on_byte_for_byte(tmp_path):
    text = csv_of(rows_of(DAY))
    taken, converted = lines(tmp_path, text)
    assert (taken, converted.staged, converted.rejects) == (text, 1440, [])


@pytest.mark.parametrize("block", [1 << 20, 1000, 7])
def test_the_size_of_the_blocks_does_not_show(tmp_path, monkeypatch, block):
    monkeypatch.setattr(archive_csv, "BLOCK_BYTES", block)
    text = HEADER + LINE * 30 + b"broken\n" + LINE * 30
    taken, converted = lines(tmp_path, text)
    assert taken == LINE * 60
    assert [reject.row_number for reject in converted.rejects] == [31]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (HEADER + LINE, LINE),
        (HEADER.replace(b"\n", b"\r\n") + LINE.replace(b"\n", b"\r\n"), LINE.replace(b"\n", b"\r\n")),
        (b"\xef\xbb\xbf" + HEADER + LINE, LINE),
        (LINE + LINE[:-1], LINE * 2),
        (LINE + LINE[:-1] + b"\r", LINE + LINE[:-1] + b"\r\n"),
        (LINE + b"\n\r\n" + LINE + b"\n", LINE * 2),
        (LINE.replace(b"1679616000000,", b"1679616000000000,"), LINE.replace(b"1679616000000,", b"1679616000000000,")),
        (b"", b""),
        (HEADER, b""),
    ],
    ids=[
        "header",
        "crlf",
        "byte order mark",
        "no final newline",
        "only cr",
        "empty lines",
        "mixed stamps",
        "empty",
        "only header",
    ],
)
def test_what_may_differ_from_file_to_file_makes_no_difference(tmp_path, text, taken):
    got, converted = lines(tmp_path, text)
    assert (got, converted.rejects) == (taken, [])


@pytest.mark.parametrize(
    ("line", "reason", "open_ms"),
    [
        (b"1679616000000,27250.97\n", RejectReason.FIELD_COUNT, 1679616000000),
        (LINE[:-1] + b",0\n", RejectReason.FIELD_COUNT, 1679616000000),
        (LINE.replace(b"27262.39", b"2.7e4"), RejectReason.NOT_A_NUMBER, 1679616000000),
        (LINE.replace(b"27262.39", b""), RejectReason.NOT_A_NUMBER, 1679616000000),
        (LINE.replace(b"27262.39", b'"27262.39"'), RejectReason.NOT_A_NUMBER, 1679616000000),
        (LINE.replace(b"27262.39", b"27262.123456789"), RejectReason.NOT_A_NUMBER, 1679616000000),
        (LINE.replace(b"4821", b"48.21"), RejectReason.NOT_A_NUMBER, 1679616000000),
        (LINE.replace(b"1679616000000", b"167961600000"), RejectReason.NOT_A_NUMBER, None),
        (LINE.replace(b"1679616000000", b"16796160000000"), RejectReason.NOT_A_NUMBER, None),
        (b"\xff\xfe\x00" + LINE, RejectReason.NOT_A_NUMBER, None),
        (HEADER, RejectReason.NOT_A_NUMBER, None),
    ],
)  # fmt: skip
def test_a_line_that_is_no_candle_is_named_and_the_others_go_on(tmp_path, line, reason, open_ms):
    got, converted = lines(tmp_path, LINE + line + LINE.replace(b"\n", b"\r\n"))
    assert got == LINE + LINE.replace(b"\n", b"\r\n")
    (reject,) = converted.rejects
    assert (reject.row_number, reject.reason, reject.open_ms) == (2, reason, open_ms)
    assert [converted.row_number(staged) for staged in (1, 2)] == [1, 3]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "0 members"),
        ([f"{DAY.name}.csv", "more.csv"], "2 members"),
        (["BTCUSDT-1m-2023-03-25.csv"], "2023-03-25"),
    ],
)
def test_a_zip_with_anything_but_the_files_csv_is_refused(tmp_path, names, said):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, LINE)
    with pytest.raises(BadArchive, match=said):
        read(tmp_path, packed.getvalue())


def test_a_small_zip_that_unpacks_to_more_than_its_period_can_hold_is_refused_before_it_is_unpacked(tmp_path):
    content = zipped((b"0" * 400 + b"\n") * 50_000, f"{DAY.name}.csv")
    assert len(content) < 200_000
    sink = io.BytesIO()
    (tmp_path / "bomb.zip").write_bytes(content)
    with pytest.raises(BadArchive, match="at most 802816 bytes"):
        normalise(tmp_path / "bomb.zip", DAY, sink)
    assert len(sink.getvalue()) <= 1 << 20


def test_a_file_of_more_lines_than_its_period_can_hold_is_refused_before_each_is_remembered(tmp_path):
    with pytest.raises(BadArchive, match="at most 3880 rows"):
        lines(tmp_path, b"x\n" * 5000)
    _, converted = lines(tmp_path, b"x\n" * 3880)
    assert len(converted.rejects) == 3880


def test_a_compression_that_unpacks_whole_blocks_is_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(f"{DAY.name}.csv", LINE)
    with pytest.raises(BadArchive, match="compression 12"):
        read(tmp_path, packed.getvalue())


def test_damaged_bytes_are_refused_or_make_no_difference(tmp_path):
    """Whatever byte of a zip is wrong: never other rows, never another kind of error."""
    content, rng = published(DAY), random.Random(5)  # noqa: S311  # places, not secrets
    sound = csv_of(rows_of(DAY))
    refused = 0
    for place in [*range(40), *range(len(content) - 120, len(content)), *rng.sample(range(len(content)), 60)]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.randrange(8)
        try:
            taken, converted = read(tmp_path, bytes(damaged))
        except BadArchive:
            refused += 1
        else:
            assert (taken, converted.rejects) == (sound, [])
    assert refused > 100
    for cut in (0, 10, len(content) // 2, len(content) - 1):
        with pytest.raises(BadArchive):
            read(tmp_path, content[:cut])


def test_every_recorded_file_is_sound(tmp_path, recordings):
    """Milliseconds and microseconds, days with rows missing, with an early close and with zero trades."""
    files = [(path, ArchiveFile.named(path.stem)) for path in sorted(recordings.rglob("*.zip"))]
    assert len(files) > 50
    for path, file in files:
        taken, converted = read(tmp_path, path.read_bytes(), file)
        assert taken
        assert converted.rejects == []
