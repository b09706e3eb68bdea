"""One bundle, from the sources to the read-back copy: the part of archiving that only reads and adds."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.lake import bundle
from candlewick.lake.keys import bundle_key, raw_prefix
from candlewick.lake.store import LakeError, ObjectMissing
from candlewick.market import DataType
from candlewick.warehouse.database import to_ms
from candlewick.warehouse.outcomes import interval_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from candlewick.lake.bundle import Packed
    from candlewick.lake.store import Lake
    from candlewick.warehouse.ageing import DaySeries, DueObject

MOST_MEMBERS = 10_000
MOST_BYTES = 128 << 20
"""Of the answers in one bundle: a day of one series is far below, an asked-for history is cut."""


class NotReadBack(LakeError):
    """What came back is not what was put; nothing was deleted. The store is damaged, or lies."""


@dataclass
class Bundled:
    """A bundle in the archive, read back and compared; None where no answer was left to pack."""

    unit: DaySeries
    key: str = ""
    packed: Packed | None = None
    members: list[DueObject] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """A sentence for each answer that was left out: it is gone, or another than its load saw."""


def prefix(unit: DaySeries) -> str:
    """Return what the keys of a unit's answers begin with."""
    return raw_prefix(unit.symbol, DataType(unit.data_type), interval_of(unit.interval_code), unit.date)


def parts(objects: Sequence[DueObject]) -> Iterator[list[DueObject]]:
    """Cut a unit's answers into what goes into one bundle each."""
    part: list[DueObject] = []
    size = 0
    for one in objects:
        if part and (len(part) >= MOST_MEMBERS or size + (one.payload_bytes or 0) > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += one.payload_bytes or 0
    if part:
        yield part


def make(lake: Lake, unit: DaySeries, objects: Sequence[DueObject]) -> Bundled:
    """Pack answers, put the bundle into the archive, read it back and compare every member with its source.

    Args:
        lake: names both buckets.
        unit: the series and day they are of.
        objects: the answers, by key; the same ones make the same bundle.

    Raises:
        NotReadBack: what came back is another file, or holds other answers.
        LakeUnavailable, LakeError: the store does not answer.
    """
    made = Bundled(unit)
    with tempfile.TemporaryFile(prefix="candlewick-") as file:
        writer = bundle.BundleWriter(file)
        payloads = lake.get_many(lake.config.raw_bucket, [one.object_key for one in objects])
        for one, payload in zip(objects, payloads, strict=True):
            if payload is None:
                made.problems.append(f"{one.object_key} is not in {lake.config.raw_bucket} any more")
            elif (problem := _problem(one, payload)) is not None:
                made.problems.append(problem)
            else:
                writer.add(one.object_key, to_ms(one.captured_at), payload)
                made.members.append(one)
        made.packed = writer.close()
        if not made.members:
            return made
        made.key = bundle_key(
            unit.symbol, DataType(unit.data_type), interval_of(unit.interval_code), unit.date, made.packed.digests
        )
        lake.put_file(lake.config.archive_bucket, made.key, file)
    read_back(lake, made.key, made.packed)
    return made


def read_back(lake: Lake, key: str, packed: Packed) -> None:
    """Read a bundle from the archive and compare it, whole and member by member, with what was packed.

    Raises:
        NotReadBack: it differs; the message says where.
    """
    where = f"{lake.config.archive_bucket}/{key}"
    with tempfile.TemporaryFile(prefix="candlewick-") as file:
        try:
            sha256 = bundle.fetch(lake, lake.config.archive_bucket, key, file)
        except ObjectMissing as error:
            raise NotReadBack(
                f"expected {where}, which was just put there, got nothing; nothing was deleted"
            ) from error
        if sha256 != packed.sha256:
            raise NotReadBack(f"expected {where} with the sha256 {packed.sha256}, got {sha256}; nothing was deleted")
        found = {name: hashlib.sha256(payload).hexdigest() for name, payload in bundle.members(file)}
    if found != packed.digests:
        wrong = sorted(set(found.items()) ^ set(packed.digests.items()))
        raise NotReadBack(
            f"expected {len(packed.digests)} answers in {where}, got {len(found)}, first difference {wrong[0][0]}; "
            "nothing was deleted"
        )


def _problem(one: DueObject, payload: bytes) -> str | None:
    """Say what an answer is not that its load saw; None when it is the same, or no load said."""
    if one.payload_bytes is not None and one.payload_bytes != len(payload):
        return f"{one.object_key}: expected {one.payload_bytes} bytes as its load saw them, got {len(payload)}"
    found = hashlib.sha256(payload).hexdigest()
    if one.sha256 is not None and one.sha256 != found:
        return f"{one.object_key}: expected the sha256 {one.sha256} as its load saw it, got {found}"
    return None
