"""What a backfill works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlewick.exchange.archive import Archive
    from candlewick.exchange.port import Exchange
    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse


@dataclass(frozen=True, slots=True)
class Tools:
    """The ports of one task; all but the warehouse's sessions may be shared by its threads."""

    exchange: Exchange
    archive: Archive
    lake: Lake
    warehouse: Warehouse
    run_id: str
