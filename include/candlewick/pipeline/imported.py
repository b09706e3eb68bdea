"""What an import of local files is asked for, and what came of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlewick.market import Interval

log = logging.getLogger(__name__)

MOST_PROBLEMS = 200


@dataclass
class ImportSummary:
    """What came of a folder.

    ``queue`` holds the sizes of queued objects by id, ``there`` the ids of those that were queued and loaded before.
    ``skipped`` files were taken before, ``left_out`` are of other symbols, intervals or times. ``problems`` are sentences,
    the first of ``problem_count``; ``unverified`` archive files came without a checksum.
    """

    queue: dict[int, int] = field(default_factory=dict)
    there: set[int] = field(default_factory=set)
    skipped: int = 0
    left_out: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)

    @property
    def object_ids(self) -> list[int]:
        """What is to be loaded: new objects, and those an earlier import left queued."""
        return list(self.queue)

    @property
    def payload_bytes(self) -> int:
        """Size of what is to be loaded."""
        return sum(self.queue.values())

    def queued(self, object_id: int, payload_bytes: int) -> None:
        """Note an object that is now queued."""
        self.queue[object_id] = payload_bytes

    def known(self, object_id: int, payload_bytes: int, *, is_queued: bool) -> None:
        """Note a file whose content was taken before, by this import or an earlier one."""
        if is_queued and object_id not in self.queue:
            self.queued(object_id, payload_bytes)
            return
        self.skipped += 1
        if object_id not in self.queue:
            self.there.add(object_id)

    def problem(self, name: object, sentence: object) -> None:
        """Note a file that is not imported, and why."""
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{name}: {sentence}")
        log.warning("%s: %s", name, sentence)

    @property
    def sentence(self) -> str:
        """All of it, for people."""
        said = f"{len(self.queue)} objects queued, {self.skipped} there already, {self.left_out} not asked for"
        if self.unverified:
            said += f", {len(self.unverified)} archive files without a checksum ({self.unverified[0]} first)"
        return f"{said}, {self.problem_count} not imported" + (f" ({self.problems[0]})" if self.problems else "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files are wanted: of these symbols, this interval, and any stamp in [start_ms, end_ms)."""

    symbols: frozenset[str]
    interval: Interval
    start_ms: int
    end_ms: int

    def has(self, symbol: str, interval: Interval | None, first_ms: int, last_ms: int) -> bool:
        """Whether something up to ``last_ms`` inclusive is wanted; books have no interval."""
        return (
            symbol in self.symbols
            and interval in (self.interval, None)
            and first_ms < self.end_ms
            and last_ms >= self.start_ms
        )
