"""The end of a backfill's run: what was brought, what was not, and whether the run may be called a success."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from candlewick.pipeline.backfill.progress import progress, stories
from candlewick.pipeline.backfill.request import BackfillSource
from candlewick.warehouse import backfills
from candlewick.warehouse.backfills import BackfillState, PartState
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from candlewick.pipeline.backfill.progress import Progress
    from candlewick.warehouse.database import Warehouse

ONLY_FILES = (BackfillSource.ARCHIVE, BackfillSource.FILES)
log = logging.getLogger(__name__)


class BackfillIncomplete(Exception):
    """Parts of a backfill are not there; the same request again does only what is left."""


def report(warehouse: Warehouse, run_id: str) -> str:
    """Write the table into the log and the state into the ledger; return where the backfill stands.

    Raises:
        BackfillIncomplete: parts failed, were not worked on, or a symbol has nothing at all.
    """
    with warehouse.session() as session:
        backfill_id = backfills.find(session, run_id)
        if backfill_id is None:
            raise BackfillIncomplete(f"expected a backfill of the run {run_id}, but its plan wrote none")
        found = progress(session, backfill_id)
        told = stories(session, backfill_id)
        problem = _problem(found, backfills.read(session, backfill_id).source)
        state = BackfillState.INCOMPLETE if problem else BackfillState.FINISHED
        backfills.set_state(session, backfill_id, state, utc_now())
    for line in (*found.table, *told):
        log.info("%s", line)
    if problem:
        raise BackfillIncomplete(f"{problem}; {found.sentence}. Trigger the same again: it does only what is left")
    return found.sentence


def _problem(found: Progress, source: str) -> str | None:
    if failed := found.count(PartState.FAILED):
        return f"expected every part to be brought, but {failed} failed (see the log above, or backfill_parts)"
    if left := found.count(PartState.PENDING):
        return f"expected every part to be brought, but {left} had no answer or were not worked on"
    if source in ONLY_FILES and (without := _without_candles(found)):
        return (
            f"expected files of {', '.join(without)}, but there is not one in this span: "
            "correct the symbol, or ask with source auto for days that are not published yet"
        )
    return None


def _without_candles(found: Progress) -> list[str]:
    with_candles = {one.symbol for one in found.totals if one.state in (PartState.DONE, PartState.UNCHANGED)}
    return sorted({one.symbol for one in found.totals} - with_candles)
