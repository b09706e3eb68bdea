"""From the archive into the lake and onto the queue: one file, verified while it streams.

The file goes into the lake as published, its checksum beside it; then one transaction queues it and notes it in the
ledger. Killed before that, an object lies in the lake that no row knows, and the file is asked for again.
"""

from __future__ import annotations

import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from candlewick.exchange.errors import BadChecksum, ExchangeError
from candlewick.lake.keys import archive_key, checksum_key, refused_key
from candlewick.market import DataType, Lane, RejectReason
from candlewick.pipeline.archive_edition import Edition
from candlewick.pipeline.asked import Asked
from candlewick.warehouse import archive_files, outcomes
from candlewick.warehouse.archive_files import FileState, Known
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.archive_file import ArchiveFile
    from candlewick.exchange.archive import Archive
    from candlewick.exchange.archive_answers import Downloaded, Published
    from candlewick.lake.store import Lake
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.outcomes import Outcome

log = logging.getLogger(__name__)

MOST_LOOKS = 5000
STORED, UNCHANGED, MISSING, REFUSED = "stored", "unchanged", "missing", "refused"


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """What became of a file.

    ``state`` is ``stored`` (a new edition is in the lake, queued), ``unchanged`` (this edition is there already, queued
    or loaded), ``missing`` (the archive has no such file) or ``refused`` (not what its checksum says, or no zip).
    ``object_id`` is the edition that can be loaded; None where there is none.
    """

    file: ArchiveFile
    state: str
    object_id: int | None = None
    payload_bytes: int = 0
    reason: str | None = None


def fetch_file(
    archive: Archive, lake: Lake, warehouse: Warehouse, file: ArchiveFile, run_id: str, *, force: bool = False
) -> FetchedFile:
    """Bring a file into the lake and onto the queue, unless its edition is there.

    A file that is not what its checksum says is asked for once more, then refused: its bytes are kept apart, it is in
    quarantine with both sums, and it is never loaded.

    Args:
        archive: who is asked.
        lake: where the file goes.
        warehouse: where its outcome goes.
        file: one whose period is over.
        run_id: goes into the outcome.
        force: take it also when its edition is there.

    Raises:
        ExchangeError: the archive did not answer; a failed outcome says so.
        LakeError, WarehouseError: a store does not answer; nothing is half done.
    """
    return _Fetch(archive, lake, warehouse, file, run_id).fetch(force=force)


def republished_files(
    archive: Archive, warehouse: Warehouse, config: Settings, *, now: datetime | None = None, most: int = MOST_LOOKS
) -> list[ArchiveFile]:
    """Return the files that are worth fetching: another checksum is published than the one we have, or at last one.

    Only checksums are asked for, some hundred bytes each, many at once; files that were not looked at for longest first.

    Args:
        archive: who is asked.
        warehouse: whose ledger says what we have.
        config: the exchange's name, and how many are asked for at once.
        now: our clock; recent files that were missing or refused are asked for again.
        most: files looked at in one call; the next call goes on with the others.

    Raises:
        ExchangeError: not one checksum could be had; one that could not is only logged.
    """
    now = now or utc_now()
    with warehouse.session() as session:
        wanted = archive_files.worth_a_look(session, config.exchange, most, now)
    failures: list[ExchangeError] = []

    def look(known: Known) -> bool | None:
        """Tell whether to fetch it; None when the archive did not answer."""
        try:
            published = archive.checksum(known.file)
        except BadChecksum as error:
            log.warning("%s", error)
            return False
        except ExchangeError as error:
            failures.append(error)
            return None
        return published is not None and published.sha256 not in (known.usable_sha256, known.useless_sha256)

    with ThreadPoolExecutor(config.archive_concurrency, thread_name_prefix="archive") as pool:
        looks = list(zip(wanted, pool.map(look, wanted), strict=True))
    with warehouse.session() as session:
        seen = [known.file for known, is_other in looks if is_other is not None]
        archive_files.looked_at(session, config.exchange, seen, now)
    for error in failures:
        log.warning("%s", error)
    if failures and len(failures) == len(wanted):
        raise failures[0]
    return [known.file for known, is_other in looks if is_other]


