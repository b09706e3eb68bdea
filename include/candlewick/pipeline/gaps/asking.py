"""One question for neighbouring gaps: what is asked in which order, and how a gap's row says what came of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.errors import BudgetExhausted, ExchangeError, HostStateUnavailable, IpBanned, UnknownSymbol
from candlewick.market import GapReason, Interval
from candlewick.pipeline.archive_fetch import MISSING, UNCHANGED, fetch_file
from candlewick.pipeline.bulk import load_objects
from candlewick.pipeline.load_summary import BulkSummary
from candlewick.pipeline.rest_span import fetch_span
from candlewick.spans import DAY, MINUTE, Span, common, days, joined, of_day, without
from candlewick.warehouse import gaps, present
from candlewick.warehouse.database import from_ms, to_ms, utc_now
from candlewick.warehouse.gaps import Gap, GapStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.pipeline.archive_fetch import FetchedFile
    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.settings import Settings

log = logging.getLogger(__name__)

LABEL = "gaps"
MOST_NOTES = 6
UNANSWERED_PAUSE = DAY
CONCERN_EVERYONE = (IpBanned, BudgetExhausted, HostStateUnavailable)


@dataclass
class FetchSummary:
    """What was asked for."""

    gaps: int = 0
    pages: int = 0
    files: int = 0
    failed: int = 0
    left: int = 0
    stopped: str = ""
    """Why nothing more was asked for."""
    given_up: list[Gap] = field(default_factory=list)
    """Gaps whose tries all failed: nobody has said what is there, so they are asked for once a day from now on."""
    loaded: BulkSummary = field(default_factory=BulkSummary)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        return (
            f"{self.gaps} gaps asked for ({self.failed} got no answer, {self.left} wait for the next run): {self.pages} pages, "
            f"{self.files} files; {self.loaded.sentence}" + (f"; {self.stopped}" if self.stopped else "")
        )


def after_attempt(gap: Gap, config: Settings, now: datetime) -> Gap:
    """Count an attempt; the pause to the next one doubles."""
    attempts = gap.attempts + 1
    pause = timedelta(minutes=config.gap_retry_minutes * 2 ** min(attempts - 1, 12))
    return replace(gap, attempts=attempts, next_attempt_at=now + pause)


class Group:
    """Gaps of one symbol that are asked for together."""

    def __init__(self, tools: Tools, group: Sequence[Gap], summary: FetchSummary, moment: datetime) -> None:
        self.tools, self.group, self.summary, self.moment = tools, group, summary, moment
        self.warehouse, self.config = tools.warehouse, tools.warehouse.config
        self.symbol = group[0].symbol
        self.notes: list[dict[str, Any]] = []
        self.files: set[date] = set()
        self.asked_until = group[-1].span.end

    def ask(self) -> None:
        """Ask, load what came, and write down how it went."""
        if not self._missing():
            return  # it came meanwhile, and waits for dbt
        failure: ExchangeError | None = None
        page = self.tools.exchange.capabilities.klines_page_limit
        if any(gap.span.minutes > page for gap in self.group):
            self._ask_archive(whole_days=True)
        try:
            self._ask_rest()
        except UnknownSymbol as error:
            self._note(error=error)
        except CONCERN_EVERYONE:
            raise
        except ExchangeError as error:
            failure = error
            self._note(error=error)
        failure = self._ask_archive(whole_days=False) or failure
        self._write_down(failure if self._missing() else None)

    def _ask_rest(self) -> None:
        missing = self._missing()
        if not missing:
            return
        page = self.tools.exchange.capabilities.klines_page_limit
        left = self.config.gap_pages_per_run - self.summary.pages
        start = missing[0].start
        end = min(missing[-1].end, start + max(left, 1) * page * MINUTE)
        if end < missing[-1].end:
            self.asked_until = end
        self.summary.pages += -(-Span(start, end).minutes // page)
        found = fetch_span(
            self.tools.exchange, self.tools.lake, self.warehouse, self.symbol, Interval.MINUTE_1,
            to_ms(start), to_ms(end), self.tools.run_id, label=f"{LABEL} {self.symbol} {start:%Y-%m-%d %H:%M}",
        )  # fmt: skip
        self._load(found.object_ids)
        self._note(rest=found.object_keys[:2], rows=found.rows, http_status=200)

    def _ask_archive(self, *, whole_days: bool) -> ExchangeError | None:
        """Ask for the files of the days of what is missing, as far as they are published; return what kept us from it."""
        missing = self._missing()
        wanted = [day for span in missing for day, piece in days(span) if not whole_days or piece == of_day(day)]
        for day in dict.fromkeys(wanted):
            if day in self.files or of_day(day).end + timedelta(hours=self.config.archive_delay_hours) > self.moment:
                continue
            try:
                self._ask_day(day, missing)
            except ExchangeError as error:
                self._note(error=error)
                return error
        return None

    def _ask_day(self, day: date, missing: Sequence[Span]) -> None:
        """Take the day's file, the month's where there is none; of a month that is missing as a whole, that first."""
        daily = ArchiveFile.of_day(self.symbol, Interval.MINUTE_1, day)
        month = ArchiveFile.of_month(self.symbol, Interval.MINUTE_1, day)
        whole = Span(from_ms(month.start_ms), from_ms(month.end_ms))
        delay_ms = self.config.archive_delay_hours * 3_600_000
        for file in (month, daily) if common(missing, [whole]) == [whole] else (daily, month):
            if file.end_ms + delay_ms > to_ms(self.moment):
                continue
            self.summary.files += 1
            fetched = self._fetch(file)
            if fetched.object_id is not None and fetched.state == UNCHANGED and self._brought(fetched.object_id, file):
                log.info("%s was loaded once but its candles are gone; it is loaded again", file.name)
                fetched = self._fetch(file, force=True)
            if fetched.object_id is not None:
                self._load([fetched.object_id])
            self._note(file=file.name, state=fetched.state, object_id=fetched.object_id)
            if fetched.state != MISSING:
                length = (file.period_end - file.period_start).days
                self.files |= {file.period_start + timedelta(days=n) for n in range(length)}
                return
        self.files.add(day)

    def _fetch(self, file: ArchiveFile, *, force: bool = False) -> FetchedFile:
        tools = self.tools
        return fetch_file(tools.archive, tools.lake, self.warehouse, file, tools.run_id, force=force)

    def _brought(self, object_id: int, file: ArchiveFile) -> bool:
        """Tell whether a file that is loaded brought some of what is missing now."""
        missing = common(self._missing(), [Span(from_ms(file.start_ms), from_ms(file.end_ms))])
        with self.warehouse.session() as session:
            return any(present.is_staged(session, object_id, span.start, span.end) for span in missing)

    def _load(self, object_ids: Sequence[int]) -> None:
        if object_ids:
            load_objects(self.tools.lake, self.warehouse, self.tools.run_id, object_ids, self.summary.loaded)

    def _missing(self) -> list[Span]:
        """Return what is neither in the facts nor on its way to them."""
        found = []
        with self.warehouse.session() as session:
            for gap in self.group:
                there = present.final_open_times(
                    session, self.config.marts_schema, (gap.exchange, gap.symbol, Interval.MINUTE_1),
                    to_ms(gap.span.start), to_ms(gap.span.end),
                )  # fmt: skip
                found += _holes(gap.span, there)
        return joined(found)

    def _note(self, *, error: ExchangeError | None = None, **answer: Any) -> None:
        if error is not None:
            answer = {"error": type(error).__name__, "message": str(error)[:160], "http_status": error.http_status}
        self.notes.append({name: value for name, value in answer.items() if value not in (None, [])})

    def _write_down(self, failure: ExchangeError | None) -> None:
        now = utc_now()
        for gap in self.group:
            asked = common([gap.span], [Span(gap.span.start, self.asked_until)])
            with self.warehouse.session() as session:
                for span in asked:
                    gaps.rewrite(session, self._tried(replace(gap, span=span), failure, now), now)
                    self.summary.gaps += 1
                    self.summary.failed += failure is not None
                for span in without([gap.span], asked) if asked else []:
                    gaps.add(session, replace(gap, span=span), now)  # as it was, for the next run to ask
            self.summary.left += asked != [gap.span]

    def _tried(self, gap: Gap, failure: ExchangeError | None, now: datetime) -> Gap:
        tried = after_attempt(gap, self.config, now)
        reason = GapReason.FETCH_FAILED if failure else GapReason.UNKNOWN
        evidence = {"asked_at": str(now), "asked": self.notes[-MOST_NOTES:]}
        tried = replace(tried, reason=reason, evidence=evidence, status=GapStatus.OPEN)
        if failure and tried.attempts >= self.config.gap_attempts:
            tried = replace(tried, status=GapStatus.UNEXPLAINED, next_attempt_at=now + UNANSWERED_PAUSE)
            if gap.status is GapStatus.OPEN:
                self.summary.given_up.append(tried)
        return tried


def _holes(span: Span, there: set[int]) -> list[Span]:
    """Return what of a span is not among these open times (ms)."""
    opened = sorted(there)
    starts = [span.start, *(from_ms(at) + MINUTE for at in opened)]
    ends = [*(from_ms(at) for at in opened), span.end]
    return joined(Span(start, end) for start, end in zip(starts, ends, strict=True))
