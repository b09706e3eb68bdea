"""The simulated exchange as a service."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import requests

from candlewick.local.processes import Service
from candlewick.local.wiring import LOOPBACK

if TYPE_CHECKING:
    from candlewick.settings import Settings


class SimulatedExchange:
    """``python -m candlewick.demo`` on loopback."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base = f"http://{LOOPBACK}:{settings.exchange_port}"

    def service(self) -> Service:
        """Return the server; it knows its own symbols and every one that is tracked."""
        argv = [sys.executable, "-m", "candlewick.demo", "--host", LOOPBACK]
        argv += ["--port", str(self.settings.exchange_port), "--seed", str(self.settings.demo_seed)]
        argv += ["--symbols", ",".join(("default", *self.settings.symbols))]
        argv += ["--latency-ms", str(self.settings.demo_latency_milliseconds)]
        if self.settings.demo_replay:
            # What was recorded ends today, or its candles would never be fresh.
            argv += ["--replay", str(self.settings.demo_replay), "--shift-days", "today"]
        return Service("exchange", argv, dict(os.environ), self.settings.exchange_port)

    def ready(self) -> bool:
        """Whether it answers a ping."""
        with suppress(requests.RequestException):
            return requests.get(f"{self.base}/api/v3/ping", timeout=2).ok
        return False
