"""Source ``files``: one look at the folder for all symbols, then each symbol's objects are loaded as its part."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from candlewick.pipeline.bulk import load_objects
from candlewick.pipeline.import_files import import_folder
from candlewick.pipeline.load_summary import BulkSummary
from candlewick.warehouse import present
from candlewick.warehouse.backfills import PartResult, PartState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.pipeline.imported import ImportSummary
    from candlewick.warehouse.backfills import Part
    from candlewick.warehouse.present import QueuedSpan

BATCH = 1000


def bring_files(tools: Tools, parts: Sequence[Part], folder: str) -> Iterator[tuple[Part, PartResult]]:
    """Import a folder and load what it brought; yield each part as it is done, its span narrowed to what came.

    Raises:
        FolderRefused: the folder is gone since the plan.
        LakeError, WarehouseError: a store does not answer; what was queued before is loaded by the next try.
    """
    started = time.monotonic()
    span = min(part.start_ms for part in parts), max(part.end_ms for part in parts)
    names = [part.symbol for part in parts]
    found = import_folder(tools.lake, tools.warehouse, folder, tools.run_id, names, parts[0].interval, span)
    with tools.warehouse.session() as session:
        queued = present.spans(session, found.object_ids)
        there = present.spans(session, sorted(found.there))
    for part in parts:
        came, result = _load(tools, part, _of(part, queued), _of(part, there), found)
        yield came, replace(result, seconds=time.monotonic() - started)
        started = time.monotonic()


def _of(part: Part, objects: Sequence[QueuedSpan]) -> list[QueuedSpan]:
    return [one for one in objects if one.symbol == part.symbol]


def _load(
    tools: Tools, part: Part, objects: Sequence[QueuedSpan], there: Sequence[QueuedSpan], found: ImportSummary
) -> tuple[Part, PartResult]:
    """Load a symbol's objects; the part spans those that were loaded before as well, perhaps by a try that was killed."""
    told = [found.sentence] if found.problem_count or found.unverified else []
    if not objects and not there:
        told.append(f"the folder has nothing of {part.symbol} in this span")
        return replace(part, end_ms=part.start_ms), PartResult(PartState.MISSING, reason="; ".join(told))
    summary = BulkSummary()
    for at in range(0, len(objects), BATCH):
        ids = [one.object_id for one in objects[at : at + BATCH]]
        load_objects(tools.lake, tools.warehouse, tools.run_id, ids, summary)
    told += [f"{summary.rejected} rows in quarantine"] if summary.rejected else []
    size = sum(one.payload_bytes for one in objects)
    state = PartState.DONE if summary.rows else PartState.UNCHANGED if there else PartState.MISSING
    result = PartResult(state, summary.objects, summary.rows, size, reason="; ".join(told) or None)
    firsts = [one.first_open_ms for one in (*objects, *there) if one.first_open_ms is not None]
    lasts = [one.last_open_ms for one in (*objects, *there) if one.last_open_ms is not None]
    start_ms = min(firsts, default=part.start_ms)
    end_ms = max(lasts, default=start_ms - part.interval.milliseconds) + part.interval.milliseconds
    return replace(part, start_ms=start_ms, end_ms=end_ms), result
