"""Bring what our days are compared with: the exchange's own hours and days, and the archive's files. dbt compares.

Answers and files are queued on the backfill lane. What failed of one symbol is told and does not stop the others; the
next run asks again, because a day is wanted for as long as it was not compared.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.errors import ExchangeError, IpBanned
from candlewick.market import Interval
from candlewick.pipeline.archive_fetch import fetch_file, republished_files
from candlewick.pipeline.backfill.request import FIRST_DAY
from candlewick.pipeline.rest_span import fetch_span
from candlewick.spans import DAY, joined, of_day
from candlewick.warehouse import reconciliation
from candlewick.warehouse.database import to_ms, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.pipeline.reconcile_request import ReconcileRequest
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.reconciliation import Disagreement

log = logging.getLogger(__name__)

LABEL = "reconcile"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be asked for of one symbol, each as days, oldest first."""

    symbol: str
    hours: tuple[date, ...] = ()
    days: tuple[date, ...] = ()
    files: tuple[date, ...] = ()

    def as_words(self) -> dict[str, Any]:
        """Write it for another task: days that follow each other as [first, last]."""
        return {"symbol": self.symbol} | {name: _spans(getattr(self, name)) for name in ("hours", "days", "files")}

    @classmethod
    def of_words(cls, words: Mapping[str, Any]) -> Wanted:
        """Read what another task has written."""
        return cls(words["symbol"], **{name: _days(words[name]) for name in ("hours", "days", "files")})


@dataclass
class Fetched:
    """What came, and what did not: sentences by symbol."""

    objects: int = 0
    rows: int = 0
    missing: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    error: ExchangeError | None = None

    @property
    def symbols_failed(self) -> Mapping[str, str]:
        """Sentences by symbol, for the alerts."""
        return self.failed

    @property
    def sentence(self) -> str:
        """One line for the log and the task's result."""
        return f"{self.objects} objects, {self.rows} candles by REST, {self.missing} files not published, {len(self.failed)} symbols failed"


def choose(warehouse: Warehouse, request: ReconcileRequest, *, now: datetime | None = None) -> list[Wanted]:
    """Return what the request lacks, by symbol.

    Without a span: of each symbol the newest days, at most ``reconcile_days``, that were not compared yet, then those that
    differ without an explanation; and, of the symbols we follow, the archive's files of the last days it can have published.
    """
    config, moment = warehouse.config, now or utc_now()
    published = (moment - timedelta(hours=config.archive_delay_hours)).date()  # the first day that is not yet
    most = request.most_days or config.reconcile_days
    recent = published - timedelta(days=most)
    has_span = bool(request.first or request.last)
    first, last = request.first or FIRST_DAY.date(), request.last or moment.date() - timedelta(days=1)
    found = []
    with warehouse.session() as session:
        for symbol, is_followed in reconciliation.symbols(session, config):
            if request.symbols and symbol not in request.symbols:
                continue
            days = reconciliation.days(session, config, symbol, first, last, moment)
            lacking = [day for day in days if day.needs_hours or day.needs_day]
            lacking.sort(key=lambda day: day.is_compared)  # days that stay in dispute do not keep others waiting
            new = lacking[: None if has_span else most]
            files = [day.date for day in days if day.needs_file and day.date < published]
            wanted = Wanted(
                symbol,
                tuple(sorted(day.date for day in new if day.needs_hours)),
                tuple(sorted(day.date for day in new if day.needs_day)),
                tuple(sorted(day for day in files if has_span or (is_followed and day >= recent))),
            )
            if wanted.hours or wanted.days or wanted.files:
                found.append(wanted)
    return found


def fetch_candles(tools: Tools, wanted: Iterable[Wanted]) -> Fetched:
    """Ask for the exchange's own hours and days, a page for as many days as fit; no page cuts a day.

    Raises:
        IpBanned: nobody else would be answered either.
        ExchangeError: not one question was answered.
        LakeError, WarehouseError: a store does not answer; what came before is queued.
    """
    found = Fetched()
    limit = tools.exchange.capabilities.klines_page_limit

    def ask(symbol: str, interval: Interval, days: Sequence[date]) -> None:
        per_page = max(1, limit * interval.milliseconds // Interval.DAY_1.milliseconds)
        for span in joined(map(of_day, days)):
            start = span.start
            while start < span.end:
                end = min(span.end, start + timedelta(days=per_page))
                came = fetch_span(
                    tools.exchange, tools.lake, tools.warehouse, symbol, interval, to_ms(start), to_ms(end), tools.run_id,
                    label=LABEL,
                )  # fmt: skip
                found.objects += len(came.object_ids)
                found.rows += came.rows
                start = end

    for one in wanted:
        for interval, days in ((Interval.HOUR_1, one.hours), (Interval.DAY_1, one.days)):
            with _failure_of(one.symbol, found):
                ask(one.symbol, interval, days)
    return _or_raise(found)


def fetch_files(tools: Tools, wanted: Iterable[Wanted]) -> Fetched:
    """Bring the archive's daily files of minutes.

    Raises:
        ExchangeError: not one question was answered.
        LakeError, WarehouseError: a store does not answer; what came before is queued.
    """
    files = [ArchiveFile.of_day(one.symbol, Interval.MINUTE_1, day) for one in wanted for day in one.files]
    return _bring(tools, files)


def fetch_republished(tools: Tools) -> Fetched:
    """Look at published checksums, and bring only the files that have another one than ours.

    Raises:
        ExchangeError: not one question was answered.
        LakeError, WarehouseError: a store does not answer; what came before is queued.
    """
    files = republished_files(tools.archive, tools.warehouse, tools.warehouse.config)
    return _bring(tools, files)


def _bring(tools: Tools, files: Sequence[ArchiveFile]) -> Fetched:
    found = Fetched()
    for file in files:
        with _failure_of(file.symbol, found):
            came = fetch_file(tools.archive, tools.lake, tools.warehouse, file, tools.run_id)
            found.objects += came.state == "stored"
            found.missing += came.state == "missing"
            if came.state == "refused":
                found.failed[file.symbol] = f"{file.name}: {came.reason}"
    return _or_raise(found)


@contextmanager
def _failure_of(symbol: str, found: Fetched) -> Iterator[None]:
    """Note what the exchange refuses: it is this symbol's alone. A ban is everybody's."""
    try:
        yield
    except IpBanned:
        raise
    except ExchangeError as error:
        log.warning("%s: %s", symbol, error)
        found.failed[symbol], found.error = str(error), error


def _or_raise(found: Fetched) -> Fetched:
    """Return what came; where nothing came but refusals, it is not one symbol's trouble, and the task shall say so."""
    if found.error and not found.objects and not found.missing:
        raise found.error
    return found


def _spans(days: Iterable[date]) -> list[list[str]]:
    return [[f"{s.start:%Y-%m-%d}", f"{s.end - DAY:%Y-%m-%d}"] for s in joined(map(of_day, days))]


def _days(spans: Iterable[Sequence[str]]) -> tuple[date, ...]:
    bounds = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]
    return tuple(first + DAY * n for first, last in bounds for n in range((last - first).days + 1))


def disagreements(warehouse: Warehouse) -> list[Disagreement]:
    """Return what nobody can explain now, by symbol and check."""
    with warehouse.session() as session:
        return reconciliation.unexplained(session, warehouse.config)
