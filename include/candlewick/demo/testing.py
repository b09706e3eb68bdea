"""A running simulated exchange for tests.

>>> with RunningExchange(symbols="BTCUSDT,ETHUSDT") as exchange:
...     exchange.set_clock("2024-06-01T12:00:30Z")
...     exchange.add_faults({"kind": "429", "retry_after": 3, "count": 2})
...     assert exchange.get("/api/v3/time").status_code == 429
"""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

_PACKAGES = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 10


class RunningExchange:
    """``python -m candlewick.demo`` in a process of its own on free loopback ports.

    Args:
        ports: how many ports to listen on; each is one of ``urls`` (several hosts of one exchange).
        options: any command-line option without its dashes, e.g. ``seed=7``, ``weight_limit=100``, ``replay=folder``.
    """

    def __init__(self, ports: int = 1, **options: object) -> None:
        self._arguments = ["--port", "0"] * ports
        for name, value in options.items():
            self._arguments += [f"--{name.replace('_', '-')}", str(value)]
        self.urls: list[str] = []

    @property
    def url(self) -> str:
        """Base URL of the first port."""
        return self.urls[0]

    @property
    def port(self) -> int:
        """The first port."""
        return int(self.url.rpartition(":")[2])

    def start(self) -> Self:
        """Return once it answers. Raises RuntimeError with its last words when it does not come up."""
        path = os.pathsep.join(filter(None, [str(_PACKAGES), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(  # noqa: S603 - our own module on this interpreter
            [sys.executable, "-m", "candlewick.demo", *self._arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        self.urls = [word for word in line.split() if word.startswith("http://")]
        if not self.urls:
            self.stop()
            raise RuntimeError(f"the simulated exchange did not start (exit {self._process.returncode}): {line!r}")
        # The sockets are bound before the line is printed: a first request waits in their backlog.
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self.control("GET", "state")
        return self

    def stop(self) -> int:
        """End it as an operator would; returns its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self.stop()

    def control(self, method: str, path: str, body: object = None) -> Any:
        """One call of the control API; raises httpx.HTTPStatusError with the reason when it is refused."""
        answer = self._client.request(method, f"/_control/{path}", json=body)
        if answer.is_error:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json()

    def get(self, path: str, **params: object) -> httpx.Response:
        """A plain request to the exchange, for looking at it directly."""
        return self._client.get(path, params={name: str(value) for name, value in params.items()})

    def set_clock(self, now: int | str, rate: float = 0) -> None:
        """Epoch ms or ISO text with a zone; the clock stands still unless ``rate`` says otherwise."""
        self.control("POST", "clock", {"now": now, "rate": rate})

    def advance(self, milliseconds: int) -> int:
        """Move the clock; returns the new time."""
        return int(self.control("POST", "clock", {"advance_ms": milliseconds})["now"])

    def add_faults(self, *faults: dict[str, Any]) -> None:
        """See ``control`` for what a fault may be."""
        self.control("POST", "faults", list(faults))

    def clear_faults(self) -> None:
        """Mend everything, outages included."""
        self.control("DELETE", "faults")

    def set_symbol(self, symbol: str, status: str | None = None, listed: int | None = None) -> None:
        """Create a symbol or change its status, from the clock's now on."""
        self.control("POST", "symbols", [{"symbol": symbol, "status": status, "listed": listed}])

    def change_settings(self, **settings: int) -> None:
        """Any of ``settings.Settings``; ``forget=True`` lifts bans."""
        self.control("POST", "settings", settings)

    def requests(self) -> list[dict[str, Any]]:
        """The log, oldest first."""
        return list(self.control("GET", "requests"))

    def forget_requests(self) -> None:
        """Empty the log."""
        self.control("DELETE", "requests")

    def reset(self) -> None:
        """Everything as at the start, for a fixture that outlives one test."""
        self.control("POST", "reset")
