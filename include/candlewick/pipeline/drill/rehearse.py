"""One rebuild drill: choose the objects, fill empty schemas from them, compare with the live ones, clean up.

Killed anywhere, the next drill empties what was left: its schemas bear a mark. The live rows are only read.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.pipeline.compare import BOOKS, HISTORY, Comparison, Within, compare
from candlewick.pipeline.drill import objects
from candlewick.pipeline.drill.objects import Gone, Live
from candlewick.pipeline.drill.refill import beside, changed_objects, refill
from candlewick.warehouse import facts, schema, scratch, tables
from candlewick.warehouse.database import WarehouseBusy, WarehouseError

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.pipeline.compare import Compared
    from candlewick.pipeline.drill.request import DrillRequest
    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

LOCK, PURPOSE = "drill", "drill"
DATA_TYPES = {"klines": HISTORY, "depth": (BOOKS,)}
SHOWN = 10


@dataclass(frozen=True, slots=True)
class DrillSummary:
    """What was compared, what differs, and what could not be compared."""

    objects: int
    loaded: str
    comparisons: tuple[Comparison, ...]
    gone: tuple[Gone, ...]
    changed: tuple[str, ...]

    @property
    def is_different(self) -> bool:
        """Whether the lake says otherwise than the live rows."""
        return bool(self.changed) or any(one.difference for one in self.comparisons)

    @property
    def is_equal(self) -> bool:
        """Whether every row of the days was compared, there were any, and all were the same."""
        return not self.is_different and not self.gone and any(one.rows for one in self.comparisons)

    @property
    def lines(self) -> list[str]:
        """A line a table, then what stands in the way of calling it equal."""
        said = [f"{self.objects} objects; {self.loaded}"]
        for one in self.comparisons:
            verdict = f"DIFFERENT, first at {one.difference.sentence}" if one.difference else "the same"
            left_out = f", {one.left_out} days of symbols left out" if one.left_out else ""
            said.append(f"{one.table}: {one.rows} live rows{left_out}: {verdict}")
        said += [f"object damaged, gone or changed since it was loaded: {key}" for key in self.changed]
        said += [f"not comparable: {one.symbol} on {one.day}, {one.reason}" for one in self.gone[:SHOWN]]
        if len(self.gone) > SHOWN:
            said.append(f"not comparable: {len(self.gone) - SHOWN} more days of symbols")
        return said

    @property
    def sentence(self) -> str:
        """The verdict."""
        rows = sum(one.rows for one in self.comparisons)
        if self.is_different:
            return "the warehouse rebuilt from the lake DIFFERS from the live one"
        if self.is_equal:
            return f"the warehouse rebuilt from the lake is the same: {rows} rows compared"
        if rows:
            return f"NOT PROVEN: {rows} rows are the same, but {len(self.gone)} days of symbols could not be compared"
        return "NOT PROVEN: there was nothing that could be compared"


def rehearse(
    warehouse: Warehouse, lake: Lake, request: DrillRequest, run_id: str, now: datetime, *, keep: bool = False
) -> DrillSummary:
    """Rebuild days beside the live warehouse and compare them row by row.

    Args:
        warehouse: the live one, as an account that has all rights on ``<schema>_drill`` of both schemas.
        lake: both its buckets are read.
        request: which days and symbols.
        run_id: goes into the drill's own ledgers.
        now: naive UTC.
        keep: leave the drill's schemas for a look; the next drill empties them.

    Raises:
        SchemaInUse: a schema of the drill's name holds tables that are not a drill's.
        WarehouseBusy: another drill runs, the live rows are not built or changed meanwhile; start it again.
        WarehouseError, LakeError, TransformError: as said by server, store or dbt.
    """
    drill = beside(warehouse)
    schemas = (drill.config.raw_schema, drill.config.marts_schema)
    live = Live(warehouse.config.raw_schema, warehouse.config.marts_schema, schemas[0])
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        scratch.claim(session, schemas, PURPOSE)
        try:
            return _compared(session, warehouse, drill, lake, live, request, run_id, now)
        finally:
            session.rollback()
            if not keep:
                scratch.drop(session, schemas, PURPOSE)


def _compared(
    session: Session,
    warehouse: Warehouse,
    drill: Warehouse,
    lake: Lake,
    live: Live,
    request: DrillRequest,
    run_id: str,
    now: datetime,
) -> DrillSummary:
    if not facts.are_built(session, live.marts):
        raise WarehouseError(
            f"expected facts in the schema {live.marts}, but dbt has built none; run market_minute first"
        )
    missing = [one.table for one in (*HISTORY, BOOKS) if not tables.exist(session, live.marts, one.table)]
    if missing:
        raise WarehouseError(
            f"expected {', '.join(missing)} in the schema {live.marts}, but dbt has not built that yet; run market_hourly first"
        )
    schema.upgrade(drill)
    chosen = objects.choose(session, live, request)
    if waiting := objects.unbuilt(session, live):
        raise WarehouseBusy(
            f"expected all of these days built, but {waiting} of their objects are loaded and dbt has yet to take them in; "
            "start the drill again after its next run"
        )
    gone = objects.gone(session, live, request)
    session.commit()
    loaded = refill(drill, lake, live, run_id, now)
    comparisons = tuple(
        _compare(warehouse, drill, table, request, gone[data_type])
        for data_type, tables in DATA_TYPES.items()
        for table in tables
    )
    every = {(one.symbol, one.day): one for one in (*gone["klines"], *gone["depth"])}
    summary = DrillSummary(
        chosen, loaded, comparisons, tuple(every[key] for key in sorted(every)),
        tuple(changed_objects(session, drill, live)),
    )  # fmt: skip
    if summary.is_different:
        _demand_calm(session, live, request)
    for line in summary.lines:
        log.info("%s", line)
    return summary


def _demand_calm(session: Session, live: Live, request: DrillRequest) -> None:
    """Call a difference one only where nothing was loaded, archived or deleted meanwhile."""
    grown, moved = objects.have_grown(session, live, request), objects.have_moved(session, live)
    if grown or moved:
        raise WarehouseBusy(
            f"expected the live rows of these days and their objects to stay as they are, but meanwhile {grown} objects were "
            f"loaded and {moved} archived or deleted; start the drill again"
        )


def _compare(
    warehouse: Warehouse, drill: Warehouse, table: Compared, request: DrillRequest, gone: list[Gone]
) -> Comparison:
    without = frozenset((one.symbol, one.day) for one in gone)
    return compare(warehouse, drill, table, Within(request.days, request.symbols, without))
