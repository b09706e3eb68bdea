"""Which objects of the lake the live rows of some days stand on, and which of these days cannot be rebuilt any more.

The ledger is the index: no bucket is listed. What was captured on the days is taken, and whatever the facts and the
revisions of the days were made from, whenever that was captured.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.spans import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from candlewick.pipeline.drill.request import DrillRequest
    from candlewick.warehouse.database import Session

WANTED = "drill_objects"
"""Table of the drill's raw schema: the ``object_id`` of every object it takes."""
BUILT = ("fact_klines", "fact_orderbook", "klines_5m", "klines_15m", "hourly_klines", "klines_4h", "daily_klines")

_IDS = "SELECT DISTINCT p.object_id"
_SAME_SERIES = "p.symbol = r.symbol AND p.interval_code = r.interval_code"
_USABLE = "p.status IN ('loaded', 'partial') AND p.expired_at IS NULL"


@dataclass(frozen=True, slots=True)
class Gone:
    """A day of a symbol that cannot be compared, and why."""

    symbol: str
    day: date
    reason: str


@dataclass(frozen=True, slots=True)
class Live:
    """Where the live rows are, and where the drill keeps its list."""

    raw: str
    marts: str
    drill: str

    @property
    def wanted(self) -> str:
        """The list, with its schema."""
        return f"{self.drill}.{WANTED}"


def choose(session: Session, live: Live, request: DrillRequest) -> int:
    """Write the list of objects; return how many they are."""
    session.run(f"CREATE TABLE IF NOT EXISTS {live.wanted} (object_id BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB")
    for query, parameters in _choices(live, request):
        session.run(f"INSERT IGNORE INTO {live.wanted} (object_id) {query}", parameters)
        session.commit()
    row = session.one(f"SELECT COUNT(*) FROM {live.wanted}")
    return int(row[0]) if row else 0


def have_grown(session: Session, live: Live, request: DrillRequest) -> int:
    """Return how many objects the live rows stand on by now that were not chosen."""
    found: set[int] = set()
    for query, parameters in _choices(live, request):
        rows = session.all(
            f"SELECT c.object_id FROM ({query}) AS c LEFT JOIN {live.wanted} AS w ON w.object_id = c.object_id "
            "WHERE w.object_id IS NULL",
            parameters,
        )
        found |= {row[0] for row in rows}
    return len(found)


def have_moved(session: Session, live: Live) -> int:
    """Return how many chosen objects were archived or deleted for good since the drill noted where they are."""
    row = session.one(
        f"SELECT COUNT(*) FROM {live.wanted} AS w JOIN {live.raw}.processed_files AS p ON p.object_id = w.object_id "
        f"JOIN {live.drill}.extraction_outcomes AS o ON o.object_key = p.object_key "
        "WHERE o.bucket <> p.bucket OR NOT (o.bundle_id <=> p.bundle_id) OR p.expired_at IS NOT NULL"
    )
    return int(row[0]) if row else 0


def unbuilt(session: Session, live: Live) -> int:
    """Return how many chosen objects are loaded, but not yet taken in by the models that are compared."""
    row = session.one(
        f"SELECT COUNT(*) FROM {live.wanted} AS w JOIN {live.raw}.processed_files AS p ON p.object_id = w.object_id "
        f"WHERE p.load_id IN (SELECT load_id FROM {live.raw}.pending_loads WHERE model IN %s)",
        (BUILT,),
    )
    return int(row[0]) if row else 0


def gone(session: Session, live: Live, request: DrillRequest) -> dict[str, list[Gone]]:
    """Return the days that cannot be compared, by data type (klines, depth): an object or a row was deleted for good."""
    found: dict[str, list[Gone]] = defaultdict(list)
    for data_type, table, column in (
        ("klines", "fact_klines", "open_time"),
        ("depth", "fact_orderbook", "captured_at"),
    ):
        where, parameters = _within(request, f"f.{column}", "f.symbol")
        rows = session.all(
            f"SELECT DISTINCT f.symbol, DATE(f.{column}) FROM {live.marts}.{table} AS f "
            f"LEFT JOIN {live.raw}.processed_files AS p ON p.object_id = f.object_id "
            f"WHERE {where} AND (p.object_id IS NULL OR p.expired_at IS NOT NULL) ORDER BY 1, 2",
            parameters,
        )
        found[data_type] += [Gone(symbol, day, "objects of its rows were deleted for good") for symbol, day in rows]
    found["klines"] += _lost_revisions(session, live, request)
    for data_type in ("klines", "depth"):
        found[data_type] += _expired_rows(session, live, request, data_type)
    return found


def _lost_revisions(session: Session, live: Live, request: DrillRequest) -> list[Gone]:
    """Return the days with a revision whose captures are not in the lake any more."""
    where, parameters = _within(request, "r.open_time", "r.symbol")
    there = (
        f"NOT EXISTS (SELECT 1 FROM {live.raw}.processed_files AS p WHERE p.load_id = r.{{0}}_load_id AND {_SAME_SERIES} "
        "AND p.expired_at IS NULL)"
    )
    rows = session.all(
        f"SELECT DISTINCT r.symbol, DATE(r.open_time) FROM {live.raw}.kline_revisions AS r "
        f"WHERE {where} AND ({there.format('lost')} OR {there.format('kept')}) ORDER BY 1, 2",
        parameters,
    )
    return [
        Gone(symbol, day, "objects of its revisions were deleted for good, or loaded again since")
        for symbol, day in rows
    ]


