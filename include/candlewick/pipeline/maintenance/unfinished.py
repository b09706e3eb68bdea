"""A bundle whose run was killed before its sources were deleted: it is proven once more, then they go."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.lake import bundle
from candlewick.lake.bundle import DamagedBundle
from candlewick.lake.store import LakeError, LakeUnavailable, ObjectMissing
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from candlewick.lake.store import Lake
    from candlewick.warehouse.bundles import Bundle

AT_ONCE = 1000


@dataclass
class Finished:
    """What became of it: rows to write, whether its sources are gone, and else why not."""

    events: list[LifecycleEvent] = field(default_factory=list)
    is_settled: bool = False
    failure: LakeError | None = None


def finish(lake: Lake, found: Bundle, adopt: Callable[[Sequence[str]], None]) -> Finished:
    """Read a bundle again, and delete each source that is still there and equals its member.

    A source that differs stays, and is reported. A bundle that is gone or damaged deletes nothing.

    Args:
        lake: both its buckets.
        found: the bundle.
        adopt: notes, for good, that objects with these keys lie in the bundle; called before they are deleted, and for
            those that are gone: their rows may be of a backup that knew nothing of the bundle.

    Raises:
        LakeUnavailable, LakeError: the store does not answer.
    """
    done = Finished()
    with tempfile.TemporaryFile(prefix="candlewick-") as file:
        try:
            bundle.fetch(lake, found.bucket, found.object_key, file, found.sha256)
            digests = {name: hashlib.sha256(payload).hexdigest() for name, payload in bundle.members(file)}
        except (ObjectMissing, DamagedBundle) as error:
            _report(done, found, f"its sources stay: {error}")
            return done
    if len(digests) != found.object_count:
        _report(done, found, f"its sources stay: expected {found.object_count} answers in it, got {len(digests)}")
        return done
    deleted, size = 0, 0
    differ: list[str] = []
    refused: dict[str, str] = {}
    bucket, names = lake.config.raw_bucket, list(digests)
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        same: dict[str, int] = {}
        gone = []
        for name, payload in zip(part, lake.get_many(bucket, part), strict=True):
            if payload is None:
                gone.append(name)
            elif hashlib.sha256(payload).hexdigest() != digests[name]:
                differ.append(name)
            else:
                same[name] = len(payload)
        adopt([*same, *gone])
        refused |= lake.delete_many(bucket, list(same))
        went = [name for name in same if name not in refused]
        deleted, size = deleted + len(went), size + sum(same[name] for name in went)
    if differ:
        _report(done, found, f"{len(differ)} sources differ from it and stay, {differ[0]} first; compare them by hand")
        done.failure = None  # nothing that another run could do
    reason = f"a run was killed; read again, all the same: {found.object_count} answers"
    if refused:
        name, why = next(iter(refused.items()))
        reason += f"; {len(refused)} sources could not be deleted"
        done.failure = LakeUnavailable(
            f"expected to delete the sources of {found.object_key}, but {len(refused)} stay, {name} first: {why}; "
            "the next run tries again"
        )
    done.is_settled = not refused
    if deleted or done.is_settled:
        done.events.append(_event(found, Action.SOURCES_DELETED, Store.RAW, reason, deleted, size))
    return done


def _report(done: Finished, found: Bundle, reason: str) -> None:
    done.events.append(_event(found, Action.REPORTED, Store.ARCHIVE, reason, found.object_count, found.bundle_bytes))
    done.failure = LakeError(f"{found.bucket}/{found.object_key}: {reason}")


def _event(found: Bundle, action: Action, store: Store, reason: str, objects: int, size: int) -> LifecycleEvent:
    return LifecycleEvent.of_day(
        found.date, step=Step.ARCHIVE, action=action, store=store, subject=found.object_key, reason=reason,
        symbol=found.symbol, object_count=objects, byte_count=size,
    )  # fmt: skip
