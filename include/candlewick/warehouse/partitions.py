"""RANGE partitions by day and month of the big tables: what there is, how a day is emptied at once, how days become a month.

A day's rows go by changing its partition for a small table of what stays (``EXCHANGE PARTITION``): the cost is that of
the day, not of the table, and nobody waits longer than the change of two names takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import MySQLdb

from candlewick.warehouse import tables

if TYPE_CHECKING:
    from candlewick.warehouse.database import Session

KEPT = "__kept"
_EXACT_BELOW = 1_000_000
# EXCHANGE is refused, the tables differ in what nobody sees (columns that were added without a copy): rows are deleted instead.
_CANNOT_EXCHANGE = {1731, 1736}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition and its days, [start, end); None: without an end on that side."""

    name: str
    start: date | None
    end: date | None

    @property
    def is_day(self) -> bool:
        """Whether it holds exactly one day."""
        return self.start is not None and self.end is not None and self.end - self.start == timedelta(days=1)


def of_table(session: Session, schema: str, table: str) -> list[Partition]:
    """Return a table's partitions in order; none when it has no partitions, or is not there."""
    rows = session.all(
        "SELECT partition_name, CAST(partition_description AS CHAR(64)) FROM information_schema.partitions "
        "WHERE table_schema = %s AND table_name = %s AND partition_name IS NOT NULL ORDER BY partition_ordinal_position",
        (schema, table),
    )
    found: list[Partition] = []
    for name, bound in rows:
        end = None if bound == "MAXVALUE" else date.fromisoformat(bound.strip("'")[:10])
        found.append(Partition(name, found[-1].end if found else None, end))
    return found


def name_of_day(session: Session, schema: str, table: str, day: date) -> str | None:
    """Return the name of the partition that holds exactly this day; None: the table has none."""
    return next((one.name for one in of_table(session, schema, table) if one.is_day and one.start == day), None)


def rows_of(session: Session, schema: str, table: str) -> int:
    """Return a table's rows: exact below a million, else as the server estimates them."""
    tables.show_fresh_sizes(session)
    row = session.one(
        "SELECT table_rows FROM information_schema.tables WHERE table_schema = %s AND table_name = %s", (schema, table)
    )
    if row is None:
        return 0
    estimate = int(row[0] or 0)
    if estimate >= _EXACT_BELOW:
        return estimate
    counted = session.one(f"SELECT COUNT(*) FROM {schema}.{table}")
    return int(counted[0]) if counted else 0


def prepare_kept(session: Session, schema: str, table: str) -> str:
    """Make the empty table that a day's survivors are copied into; return its name. The writer's lock is held."""
    kept = f"{schema}.{table}{KEPT}"
    session.run(f"DROP TABLE IF EXISTS {kept}")
    row = session.one(f"SHOW CREATE TABLE {schema}.{table}")
    text = re.sub(r"(/\*!\d+ )?\s*PARTITION BY .*", "", str(row[1]) if row else "", flags=re.DOTALL)
    session.run(text.replace(f"CREATE TABLE `{table}`", f"CREATE TABLE {kept}", 1).rstrip())
    return kept


def exchange(session: Session, schema: str, table: str, partition: str) -> bool:
    """Change a partition for the rows in ``<table>__kept``, which holds the partition's old rows afterwards.

    Returns:
        False when this server cannot do it with this table; then nothing was changed.
    """
    # In a transaction MariaDB locks the rows it verifies, and then waits for itself.
    session.commit()
    session.connection.autocommit(True)
    try:
        session.run(f"ALTER TABLE {schema}.{table} EXCHANGE PARTITION {partition} WITH TABLE {schema}.{table}{KEPT}")
    except MySQLdb.Error as error:
        if error.args[0] not in _CANNOT_EXCHANGE:
            raise
        return False
    finally:
        session.connection.autocommit(False)
    return True


def drop_kept(session: Session, schema: str, table: str) -> None:
    """Drop what a change of partitions left over: survivors that are in the table too, or rows that were to go."""
    session.run(f"DROP TABLE IF EXISTS {schema}.{table}{KEPT}")


def merge_days(session: Session, schema: str, table: str, days: list[Partition]) -> None:
    """Make one month's partition of its days. The writer's lock is held."""
    first, last = days[0], days[-1]
    if first.start is None or last.end is None:
        raise ValueError(f"expected days with a start and an end, got {first.name} to {last.name} of {table}")
    names = ", ".join(day.name for day in days)
    session.run(
        f"ALTER TABLE {schema}.{table} REORGANIZE PARTITION {names} INTO "
        f"(PARTITION p{first.start:%Y%m} VALUES LESS THAN ('{last.end}'))"
    )


def whole_months(found: list[Partition], before: date) -> list[list[Partition]]:
    """Return the day partitions of each month that ended by ``before`` and is all in days."""
    months: dict[tuple[int, int], list[Partition]] = {}
    for one in found:
        if one.is_day and one.start is not None:
            months.setdefault((one.start.year, one.start.month), []).append(one)
    whole = []
    for (year, month), days in sorted(months.items()):
        end = (date(year, month, 1) + timedelta(days=32)).replace(day=1)
        if end <= before and days[-1].end == end and days[0].start == date(year, month, 1):
            whole.append(days)
    return whole
