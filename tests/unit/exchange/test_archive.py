"""The archive client against a scripted archive: what it makes of each answer, and how often it asks."""

from __future__ import annotations

import hashlib
import io
from datetime import date

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.archive import from_connection
from candlewick.exchange.errors import BadChecksum, BadRequest, HostRefused, RateLimited, Unavailable
from candlewick.market import Interval
from candlewick.settings import Settings

FILE = ArchiveFile.of_month("BTCUSDT", Interval.MINUTE_1, date(2023, 3, 1))
PATH = "/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03.zip"
SUM = "0123456789abcdef" * 4
LINE = f"{SUM}  BTCUSDT-1m-2023-03.zip".encode()
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
NO_KEY = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'


class ScriptedArchive(HTTPAdapter):
    """Answers from a list of (status, body, headers) or exceptions; keeps the requests."""

    def __init__(self):
        super().__init__()
        self.script, self.asked = [], []

    def send(self, request, **_):
        self.asked.append(request)
        entry = self.script.pop(0)
        if isinstance(entry, Exception):
            raise entry
        status, body, *headers = entry
        fields = {"Content-Length": str(len(body)), **(headers[0] if headers else {})}
        raw = urllib3.HTTPResponse(
            io.BytesIO(body), headers=fields, status=status, preload_content=False,
            request_method="GET", enforce_content_length=True,
        )  # fmt: skip
        return self.build_response(request, raw)


@pytest.fixture
def scripted():
    return ScriptedArchive()


@pytest.fixture
def archive(scripted, clock):
    """Build an archive at a base URL; keyword arguments are the connection's extra."""

    def build(base_url="https://archive.test", **extra):
        session = requests.Session()
        session.mount("https://", scripted)
        return from_connection(base_url, extra, Settings(), clock=clock.as_clock(), session=session)

    return build


@pytest.mark.parametrize(
    "body",
    [
        LINE,
        LINE + b"\n",
        LINE + b"\r\n",
        LINE.replace(b"  ", b" *"),
        LINE.replace(b"abcdef", b"ABCDEF"),
    ],
)
def test_a_checksum_is_read_with_or_without_its_line_end(archive, scripted, body):
    scripted.script = [(200, body)]
    published = archive().checksum(FILE)
    assert (published.sha256, published.body) == (SUM, body)
    assert scripted.asked[0].url == f"https://archive.test{PATH}.CHECKSUM"


@pytest.mark.parametrize("base_url", ["https://archive.test/mirror/of", "https://archive.test/mirror/of/"])
def test_a_mirror_may_have_a_path_of_its_own(archive, scripted, base_url):
    scripted.script = [(200, LINE)]
    archive(base_url).checksum(FILE)
    assert scripted.asked[0].url == f"https://archive.test/mirror/of{PATH}.CHECKSUM"


@pytest.mark.parametrize("base_url", ["archive.test", "ftp://archive.test", "https://a.test?x=1", "https://u:p@a.test"])
def test_what_is_no_base_url_is_refused_with_a_sentence(archive, base_url):
    with pytest.raises(ValueError, match="correct the connection binance_archive"):
        archive(base_url)


def test_a_checksum_of_another_file_is_not_asked_for_again(archive, scripted):
    scripted.script = [(200, LINE.replace(b"2023-03", b"2023-04"))]
    with pytest.raises(BadChecksum, match=r"expected the checksum of BTCUSDT-1m-2023-03\.zip .*2023-04\.zip"):
        archive().checksum(FILE)
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", LINE[:40], LINE + b"\n" + LINE, b"x" * 5000])
def test_what_is_no_checksum_is_asked_for_again(archive, scripted, body):
    scripted.script = [(200, body), (200, LINE)]
    assert archive().checksum(FILE).sha256 == SUM


def test_what_never_becomes_a_checksum_is_told(archive, scripted):
    scripted.script = [(200, b"<html>busy</html>")] * 5
    with pytest.raises(Unavailable, match=r"expected `<sha256>  BTCUSDT-1m-2023-03\.zip` .*<html>busy"):
        archive().checksum(FILE)
    assert scripted.script == []


