"""Clocks: the machine's, which is injected, and the exchange's, which is derived from its own answers."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RESYNC_SECONDS = 240.0
SLEW = 0.0005
"""Most a monotonic clock may gain on true time: 500 ppm, the fastest Linux lets NTP slew it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's clocks: wall time in ms since 1970 UTC, a monotonic one in seconds, and how to wait."""

    time_ms: Callable[[], int]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


SYSTEM_CLOCK = Clock(time_ms=lambda: time.time_ns() // 1_000_000, monotonic=time.monotonic, sleep=time.sleep)


@dataclass(frozen=True, slots=True)
class _Reading:
    server_ms: int
    asked_at: float
    received_at: float


class ExchangeClock:
    """The exchange's clock between two bounds, from one reading of its server time and our monotonic clock.

    The exchange stamped ``server_ms`` after we asked and before we received. So at any later moment its clock shows at
    least ``server_ms`` + the time since the receipt, and at most ``server_ms`` + the time since we asked. The wall
    clock takes no part: a jump of it (NTP, a wrong date) changes nothing. A reading is replaced after
    ``RESYNC_SECONDS``; until then the possible drift of the monotonic clock is taken off (or added) at ``SLEW``.

    Before the first reading there is only the wall clock (and what other processes know of its offset): it decides
    whether the question for the server's time may be sent during a ban or a pause, and nothing else.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reading: _Reading | None = None

    @property
    def is_known(self) -> bool:
        """Whether the exchange ever told its time."""
        return self._reading is not None

    @property
    def is_fresh(self) -> bool:
        """Whether the reading is young enough to be relied on."""
        reading = self._reading
        return reading is not None and self._clock.monotonic() - reading.received_at < RESYNC_SECONDS

    @property
    def offset_ms(self) -> int:
        """The exchange's clock less our wall clock, 0 while unknown."""
        return self.earliest_ms() - self._clock.time_ms()

    def read(self, server_ms: int, asked_at: float, received_at: float) -> None:
        """Take a new reading: the server's stamp in ms, and our monotonic seconds before and after."""
        self._reading = _Reading(server_ms, asked_at, received_at)

    def earliest_ms(self, at: float | None = None) -> int:
        """Return the least the exchange's clock can show, in ms, now or at a moment of the monotonic clock."""
        reading = self._reading
        if reading is None:
            return self._clock.time_ms()
        elapsed = (self._clock.monotonic() if at is None else at) - reading.received_at
        return reading.server_ms + math.floor((elapsed - abs(elapsed) * SLEW) * 1000)

    def latest_ms(self, at: float | None = None) -> int:
        """Return the most the exchange's clock can show, in ms, now or at a moment of the monotonic clock."""
        reading = self._reading
        if reading is None:
            return self._clock.time_ms()
        elapsed = (self._clock.monotonic() if at is None else at) - reading.asked_at
        return reading.server_ms + 1 + math.ceil((elapsed + abs(elapsed) * SLEW) * 1000)
