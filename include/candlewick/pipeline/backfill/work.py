"""Work through the parts of one task: one at a time, fresh candles first, the state written after each.

A part that is done stays done. Killed anywhere, the part in work is pending, and the next try loads what the lake has
of it already before it asks for anything.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from candlewick.exchange.errors import ExchangeError, IpBanned
from candlewick.pipeline.archive_fetch import fetch_file
from candlewick.pipeline.backfill.ahead import FilesAhead
from candlewick.pipeline.backfill.files_work import bring_files
from candlewick.pipeline.backfill.give_way import GiveWay
from candlewick.pipeline.backfill.part_work import PartWork, file_of
from candlewick.pipeline.backfill.progress import progress
from candlewick.pipeline.backfill.request import BackfillSource
from candlewick.warehouse import backfills, room
from candlewick.warehouse.backfills import Method, PartResult, PartState
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candlewick.archive_file import ArchiveFile
    from candlewick.pipeline.archive_fetch import FetchedFile
    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.backfills import Backfill, Part

log = logging.getLogger(__name__)

OPEN = (PartState.PENDING, PartState.FAILED)


def work_through(tools: Tools, backfill_id: int, first: int, last: int, folder: str = "") -> str:
    """Do the parts of a backfill between two numbers that are not done yet; return where the backfill stands then.

    ``folder`` is where parts of source ``files`` come from.

    A part without an answer does not stop the others; it stays pending, and the task fails at the end.

    Raises:
        ExchangeError: parts had no answer; a ban of this address stops at once.
        NoRoom: a store is nearly full; the parts that are left stay pending.
        LakeError, WarehouseError: a store does not answer.
    """
    return _Work(tools, backfill_id).through(first, last, folder)


class _Work:
    """One task."""

    def __init__(self, tools: Tools, backfill_id: int) -> None:
        self.tools, self.backfill_id = tools, backfill_id
        self.warehouse = tools.warehouse
        self.sentence = ""

    def through(self, first: int, last: int, folder: str) -> str:
        with self.warehouse.session() as session:
            backfill = backfills.read(session, self.backfill_id)
            mine = [part for part in backfills.parts(session, self.backfill_id, first, last) if part.state in OPEN]
        if mine and backfill.source == BackfillSource.FILES:
            self._demand_room()
            for part, result in bring_files(self.tools, mine, folder):
                self._write(part, result)
        else:
            self._one_by_one(backfill, mine)
        return self.sentence or "nothing left to do"

    def _one_by_one(self, backfill: Backfill, mine: Sequence[Part]) -> None:
        """Do parts in order, the files of the next ones fetched meanwhile."""
        if not mine:
            return
        self._demand_room()  # before the first files are fetched ahead
        tools = self.tools
        files = (file for part in mine if (file := file_of(part)))
        give_way = GiveWay(self.warehouse)
        unanswered: ExchangeError | None = None

        def fetch(file: ArchiveFile) -> FetchedFile:
            return fetch_file(tools.archive, tools.lake, tools.warehouse, file, tools.run_id, force=backfill.is_forced)

        with FilesAhead(fetch, files, self.warehouse.config.archive_concurrency) as ahead:
            for part in mine:
                give_way.wait()
                self._demand_room()
                try:
                    self._do(backfill, part, ahead)
                except IpBanned:
                    raise
                except ExchangeError as error:
                    log.warning("%s: %s", part.name, error)
                    unanswered = unanswered or error
        if unanswered:
            raise unanswered

    def _demand_room(self) -> None:
        with self.warehouse.session() as session:
            room.look(session, self.warehouse.config).demand_backfill()

    def _do(self, backfill: Backfill, part: Part, ahead: FilesAhead) -> None:
        started = time.monotonic()
        try:
            result = PartWork(self.tools, backfill, part, ahead.get).do()
        except ExchangeError as error:
            self._write(part, PartResult(PartState.PENDING, reason=str(error)))
            raise
        self._write(part, replace(result, seconds=time.monotonic() - started))

    def _write(self, part: Part, result: PartResult) -> None:
        """Write the part's state; say what became of it and where the backfill stands."""
        with self.warehouse.session() as session:
            if part.method is Method.FILES:
                backfills.narrow(session, self.backfill_id, part)
            backfills.finish_part(session, self.backfill_id, part.number, result, utc_now())
            self.sentence = progress(session, self.backfill_id).sentence
        told = f" ({result.reason})" if result.reason else ""
        log.info("%s: %s, %s rows%s; %s", part.name, result.state.value, result.rows, told, self.sentence)