class _Fetch:
    """One call."""

    def __init__(self, archive: Archive, lake: Lake, warehouse: Warehouse, file: ArchiveFile, run_id: str) -> None:
        self.archive, self.lake, self.warehouse, self.file, self.run_id = archive, lake, warehouse, file, run_id
        self.exchange = warehouse.config.exchange
        self.bucket = warehouse.config.raw_bucket

    def fetch(self, *, force: bool) -> FetchedFile:
        try:
            published = self.archive.checksum(self.file)
            if published is None:
                return self._missing("the archive has no such file", force=force)
            if not force and (there := self._there(published)):
                return there
            with tempfile.TemporaryFile(prefix="candlewick-") as body:
                return self._download(published, body, force=force)
        except BadChecksum as error:
            return self._useless_checksum(error)
        except ExchangeError as error:
            with self.warehouse.session() as session:
                outcomes.record(session, [self._failed(error)])
            raise

    def _download(self, published: Published, body: BinaryIO, *, force: bool) -> FetchedFile:
        downloaded = self.archive.download(self.file, body)
        if downloaded and downloaded.sha256 != published.sha256:
            log.warning("%s: expected sha256 %s, got %s", self.file.name, published.sha256, downloaded.sha256)
            again = self.archive.checksum(self.file)  # it may have been published again between the two answers
            if again is None:
                return self._missing("its checksum is there no more", force=force)
            published = again
            if downloaded.sha256 != published.sha256:
                downloaded = self.archive.download(self.file, body)
        if downloaded is None:
            return self._missing("its checksum is there, the file is not", force=force)
        if downloaded.sha256 != published.sha256:
            return self._refuse(published, downloaded, body)
        return self._store(published, downloaded, body, force=force)

    def _there(self, published: Published) -> FetchedFile | None:
        """Return the edition with this checksum, if the lake has it and it can be loaded, or never will be."""
        with self.warehouse.session() as session:
            known = archive_files.known(session, self.exchange, self.file)
            if known is None or published.sha256 not in (known.usable_sha256, known.useless_sha256):
                return None
            return self._unchanged(
                session, archive_files.asked(session, self.exchange, self.file, known.state, utc_now())
            )

    def _unchanged(self, session: Session, known: Known) -> FetchedFile:
        """Note that the edition we have is the published one; an edition between was refused, perhaps."""
        if known.useless_sha256:
            archive_files.change(session, self.exchange, self.file, state=FileState.REFUSED, checksum=known.sha256)
            return FetchedFile(self.file, REFUSED, reason=known.reason)
        state = FileState.LOADED if known.load_state == "loaded" else FileState.STORED
        archive_files.change(
            session, self.exchange, self.file, state=state, checksum=known.sha256, attempts=0, reason=None
        )
        return FetchedFile(self.file, UNCHANGED, known.object_id, known.payload_bytes or 0)

    def _missing(self, reason: str, *, force: bool) -> FetchedFile:
        """Note that there is no such file; an edition we have stays, and with force it is loaded once more."""
        with self.warehouse.session() as session:
            known = archive_files.asked(session, self.exchange, self.file, FileState.MISSING, utc_now())
            if known.usable_sha256 is None or known.object_id is None:
                archive_files.change(session, self.exchange, self.file, state=FileState.MISSING, reason=reason)
                return FetchedFile(self.file, MISSING, reason=reason)
            reason = f"{reason}, the last edition is kept"
            archive_files.change(session, self.exchange, self.file, reason=reason)
            if force:
                (kept,) = outcomes.numbered(session, [known.object_id])
                outcomes.queue_again(session, [kept.object_key])
                archive_files.change(session, self.exchange, self.file, state=FileState.STORED)
        return FetchedFile(
            self.file, STORED if force else UNCHANGED, known.object_id, known.payload_bytes or 0, reason
        )  # fmt: skip

    def _store(self, published: Published, downloaded: Downloaded, body: BinaryIO, *, force: bool) -> FetchedFile:
        key = archive_key(self.file, downloaded.captured_at_ms)
        self._put(key, published, body)
        with self.warehouse.session() as session:
            known = archive_files.asked(session, self.exchange, self.file, FileState.STORED, utc_now())
            if not force and known.usable_sha256 == downloaded.sha256:
                return self._unchanged(session, known)  # another task was faster; our object is one no row knows
            stored = self._edition(key, downloaded).take(session, self.run_id)
        return FetchedFile(self.file, STORED, stored.object_id, downloaded.payload_bytes)

    def _refuse(self, published: Published, downloaded: Downloaded, body: BinaryIO) -> FetchedFile:
        """Keep what came, apart from what is loaded, and say in quarantine why."""
        sums = f"published sha256 {published.sha256}, got {downloaded.sha256} ({downloaded.payload_bytes} bytes)"
        reason = f"{RejectReason.CHECKSUM_MISMATCH}: {sums}"
        log.error("%s is refused: %s", self.file.name, sums)
        key = refused_key(self.file, downloaded.captured_at_ms)
        self._put(key, published, body)
        with self.warehouse.session() as session:
            known = archive_files.asked(session, self.exchange, self.file, FileState.REFUSED, utc_now())
            archive_files.change(
                session, self.exchange, self.file,
                state=FileState.REFUSED, checksum=published.sha256, attempts=known.attempts + 2, reason=reason,
            )  # fmt: skip
            if known.reason == reason:
                return FetchedFile(self.file, REFUSED, reason=reason)  # in quarantine since an earlier day
            self._edition(key, downloaded).refuse(session, self.run_id, RejectReason.CHECKSUM_MISMATCH, sums)
        return FetchedFile(self.file, REFUSED, reason=reason)

    def _useless_checksum(self, error: BadChecksum) -> FetchedFile:
        """Note that what is published as the checksum is another file's: nothing can be verified by it."""
        log.error("%s is refused: %s", self.file.name, error)
        with self.warehouse.session() as session:
            outcomes.record(session, [self._failed(error)])
            known = archive_files.asked(session, self.exchange, self.file, FileState.REFUSED, utc_now())
            archive_files.change(
                session, self.exchange, self.file,
                state=FileState.REFUSED, attempts=known.attempts + 1, reason=str(error),
            )  # fmt: skip
        return FetchedFile(self.file, REFUSED, reason=str(error))

    def _put(self, key: str, published: Published, body: BinaryIO) -> None:
        self.lake.put_file(self.bucket, key, body)
        self.lake.put(self.bucket, checksum_key(key), published.body)

    def _edition(self, key: str, downloaded: Downloaded) -> Edition:
        return Edition(
            exchange=self.exchange, file=self.file, bucket=self.bucket, key=key, sha256=downloaded.sha256,
            payload_bytes=downloaded.payload_bytes, captured_at_ms=downloaded.captured_at_ms,
            last_modified_ms=downloaded.last_modified_ms, host=downloaded.host, latency_ms=downloaded.latency_ms,
        )  # fmt: skip

    def _failed(self, error: ExchangeError) -> Outcome:
        file = self.file
        asked = Asked(
            self.exchange, file.symbol, DataType.KLINES, file.interval, 1, self.run_id, file.name, Lane.BACKFILL
        )
        return replace(asked.failed(error, utc_now()), source=file.granularity.source)
