"""A local folder of archive files and raw JSON into the lake and onto the queue of the backfill lane.

What is known by its name in the lake and its sha256 is not queued again, so a killed import is simply done once more.
An object is put into the lake before its row is written: nothing is half queued.
"""

from __future__ import annotations

import hashlib
import logging
import zipfile
from typing import TYPE_CHECKING

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.archive_answers import LONGEST_CHECKSUM, read_checksum
from candlewick.exchange.errors import ExchangeError
from candlewick.lake.keys import CHECKSUM_SUFFIX, archive_key, checksum_key
from candlewick.market import Interval
from candlewick.pipeline.archive_edition import Edition
from candlewick.pipeline.import_answers import Answers
from candlewick.pipeline.imported import ImportSummary, Wanted
from candlewick.pipeline.local_files import files_below, folder_below, obstacle
from candlewick.warehouse import archive_files
from candlewick.warehouse.archive_files import FileState
from candlewick.warehouse.database import to_ms, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

IMPORT_LOCK = "import"


def import_folder(
    lake: Lake,
    warehouse: Warehouse,
    folder: str | Path,
    run_id: str,
    symbols: Iterable[str],
    interval: Interval,
    span: tuple[int, int],
) -> ImportSummary:
    """Put a folder's archive files and answers of the exchange into the lake, and queue them.

    Archive files are ``SYMBOL-interval-date.zip``, verified by ``….zip.CHECKSUM`` beside them; without one the sha256
    of the file itself is recorded. Answers are ``….json`` in our envelope or in that of the system this one replaces.
    What is neither is reported. Books of the symbols are taken as well.

    Args:
        lake: where objects go.
        warehouse: where their outcomes go; its settings name the exchange and ``files_dir``.
        folder: below ``files_dir``; a relative one is meant from there on.
        run_id: goes into the outcomes.
        symbols: whose files are wanted.
        interval: of the candles wanted.
        span: the stamps wanted, [from, to) in ms; a file that holds any of it is taken whole.

    Raises:
        FolderRefused: the folder is none, or not below ``files_dir``.
        WarehouseBusy: another import runs, or the warehouse does not answer.
        LakeError, WarehouseError: a store does not answer; what was queued before stays queued.
    """
    root = warehouse.config.files_dir
    found = folder_below(root, folder)
    with warehouse.session() as session, warehouse.named_lock(session, IMPORT_LOCK):
        run = _Import(lake, warehouse, session, run_id, Wanted(frozenset(symbols), interval, *span))
        for path, hindrance in files_below(root, found):
            run.take(path, str(path.relative_to(found)), hindrance)
        run.answers.flush()
    log.info("%s: %s", found, run.summary.sentence)
    return run.summary


class _Import:
    """One call; its session holds the lock that makes it the only one."""

    def __init__(self, lake: Lake, warehouse: Warehouse, session: Session, run_id: str, wanted: Wanted) -> None:
        self.lake, self.session, self.run_id, self.wanted = lake, session, run_id, wanted
        self.config, self.root = warehouse.config, warehouse.config.files_dir.resolve()
        self.summary = ImportSummary()
        self.answers = Answers(lake, session, self.config, run_id, wanted, self.summary)

    def take(self, path: Path, name: str, hindrance: str | None) -> None:
        """Import one file, or say why not."""
        if not hindrance and path.suffix not in (".zip", ".json"):
            if path.suffix == CHECKSUM_SUFFIX and path.with_suffix("").is_file():
                return
            hindrance = "expected an archive file (.zip), its .CHECKSUM, or an answer (.json)"
        if hindrance:
            self.summary.problem(name, hindrance)
            return
        try:
            if path.suffix == ".zip":
                self._take_archive_file(path, name)
            else:
                self.answers.take(path)
        except (ValueError, ExchangeError, OSError) as error:
            self.summary.problem(name, error)

    def _take_archive_file(self, path: Path, name: str) -> None:
        file = ArchiveFile.named(path.stem)
        if file is None:
            raise ValueError(f"expected a name like BTCUSDT-1m-2023-03.zip, its interval one of {', '.join(Interval)}")
        if not self.wanted.has(file.symbol, file.interval, file.start_ms, file.end_ms - 1):
            self.summary.left_out += 1
            return
        if to_ms(utc_now()) < file.end_ms:
            raise ValueError(f"expected a file whose period is over, this one ends {file.period_end}")
        if not zipfile.is_zipfile(path):
            raise ValueError("expected a zip, this is none; download it again")
        with path.open("rb") as body:
            sha256 = hashlib.file_digest(body, "sha256").hexdigest()
            checksum = _checksum_beside(self.root, path, file, sha256)
            if not self._is_there(file, sha256):
                self._queue(file, body, sha256, checksum)
                self.summary.unverified += [] if checksum else [name]

    def _is_there(self, file: ArchiveFile, sha256: str) -> bool:
        """Whether the lake has this edition; another one that can be loaded is not replaced by a local file."""
        known = archive_files.known(self.session, self.config.exchange, file)
        if known is None or known.usable_sha256 is None or known.object_id is None:
            return False
        if known.usable_sha256 != sha256:
            raise ValueError(
                f"expected the edition the lake has (sha256 {known.usable_sha256}), got another one ({sha256}); the "
                "lake's is kept: ask the archive if you doubt it"
            )
        self.summary.known(known.object_id, known.payload_bytes or 0, is_queued=known.load_state == "pending")
        return True

    def _queue(self, file: ArchiveFile, body: BinaryIO, sha256: str, checksum: bytes | None) -> None:
        now = utc_now()
        key = archive_key(file, to_ms(now))
        self.lake.put_file(self.config.raw_bucket, key, body)
        if checksum:
            self.lake.put(self.config.raw_bucket, checksum_key(key), checksum)
        edition = Edition(
            exchange=self.config.exchange, file=file, bucket=self.config.raw_bucket, key=key, sha256=sha256,
            payload_bytes=body.seek(0, 2), captured_at_ms=to_ms(now),
        )  # fmt: skip
        archive_files.asked(self.session, self.config.exchange, file, FileState.STORED, now)
        queued = edition.take(self.session, self.run_id, None if checksum else "imported without a checksum")
        self.session.commit()
        self.summary.queued(queued.object_id, edition.payload_bytes)


def _checksum_beside(root: Path, path: Path, file: ArchiveFile, sha256: str) -> bytes | None:
    """Return the checksum that lies beside a file; None where there is none.

    Raises:
        ValueError, ExchangeError: it is not this file's.
    """
    beside = path.with_name(path.name + CHECKSUM_SUFFIX)
    if not beside.exists():
        return None
    if hindrance := obstacle(root, beside):
        raise ValueError(f"{beside.name}: {hindrance}")
    with beside.open("rb") as file_of_it:
        checksum = file_of_it.read(LONGEST_CHECKSUM)
    published = read_checksum(checksum, file, beside.name)
    if published.sha256 != sha256:
        raise ValueError(f"expected the sha256 {published.sha256} of its checksum, got {sha256}; download it again")
    return checksum
