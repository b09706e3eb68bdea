"""The exchange's public archive over HTTP: published checksums, and files streamed while they are hashed.

The archive has no weight limit; a 429 or 503 that says ``Retry-After`` is obeyed. A file that is not there is an answer
(None), not an error: the archive says 404, some mirrors 403 with the code NoSuchKey. A mirror that may not list its
bucket answers 403 AccessDenied for a missing file and for a missing right alike; that counts as missing only when the
extra of the connection says ``{"access_denied_means_missing": true}``.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from candlewick.exchange.archive_answers import (
    LONGEST_CHECKSUM,
    Downloaded,
    Published,
    Refused,
    read_checksum,
    stamp_ms,
)
from candlewick.exchange.clock import SYSTEM_CLOCK, Clock
from candlewick.exchange.deadline import AnswerTooLate, DeadlineAdapter
from candlewick.exchange.errors import ExchangeError, RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from candlewick.archive_file import ArchiveFile
    from candlewick.settings import Settings

T = TypeVar("T")
CHUNK_BYTES = 1 << 18


def from_connection(
    base_url: str, extra: Mapping[str, object], settings: Settings, *, clock: Clock = SYSTEM_CLOCK,
    session: requests.Session | None = None,
) -> Archive:  # fmt: skip
    """Return the archive of a connection.

    Args:
        base_url: such as ``https://data.binance.vision``, or a mirror with a path before ``data/spot``.
        extra: of the connection; ``access_denied_means_missing`` for a mirror that cannot be listed.
        settings: time-outs, tries, connections.
        clock: the machine's clocks.
        session: a session with its own transport, instead of a pooled one.

    Raises:
        ValueError: the base URL is none.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ValueError(
            f"expected the base URL of an archive, such as https://data.binance.vision, got {base_url!r}; "
            "correct the connection binance_archive"
        )
    denied = bool(extra.get("access_denied_means_missing", False))
    return Archive(base_url.rstrip("/"), settings, clock, session or _pooled_session(settings), denied)


class Archive:
    """Pooled, kept-alive connections to an archive; safe to use from many threads.

    Every method raises only :mod:`candlewick.exchange.errors`, and what the sink raises.
    """

    def __init__(
        self, base_url: str, settings: Settings, clock: Clock, session: requests.Session, denied_is_missing: bool
    ) -> None:
        self._base_url, self._settings, self._clock, self._session = base_url, settings, clock, session
        self._denied_is_missing = denied_is_missing
        self.host = urlsplit(base_url).netloc

    def checksum(self, file: ArchiveFile) -> Published | None:
        """Ask which sha256 a file has by its publisher's word; None when there is no such file.

        Raises:
            BadChecksum: what is published names another file.
            Unavailable, RateLimited, HostRefused, BadRequest: no answer worth the name.
        """
        return self._retried(lambda: self._checksum(file))

    def download(self, file: ArchiveFile, sink: BinaryIO) -> Downloaded | None:
        """Write a file into an empty, seekable sink as it comes; None when there is no such file.

        A download that ends too early begins again from the start. Memory does not depend on the file's size.

        Raises:
            Unavailable, RateLimited, HostRefused, BadRequest: it did not come; what the sink holds is worth nothing.
        """
        return self._retried(lambda: self._download(file, sink))

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _retried(self, ask: Callable[[], T]) -> T:
        backoff = wait_random_exponential(self._settings.retry_initial_seconds, self._settings.retry_max_seconds)

        def is_worth_another_try(error: BaseException) -> bool:
            if isinstance(error, RateLimited):
                return error.retry_after_seconds <= self._settings.retry_after_max_seconds
            return isinstance(error, Unavailable)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return max(backoff(state), error.retry_after_seconds if isinstance(error, RateLimited) else 0)

        retrying = Retrying(
            stop=stop_after_attempt(self._settings.retry_attempts), wait=pause,
            retry=retry_if_exception(is_worth_another_try), sleep=self._clock.sleep, reraise=True,
        )  # fmt: skip
        result: T = retrying(self._named, ask)
        return result

    def _named(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ExchangeError as error:
            error.at(self.host)
            raise

    def _checksum(self, file: ArchiveFile) -> Published | None:
        path = f"{file.path}.CHECKSUM"
        with self._get(path) as response:
            if self._is_missing(response, path):
                return None
            body = self._beginning(response, path)
        return read_checksum(body, file, self.host)

    def _download(self, file: ArchiveFile, sink: BinaryIO) -> Downloaded | None:
        sink.seek(0)
        sink.truncate()
        digest, size, begun = hashlib.sha256(), 0, self._clock.monotonic()
        with self._get(file.path) as response:
            if self._is_missing(response, file.path):
                return None
            for chunk in self._chunks(response, file.path):
                digest.update(chunk)
                sink.write(chunk)
                size += len(chunk)
            last_modified_ms = stamp_ms(response.headers.get("Last-Modified"))
        latency_ms = round((self._clock.monotonic() - begun) * 1000)
        return Downloaded(
            digest.hexdigest(), size, self._clock.time_ms(), last_modified_ms, self.host, latency_ms
        )  # fmt: skip

    def _get(self, path: str) -> requests.Response:
        try:
            return self._session.get(
                f"{self._base_url}/{path}",
                headers={"Accept-Encoding": "identity"},  # the bytes as published are what the checksum is of
                timeout=(self._settings.connect_timeout_seconds, self._settings.read_timeout_seconds),
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, AnswerTooLate) as error:
            raise self._cut(path, error) from error

    def _chunks(self, response: requests.Response, path: str) -> Iterator[bytes]:
        """Read a body as it was sent; one that ends before its length is an error."""
        try:
            yield from response.raw.stream(CHUNK_BYTES, decode_content=False)
        except (urllib3.exceptions.HTTPError, AnswerTooLate) as error:
            raise self._cut(path, error) from error

    def _beginning(self, response: requests.Response, path: str) -> bytes:
        """Read an answer that is short when it is what it should be; read whole, its connection is used again."""
        body = b""
        for chunk in self._chunks(response, path):
            body += chunk
            if len(body) > LONGEST_CHECKSUM:
                break
        return body

    def _cut(self, path: str, error: Exception) -> Unavailable:
        return Unavailable(f"expected {self.host}/{path} whole, got it not ({error}); try again")

    def _is_missing(self, response: requests.Response, path: str) -> bool:
        """Whether there is no such file; an answer that is neither this nor 200 is raised."""
        status = response.status_code
        if status == HTTPStatus.OK:
            return False
        refusal = Refused(self.host, path, status, response.headers, self._beginning(response, path))
        if refusal.means_missing(denied_too=self._denied_is_missing):
            return True
        raise refusal.error(self._settings.retry_max_seconds)


def _pooled_session(settings: Settings) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(
            scheme,
            DeadlineAdapter(
                settings.answer_timeout_seconds, hosts=1, connections_per_host=settings.archive_concurrency
            ),
        )
    return session
