"""What a server does for its tables on demand: fresh statistics, and space that deletions left, given back.

Neither waits longer than ``tables.DDL_WAIT_SECONDS`` for readers, since everybody who comes later waits behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.warehouse import tables

if TYPE_CHECKING:
    from candlewick.warehouse.database import Session
    from candlewick.warehouse.storage import TableSize

MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Which tables are worth the work."""

    analyse_bytes: int = 16 * MEGABYTE
    """Smaller tables are left to the server's own statistics."""
    free_share: float = 0.3
    """An unused part of the file below it is filled again soon enough."""
    free_bytes: int = 64 * MEGABYTE
    """Less than that is not worth a copy of the table."""
    most_bytes: int = 2048 * MEGABYTE
    """A larger table is not copied: that takes minutes and its size of free disk."""

    def wants_statistics(self, table: TableSize) -> bool:
        """Whether a table is large enough for plans to go wrong on it."""
        return table.bytes >= self.analyse_bytes

    def pays(self, table: TableSize) -> bool:
        """Whether a copy of the table gives back enough. Partitioned ones lose whole partitions and need none."""
        whole = table.bytes + table.free_bytes
        return (
            not table.is_partitioned
            and whole <= self.most_bytes
            and table.free_bytes >= max(self.free_bytes, self.free_share * whole)
        )


def analyse(session: Session, table: TableSize) -> str:
    """Make a table's statistics anew; return what the server has against it, empty when nothing."""
    return _told(session, f"ANALYZE TABLE {table.full_name}")


def optimise(session: Session, table: TableSize) -> str:
    """Copy a table into a file without holes while others read and write it; return what the server has against it."""
    return _told(session, f"OPTIMIZE TABLE {table.full_name}")


def _told(session: Session, statement: str) -> str:
    """Run a statement that answers in rows of (table, operation, kind, text) and never with an error of its own."""
    tables.bound_waits(session)
    rows = session.all(statement)
    return "; ".join(str(row[3]) for row in rows if str(row[2]).lower() == "error")
