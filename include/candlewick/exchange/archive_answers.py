"""What an archive answers: a published checksum, a file, that there is none, or a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from candlewick.exchange.errors import BadChecksum, BadRequest, ExchangeError, HostRefused, RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from candlewick.archive_file import ArchiveFile

LONGEST_CHECKSUM = 1000
_CHECKSUM = re.compile(rb"(?P<sha256>[0-9a-fA-F]{64})[ \t]+\*?(?P<name>\S+)\s*")
_CODE = re.compile(rb"<Code>(\w+)</Code>")


@dataclass(frozen=True, slots=True)
class Published:
    """A checksum as published: the file's sha256 in lower case, and the bytes that say so."""

    sha256: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What came into a sink. ``captured_at_ms`` is our clock when it was complete; ``last_modified_ms`` the archive's word."""

    sha256: str
    payload_bytes: int
    captured_at_ms: int
    last_modified_ms: int | None
    host: str
    latency_ms: int


def read_checksum(body: bytes, file: ArchiveFile, host: str) -> Published:
    """Read ``<sha256>  <name>.zip``, with or without a line end.

    Raises:
        Unavailable: it is nothing of the kind.
        BadChecksum: it names another file.
    """
    found = _CHECKSUM.fullmatch(body)
    if not found:
        raise Unavailable(
            f"expected `<sha256>  {file.name}.zip` from {host}, got {body[:100]!r}; try again, and check that the "
            "connection binance_archive names an archive"
        )
    if found["name"] != f"{file.name}.zip".encode():
        raise BadChecksum(
            f"expected the checksum of {file.name}.zip from {host}, got that of {found['name'].decode('utf-8', 'replace')}; "
            "nothing is loaded by it, wait until it is published anew"
        )
    return Published(found["sha256"].decode().lower(), body)


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer other than 200."""

    host: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def means_missing(self, *, denied_too: bool) -> bool:
        """Whether there is no such file; ``denied_too``: also when we may not know whether there is one."""
        if self.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return True
        code = _CODE.search(self.body)
        said = code[1] if code and self.status == HTTPStatus.FORBIDDEN else b""
        return said == b"NoSuchKey" or (denied_too and said == b"AccessDenied")

    def error(self, default_pause_seconds: float) -> ExchangeError:
        """Return what it means when it does not mean that the file is missing."""
        said = self.body[:300].decode("utf-8", "replace").strip() or "an empty body"
        sentence = f"expected the file {self.path}, but {self.host} answered {self.status}: {said}"
        pause = self.headers.get("Retry-After", "").strip()
        if self.status == HTTPStatus.TOO_MANY_REQUESTS or (
            self.status == HTTPStatus.SERVICE_UNAVAILABLE and pause.isdecimal()
        ):
            seconds = float(pause) if pause.isdecimal() else default_pause_seconds
            return RateLimited(f"{sentence}; it is asked again after {seconds:g} s", retry_after_seconds=seconds)
        if self.status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS):
            return HostRefused(
                f"{sentence}; the archive does not serve this address: let the connection binance_archive name a "
                "mirror, and see access_denied_means_missing if only missing files are answered so",
                http_status=self.status,
            )
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status == HTTPStatus.REQUEST_TIMEOUT:
            return Unavailable(f"{sentence}; try again", http_status=self.status)
        return BadRequest(f"{sentence}; correct the connection binance_archive", http_status=self.status)


def stamp_ms(text: str | None) -> int | None:
    """Read an HTTP date; it decides nothing, so one that is none is no error."""
    try:
        return round(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except ValueError:
        return None