def _expired_rows(session: Session, live: Live, request: DrillRequest, data_type: str) -> list[Gone]:
    """Return the days of which rows were deleted on purpose: the objects may be there, the rows to compare with are not."""
    symbols, parameters = _of_symbols(request, "e.symbol")
    spans = session.all(
        f"SELECT e.symbol, e.from_time, e.to_time FROM {live.raw}.expired_spans AS e WHERE e.data_type = %s "
        f"AND e.from_time < %s AND e.to_time > %s{symbols} ORDER BY 1, 2",
        (data_type, request.days.end, request.days.start, *parameters),
    )
    return [
        Gone(symbol, day, "its rows were deleted on purpose")
        for symbol, start, end in spans
        for day in _days(request, start, end)
    ]


def _days(request: DrillRequest, start: datetime, end: datetime) -> list[date]:
    days, at = [], request.days.start
    while at < request.days.end:
        if at < end and at + DAY > start:
            days.append(at.date())
        at += DAY
    return days


def _choices(live: Live, request: DrillRequest) -> list[tuple[str, Sequence[object]]]:
    """Return the queries of object ids with their values, each read off an index or off the partitions of the days."""
    return [
        *_captured(live, request),
        _of_facts(live, request),
        _published(live, request),
        *_of_revisions(live, request),
    ]


def _captured(live: Live, request: DrillRequest) -> list[tuple[str, Sequence[object]]]:
    """Answers captured on the days, as objects by themselves and in bundles."""
    start, end = request.days.start, request.days.end
    of_p, symbols = _of_symbols(request, "p.symbol")
    of_b, _ = _of_symbols(request, "b.symbol")
    # An answer that is known to hold only candles of other days (a backfill that ran on these) is not needed.
    touches = (
        f"(p.data_type = 'depth' OR NOT EXISTS (SELECT 1 FROM {live.raw}.extraction_outcomes AS o "
        "WHERE o.outcome_id = p.object_id AND (o.first_open_time >= %s OR o.last_open_time < %s)))"
    )
    captured = f"p.source NOT LIKE 'archive%%' AND p.captured_at >= %s AND p.captured_at < %s AND {touches} AND {_USABLE}{of_p}"
    plain = f"{_IDS} FROM {live.raw}.processed_files AS p WHERE p.bundle_id IS NULL AND {captured}"
    bundled = (
        f"{_IDS} FROM {live.raw}.archive_bundles AS b JOIN {live.raw}.processed_files AS p ON p.bundle_id = b.bundle_id "
        f"WHERE b.date >= DATE(%s) AND b.date < DATE(%s){of_b} AND {captured}"
    )
    values = (start, end, end, start, *symbols)
    return [(plain, values), (bundled, (start, end, *symbols, *values))]


def _of_facts(live: Live, request: DrillRequest) -> tuple[str, Sequence[object]]:
    """What the candles of the days were made from."""
    where, values = _within(request, "f.open_time", "f.symbol")
    query = (
        f"{_IDS} FROM {live.marts}.fact_klines AS f JOIN {live.raw}.processed_files AS p ON p.object_id = f.object_id "
        f"WHERE {where} AND {_USABLE}"
    )
    return query, values


def _published(live: Live, request: DrillRequest) -> tuple[str, Sequence[object]]:
    """Published files of periods that touch the days."""
    of_p, symbols = _of_symbols(request, "p.symbol")
    until = "IF(a.granularity = 'monthly', a.period_start + INTERVAL 1 MONTH, a.period_start + INTERVAL 1 DAY)"
    query = (
        f"{_IDS} FROM {live.raw}.archive_files AS a JOIN {live.raw}.processed_files AS p ON p.object_id = a.object_id "
        f"WHERE a.period_start < %s AND {until} > %s AND {_USABLE}{of_p}"
    )
    return query, (request.days.end, request.days.start, *symbols)


def _of_revisions(live: Live, request: DrillRequest) -> list[tuple[str, Sequence[object]]]:
    """What lost on the days, and what it lost against."""
    where, values = _within(request, "r.open_time", "r.symbol")
    revisions, loaded = f"{live.raw}.kline_revisions AS r", f"{live.raw}.processed_files AS p"
    query = f"{_IDS} FROM {revisions} JOIN {loaded} ON p.load_id = r.{{0}}_load_id AND {_SAME_SERIES} WHERE {where} AND {_USABLE}"
    return [(query.format(side), values) for side in ("lost", "kept")]


def _within(request: DrillRequest, column: str, symbol: str) -> tuple[str, list[object]]:
    clause, symbols = _of_symbols(request, symbol)
    return f"{column} >= %s AND {column} < %s{clause}", [request.days.start, request.days.end, *symbols]


def _of_symbols(request: DrillRequest, column: str) -> tuple[str, list[object]]:
    if not request.symbols:
        return "", []
    symbols: list[object] = [*sorted(request.symbols)]
    return f" AND {column} IN ({', '.join(['%s'] * len(symbols))})", symbols
