"""Published files that end inside their day, or begin inside it, exactly where a gap begins or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.market import Interval
from candlewick.pipeline.gaps.aside import ask_aside
from candlewick.pipeline.gaps.classify import Proof
from candlewick.spans import MINUTE, of_day
from candlewick.warehouse.database import to_ms

if TYPE_CHECKING:
    from datetime import date, datetime

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.gaps import Gap

Neighbour = tuple["datetime", "datetime", int]


def cut_short(tools: Tools, gap: Gap, before: Neighbour | None, after: Neighbour | None) -> list[Proof]:
    """Return the proof that the file of the gap's day lacks it, while the exchange's minutes go on beyond the day.

    The file is of the archive, its checksum was verified, its rows are those of the day: the last one stands exactly
    before the gap and the gap ends with the day (or the first one exactly behind it, and the gap begins with the day).

    Raises:
        ExchangeError: the minute beyond the day is not in the facts, and the exchange does not answer.
    """
    day = of_day(gap.span.start.date())
    if gap.span.end > day.end:
        return []
    at_the_end = gap.span.end == day.end and gap.span.start > day.start
    at_the_start = gap.span.start == day.start and gap.span.end < day.end
    if not at_the_end and not at_the_start:
        return []
    found = []
    for name, sha256, rows, first, last in _files(tools, gap, day.start.date()):
        stops = last + MINUTE == gap.span.start if at_the_end else first == gap.span.end
        if not stops:
            continue
        beyond = day.end if at_the_end else day.start - MINUTE
        neighbour = after if at_the_end else before
        if not (neighbour and neighbour[0] == beyond) and not _answers(tools, gap, beyond):
            continue
        edge = {"last_row": str(last)} if at_the_end else {"first_row": str(first)}
        found.append(
            Proof(gap.span, {"file": name, "sha256": sha256, "rows": int(rows), **edge, "goes_on": str(beyond)})
        )
    return found[:1]


def _files(tools: Tools, gap: Gap, day: date) -> list[tuple[str, str, int, datetime, datetime]]:
    """Return (name, sha256, rows of the day, first and last of them) of the loaded files that hold the day."""
    span = of_day(day)
    with tools.warehouse.session() as session:
        return session.all(
            "SELECT a.path, o.sha256, COUNT(*), MIN(s.open_time), MAX(s.open_time) FROM archive_files AS a "
            "JOIN extraction_outcomes AS o ON o.outcome_id = a.object_id "
            "JOIN processed_files AS f ON f.object_id = a.object_id "
            "JOIN staging_klines AS s ON s.load_id = f.load_id AND s.object_id = f.object_id "
            "WHERE a.exchange = %s AND a.symbol = %s AND a.interval_code = %s AND ((a.granularity = 'daily' "
            "AND a.period_start = %s) OR (a.granularity = 'monthly' AND a.period_start = %s)) "
            "AND s.open_time >= %s AND s.open_time < %s GROUP BY a.path, o.sha256 ORDER BY MIN(a.granularity)",
            (
                gap.exchange, gap.symbol, Interval.MINUTE_1.value, day, day.replace(day=1), span.start, span.end,
            ),
        )  # fmt: skip


def _answers(tools: Tools, gap: Gap, opened: datetime) -> bool:
    """Tell whether the exchange has the candle of a minute."""
    start = to_ms(opened)
    asked = ask_aside(tools, gap.symbol, Interval.MINUTE_1, start, start + 60_000)
    return start in asked.open_times_ms
