"""The exchange's clock: the real time, or any other that a test sets."""

import time


class Clock:
    """Milliseconds since the epoch, UTC. ``rate`` 1 is real speed, 0 stands still, 60 runs a minute a second."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to the machine's own time."""
        self.set(int(time.time() * 1000), rate=1.0)

    def set(self, now_ms: int, rate: float) -> None:
        """Go on from ``now_ms`` at that rate."""
        self._origin_ms, self.rate = now_ms, rate
        self._origin = time.monotonic()

    def now_ms(self) -> int:
        """The exchange's time."""
        return self._origin_ms + int((time.monotonic() - self._origin) * 1000 * self.rate)