@pytest.mark.parametrize(("status", "body"), [(404, NO_KEY), (404, b""), (410, b""), (403, NO_KEY)])
def test_a_file_that_is_not_there_is_an_answer(archive, scripted, status, body):
    scripted.script = [(status, body)] * 2
    assert archive().checksum(FILE) is None
    assert archive().download(FILE, io.BytesIO()) is None


def test_a_denied_file_is_missing_only_where_the_connection_says_so(archive, scripted):
    scripted.script = [(403, DENIED)] * 2
    with pytest.raises(HostRefused, match="access_denied_means_missing"):
        archive().checksum(FILE)
    assert archive(access_denied_means_missing=True).checksum(FILE) is None


def test_a_firewall_is_never_taken_for_a_missing_file(archive, scripted):
    scripted.script = [(403, b"<html>Forbidden</html>"), (451, b"not here")]
    for _ in range(2):
        with pytest.raises(HostRefused):
            archive(access_denied_means_missing=True).checksum(FILE)


@pytest.mark.parametrize("status", [400, 301, 418])
def test_an_answer_that_makes_no_sense_is_not_asked_for_again(archive, scripted, status):
    scripted.script = [(status, b"")]
    with pytest.raises(BadRequest, match="correct the connection binance_archive"):
        archive().checksum(FILE)


@pytest.mark.parametrize("trouble", [(500, b""), (503, b""), (408, b""), requests.ConnectionError("gone")])
def test_trouble_is_asked_again_with_a_pause(archive, scripted, clock, trouble):
    scripted.script = [trouble, (200, LINE)]
    assert archive().checksum(FILE).sha256 == SUM
    assert len(clock.slept) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(archive, scripted, clock, status):
    scripted.script = [(status, b"", {"Retry-After": "37"}), (200, LINE)]
    archive().checksum(FILE)
    assert clock.slept == [37.0]


def test_a_pause_that_is_too_long_is_left_to_the_caller(archive, scripted, clock):
    scripted.script = [(429, b"", {"Retry-After": "3600"})]
    with pytest.raises(RateLimited) as caught:
        archive().checksum(FILE)
    assert (caught.value.retry_after_seconds, caught.value.host, clock.slept) == (3600, "archive.test", [])


def test_a_download_says_what_came_and_when_it_was_published(archive, scripted, clock):
    content = bytes(range(256)) * 3000
    scripted.script = [(200, content, {"Last-Modified": "Sat, 01 Apr 2023 07:00:00 GMT"})]
    sink = io.BytesIO()
    found = archive().download(FILE, sink)
    assert sink.getvalue() == content
    assert (found.sha256, found.payload_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (found.last_modified_ms, found.captured_at_ms) == (1_680_332_400_000, clock.wall_ms)
    assert scripted.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("said", [None, "yesterday"])
def test_a_date_of_publication_that_is_none_is_no_error(archive, scripted, said):
    scripted.script = [(200, b"PK", {"Last-Modified": said} if said else {})]
    assert archive().download(FILE, io.BytesIO()).last_modified_ms is None


def test_a_download_that_ends_too_early_begins_again_in_an_empty_sink(archive, scripted):
    scripted.script = [(200, b"x" * 900_000, {"Content-Length": "1000000"}), (200, b"whole")]
    sink = io.BytesIO()
    found = archive().download(FILE, sink)
    assert sink.getvalue() == b"whole"
    assert found.sha256 == hashlib.sha256(b"whole").hexdigest()


def test_a_download_that_never_comes_whole_is_unavailable(archive, scripted):
    scripted.script = [(200, b"x", {"Content-Length": "2"})] * 5
    with pytest.raises(Unavailable, match=r"expected archive\.test/data/spot/.*zip whole"):
        archive().download(FILE, io.BytesIO())


def test_a_full_disk_is_not_taken_for_the_archives_fault(archive, scripted):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    scripted.script = [(200, b"x")]
    with pytest.raises(OSError, match="No space left"):
        archive().download(FILE, Full())
