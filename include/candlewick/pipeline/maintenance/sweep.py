"""Sweep: what lakes and servers collect when processes die; repaired where that is safe, reported where it is not.

Answers without a row get it again and are loaded; a bundle without a row is settled. Rows whose object is gone, names
that are none of ours and everything else that a program cannot judge is reported: nothing of it is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance.sweep_lake import LakeSweep
from candlewick.pipeline.maintenance.sweep_server import Patience, ServerSweep
from candlewick.pipeline.maintenance.sweep_summary import SweepSummary

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse


def run(
    lake: Lake,
    warehouse: Warehouse,
    run_id: str,
    now: datetime,
    *,
    patience: Patience | None = None,
    summary: SweepSummary | None = None,
) -> SweepSummary:
    """Compare both buckets with the ledgers, and look for what killed processes left on the server.

    Args:
        lake: its raw and its archive bucket are listed.
        warehouse: the writer's account.
        run_id: goes into events and rows.
        now: naive UTC; what is younger than a day is left alone.
        patience: from when on something counts as left behind.
        summary: give one to know of the findings also when this raises.

    Raises:
        LakeError, WarehouseError: a store does not answer; what was repaired stays repaired.
    """
    summary = summary if summary is not None else SweepSummary()
    ServerSweep(warehouse, run_id, now, patience or Patience(), summary).run()
    LakeSweep(lake, warehouse, run_id, now, summary).run()
    return summary
