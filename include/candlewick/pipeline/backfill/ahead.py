"""Fetch the archive files of the next parts while one is loaded.

Files go to the lake and are queued there: what was fetched ahead by a task that is killed is found by the next one.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from candlewick.archive_file import ArchiveFile
    from candlewick.pipeline.archive_fetch import FetchedFile


class FilesAhead:
    """A window of so many files; its memory does not depend on how many there are."""

    def __init__(
        self, fetch: Callable[[ArchiveFile], FetchedFile], files: Iterable[ArchiveFile], concurrency: int
    ) -> None:
        self._fetch, self._files, self._concurrency = fetch, iter(files), concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="archive")
        self._waiting: OrderedDict[ArchiveFile, Future[FetchedFile]] = OrderedDict()

    def __enter__(self) -> Self:
        self._fill()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def get(self, file: ArchiveFile) -> FetchedFile:
        """Return a file; one that was not foreseen is fetched now. Raises what fetching it raised."""
        future = self._waiting.pop(file, None)
        self._fill()
        return future.result() if future else self._fetch(file)

    def _fill(self) -> None:
        while len(self._waiting) < self._concurrency and (file := next(self._files, None)):
            self._waiting[file] = self._pool.submit(self._fetch, file)
