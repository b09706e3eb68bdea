"""What stays of a day's partition when its rows go: other symbols, other intervals, minutes that somebody keeps.

Named by what is to stay, looked up by the key: the cost is that of the survivors, however many rows go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.market import Interval
from candlewick.spans import Span, of_day, without
from candlewick.warehouse.partitions import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from candlewick.pipeline.maintenance.retention_due import BigTable
    from candlewick.warehouse.database import Session

_CHUNK = 500


def copy_survivors(
    session: Session, marts: str, table: BigTable, partition: str, exchange: str, gone: Mapping[str, Sequence[Span]]
) -> int:
    """Copy what stays into ``<table>__kept``; return the number of rows. The caller holds the writer's lock and commits.

    Args:
        session: on which nothing else is open.
        marts: schema of the table.
        table: partitioned by day.
        partition: of the day.
        exchange: whose rows go.
        gone: spans of the day that go, by symbol; a symbol without any stays whole.
    """
    source = f"{marts}.{table.name} PARTITION ({partition})"
    copy = f"INSERT INTO {marts}.{table.name}{KEPT} SELECT * FROM {source} FORCE INDEX (PRIMARY) WHERE exchange = %s "
    copied, going = 0, []
    for other, symbol in list(_series(session, source, table)):
        if other != exchange or not gone.get(symbol):
            copied += session.run(f"{copy}AND symbol = %s", (other, symbol))
            continue
        going.append(symbol)
        for stays in without([of_day(gone[symbol][0].start.date())], gone[symbol]):
            minutes = f" AND interval_code = '{Interval.MINUTE_1}'" * table.is_of_facts
            copied += session.run(
                f"{copy}AND symbol = %s{minutes} AND {table.time} >= %s AND {table.time} < %s",
                (exchange, symbol, stays.start, stays.end),
            )
    for start in range(0, len(going) if table.is_of_facts else 0, _CHUNK):
        part = going[start : start + _CHUNK]
        marks = ", ".join(["%s"] * len(part))
        copied += session.run(
            f"{copy}AND symbol IN ({marks}) AND interval_code <> '{Interval.MINUTE_1}'", (exchange, *part)
        )
    return copied


def _series(session: Session, source: str, table: BigTable) -> Iterator[tuple[str, str]]:
    """Step through the key from one exchange and symbol to the next."""
    order = ", ".join(table.key)
    exchange = ""
    while row := session.one(
        f"SELECT exchange FROM {source} FORCE INDEX (PRIMARY) WHERE exchange > %s ORDER BY {order} LIMIT 1", (exchange,)
    ):
        exchange, symbol = row[0], ""
        while row := session.one(
            f"SELECT symbol FROM {source} FORCE INDEX (PRIMARY) WHERE exchange = %s AND symbol > %s ORDER BY {order} LIMIT 1",
            (exchange, symbol),
        ):
            symbol = row[0]
            yield exchange, symbol
