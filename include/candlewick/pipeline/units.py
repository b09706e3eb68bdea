"""What one load of the backfill lane takes: an archive file, or answers of one series; read from the lake and checked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.archive_file import ArchiveFile, Granularity
from candlewick.lake.store import ObjectMissing
from candlewick.market import Interval, RejectReason, Source
from candlewick.pipeline.archive_csv import BadArchive, normalise
from candlewick.pipeline.batch import Fetched, cut
from candlewick.pipeline.convert import Converted, unreadable
from candlewick.warehouse.database import from_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from candlewick.lake.store import Lake
    from candlewick.pipeline.load_summary import BulkSummary
    from candlewick.settings import Settings
    from candlewick.warehouse.outcomes import LoadableObject

GRANULARITIES = {Source.ARCHIVE_DAILY: Granularity.DAILY, Source.ARCHIVE_MONTHLY: Granularity.MONTHLY}


@dataclass(slots=True)
class Unit:
    """Objects read and checked; ``lines`` is the CSV of an archive file, answers carry their lines themselves."""

    batch: list[Fetched]
    lines: Path | None = None
    is_refused: bool = False
    """Whether the store gave nothing of it. A damaged bundle is that bundle's fault."""

    @property
    def name(self) -> str:
        """What it is, for the log."""
        first = self.batch[0].source.object_key.rpartition("/")[2]
        return first if len(self.batch) == 1 else f"{first} and {len(self.batch) - 1} more"

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """Where open times have to lie, [from, to); None for answers."""
        file = archive_file(self.batch[0].source)
        return (from_ms(file.start_ms), from_ms(file.end_ms)) if file else None

    def halves(self) -> tuple[Unit, Unit]:
        """Cut a unit of several answers in two."""
        middle = len(self.batch) // 2
        return Unit(self.batch[:middle]), Unit(self.batch[middle:])


def cut_into_units(objects: Iterable[LoadableObject], config: Settings) -> Iterator[list[LoadableObject]]:
    """Yield each archive file alone, in order, then the answers by series and size."""
    answers: dict[tuple[str, str, str, str], list[LoadableObject]] = defaultdict(list)
    for one in objects:
        if one.source.is_archive:
            yield [one]
        else:
            answers[one.series].append(one)
    for series in answers.values():
        yield from cut(series, config)


def archive_file(one: LoadableObject) -> ArchiveFile | None:
    """Return the archive file an object is an edition of; None for answers."""
    if one.source not in GRANULARITIES or one.first_open_time is None:
        return None
    start = one.first_open_time.date()
    return ArchiveFile(one.symbol, Interval(one.interval_code), GRANULARITIES[one.source], start)


def read_file(lake: Lake, one: LoadableObject, folder: Path, summary: BulkSummary) -> Unit:
    """Read an archive file from the lake and write the lines of it that can be loaded into ``folder``.

    Raises:
        LakeError: it cannot be read now.
    """
    packed, lines = folder / f"{one.object_id}.zip", folder / f"{one.object_id}.csv"
    try:
        with summary.timed("lake"), packed.open("wb") as sink:
            sha256 = lake.read_into(one.bucket, one.object_key, sink)
        with summary.timed("unzip and check"):
            converted = _normalised(one, sha256, packed, lines)
        return Unit([Fetched(one, converted, 0, sha256, packed.stat().st_size)], lines)
    except ObjectMissing:
        missing = unreadable(RejectReason.OBJECT_MISSING, f"{one.bucket}/{one.object_key}")
        return Unit([Fetched(one, missing, 0, None, None)], lines)
    finally:
        packed.unlink(missing_ok=True)


def _normalised(one: LoadableObject, sha256: str, packed: Path, lines: Path) -> Converted:
    if sha256 != one.sha256:
        return unreadable(
            RejectReason.CHECKSUM_MISMATCH, f"the object in the lake has {sha256}, it was put there as {one.sha256}"
        )
    file = archive_file(one)
    if file is None:
        return unreadable(RejectReason.BAD_ARCHIVE, f"{one.object_key}: its outcome does not say which period it is of")
    try:
        with lines.open("wb") as sink:
            return normalise(packed, file, sink)
    except BadArchive as error:
        return unreadable(RejectReason.BAD_ARCHIVE, str(error))
