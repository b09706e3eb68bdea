"""One part: its archive file, else the files of its days, else REST; each object is loaded as soon as it is there."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.errors import BadRequest
from candlewick.pipeline.archive_fetch import MISSING, REFUSED, fetch_file
from candlewick.pipeline.backfill.plan import REST_PAGES
from candlewick.pipeline.backfill.request import BackfillSource
from candlewick.pipeline.backfill.stretches import missing_stretches
from candlewick.pipeline.bulk import load_objects
from candlewick.pipeline.load_summary import BulkSummary
from candlewick.pipeline.rest_span import fetch_span
from candlewick.warehouse import present
from candlewick.warehouse.backfills import Method, Part, PartResult, PartState
from candlewick.warehouse.database import from_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from candlewick.pipeline.archive_fetch import FetchedFile
    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.backfills import Backfill

log = logging.getLogger(__name__)

TOLD_DAYS = 5


@dataclass
class _Tally:
    """What a part has brought so far."""

    objects: int = 0
    rows: int = 0
    payload_bytes: int = 0
    there: int = 0
    """Files and spans that were there already."""
    refused: bool = False
    """A file is there that cannot be trusted."""
    failed: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def result(self) -> PartResult:
        """Judge the part by it."""
        if self.failed:
            state = PartState.FAILED
        elif self.rows:
            state = PartState.DONE
        elif self.there:
            state = PartState.UNCHANGED
        else:
            state = PartState.MISSING
        reason = "; ".join(self.notes) or ("nobody has a candle of it" if state is PartState.MISSING else None)
        return PartResult(state, self.objects, self.rows, self.payload_bytes, reason=reason)


def file_of(part: Part) -> ArchiveFile | None:
    """Return the archive file a part was planned to come from; None for REST."""
    date = from_ms(part.start_ms).date()
    if part.method is Method.ARCHIVE_MONTHLY:
        return ArchiveFile.of_month(part.symbol, part.interval, date)
    if part.method is Method.ARCHIVE_DAILY:
        return ArchiveFile.of_day(part.symbol, part.interval, date)
    return None


class PartWork:
    """Does one part of a backfill; memory depends on the part only."""

    def __init__(
        self, tools: Tools, backfill: Backfill, part: Part, fetched: Callable[[ArchiveFile], FetchedFile]
    ) -> None:
        self.tools, self.backfill, self.part, self.fetched = tools, backfill, part, fetched
        self.series = backfill.exchange, part.symbol, part.interval
        self.tally = _Tally()

    @property
    def _may_ask_rest(self) -> bool:
        return self.backfill.source != BackfillSource.ARCHIVE

    def do(self) -> PartResult:
        """Bring the part.

        Raises:
            ExchangeError: no answer, which another try may get; what came before is loaded or queued.
            LakeError, WarehouseError: a store does not answer.
        """
        file = file_of(self.part)
        if self.part.method is Method.ARCHIVE_MONTHLY and file:
            self._month(file)
        elif file:
            self._days([file])
        else:
            self._rest(self.part.start_ms, self.part.end_ms)
        return self.tally.result

    def _month(self, month: ArchiveFile) -> None:
        """Take the month's file, or the files of its days where there is none to be trusted."""
        if self._take(month):
            return
        days = [month.period_start + timedelta(days=n) for n in range((month.period_end - month.period_start).days)]
        self._days([ArchiveFile.of_day(month.symbol, month.interval, day) for day in days])

    def _days(self, days: Sequence[ArchiveFile]) -> None:
        """Take the files of days; what no file has is asked for by REST, or is missing."""
        missing = [day for day in days if not self._take(day)]
        if not missing:
            return
        if self._may_ask_rest:
            for start_ms, end_ms in _neighbours(missing):
                self._rest(start_ms, end_ms)
        elif self.tally.refused:
            self.tally.failed = True
        else:
            self._note(f"the archive has no file of {_shown(missing)}")

    def _take(self, file: ArchiveFile) -> bool:
        """Load a file; tell whether its candles are there now."""
        fetched = self.fetched(file)
        if fetched.state in (MISSING, REFUSED):
            return self._without(file, fetched)
        summary = self._load([fetched.object_id] if fetched.object_id else [])
        if not summary.objects and not self._has_facts(file, fetched, summary):
            log.info("%s was loaded once but its candles are gone; it is loaded again", file.name)
            fetched = self._fetch(file, force=True)
            summary = self._load([fetched.object_id] if fetched.object_id else [])
        if summary.objects and not summary.rows and summary.rejected:
            return self._refused(file, f"nothing of {file.name} could be loaded, it is in quarantine")
        if not any(summary.rows_by_object.values()):
            self._note(f"{file.name} holds no candle")
            return False
        self.tally.there += not summary.objects
        self.tally.payload_bytes += fetched.payload_bytes if summary.objects else 0
        return True

    def _without(self, file: ArchiveFile, fetched: FetchedFile) -> bool:
        """Say why a file gives nothing."""
        if fetched.state == REFUSED:
            return self._refused(file, fetched.reason or f"{file.name} is refused")
        if file == file_of(self.part) and self.part.method is Method.ARCHIVE_MONTHLY:
            self._note("no monthly file")
        return False

    def _refused(self, file: ArchiveFile, reason: str) -> bool:
        """A file that nobody should load: days stand in for a month, REST for a day unless only the archive was wanted."""
        self._note(f"{file.name}: {reason}" if file.name not in reason else reason)
        self.tally.refused = True
        return False

    def _rest(self, start_ms: int, end_ms: int) -> None:
        """Ask REST for what is missing of a span; with force, for all of it."""
        step, limit = self.part.interval.milliseconds, self.tools.exchange.capabilities.klines_page_limit
        piece = step * limit * REST_PAGES
        for at in range(start_ms, end_ms, piece):
            end = min(at + piece, end_ms)
            self._load_what_was_left(at, end)
            have = set() if self.backfill.is_forced else self._final(at, end)
            wanted = missing_stretches(have, at, end, step, limit)
            self.tally.there += bool(have)
            try:
                self._ask(wanted)
            except BadRequest as error:  # the same tomorrow: a delisted symbol, most likely
                self._note(str(error))
                self.tally.failed |= self.part.method is Method.REST
                return

    def _ask(self, wanted: Sequence[tuple[int, int]]) -> None:
        part, tools, ids = self.part, self.tools, []
        try:
            for start_ms, end_ms in wanted:
                span = fetch_span(
                    tools.exchange, tools.lake, tools.warehouse, part.symbol, part.interval, start_ms, end_ms,
                    tools.run_id, label=f"backfill {part.name}",
                )  # fmt: skip
                ids += span.object_ids
                self.tally.payload_bytes += span.payload_bytes
        finally:
            self._load(ids)

    def _load_what_was_left(self, start_ms: int, end_ms: int) -> None:
        """Load what an earlier try has put into the lake before it was killed."""
        with self.tools.warehouse.session() as session:
            left = present.queued_objects(session, self.series, start_ms, end_ms)
        self._load(left)

    def _load(self, object_ids: Sequence[int]) -> BulkSummary:
        summary = BulkSummary()
        if object_ids:
            tools = self.tools
            load_objects(tools.lake, tools.warehouse, tools.run_id, object_ids, summary)
        self.tally.objects += summary.objects
        self.tally.rows += summary.rows
        if summary.rejected:
            self._note(f"{summary.rejected} rows in quarantine")
        return summary

    def _has_facts(self, file: ArchiveFile, fetched: FetchedFile, summary: BulkSummary) -> bool:
        """Whether as many candles are there as the file had, each counted once."""
        with self.tools.warehouse.session() as session:
            staged = present.candles_of(session, fetched.object_id or 0)
        had = staged or sum(summary.rows_by_object.values())
        return len(self._final(file.start_ms, file.end_ms)) >= had

    def _final(self, start_ms: int, end_ms: int) -> set[int]:
        with self.tools.warehouse.session() as session:
            marts = self.tools.warehouse.config.marts_schema
            return present.final_open_times(session, marts, self.series, start_ms, end_ms)

    def _fetch(self, file: ArchiveFile, *, force: bool) -> FetchedFile:
        tools = self.tools
        return fetch_file(tools.archive, tools.lake, tools.warehouse, file, tools.run_id, force=force)

    def _note(self, sentence: str) -> None:
        self.tally.notes.append(sentence)


def _neighbours(days: Sequence[ArchiveFile]) -> list[tuple[int, int]]:
    """Return the spans (ms) of days, those that follow each other as one."""
    spans: list[tuple[int, int]] = []
    for day in days:
        if spans and spans[-1][1] == day.start_ms:
            spans[-1] = spans[-1][0], day.end_ms
        else:
            spans.append((day.start_ms, day.end_ms))
    return spans


def _shown(days: Sequence[ArchiveFile]) -> str:
    names = [f"{day.period_start:%Y-%m-%d}" for day in days]
    if len(names) <= TOLD_DAYS:
        return ", ".join(names)
    return f"{len(names)} days, {names[0]} … {names[-1]}"
