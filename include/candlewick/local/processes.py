"""Start services so that they can be found again, and stop them with everything they left behind.

Each service runs in its own session with its output in a log. Whatever it starts inherits two environment variables
that name this platform and the service; with the recorded session and the tree of children they find a descendant even
when it changed its session and its parent is gone. A process id alone is never trusted: ids are used again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from candlewick.local.errors import ServiceFailed
from candlewick.local.home import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MARK_HOME = "CANDLEWICK_STARTED_UNDER"
MARK_SERVICE = "CANDLEWICK_SERVICE"
LEFTOVERS_SECONDS = 5.0
CLOCK_CORRECTION_SECONDS = 10.0
LOG_BYTES = 20_000_000
GONE = (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied)


@dataclass(frozen=True)
class Service:
    """A program to start."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    port: int | None = None
    grace_seconds: float | None = None
    """How long a clean end may take; None: as long as the platform's setting says."""


@dataclass(frozen=True)
class Record:
    """What is remembered of a started service, in ``run/<name>.json``."""

    name: str
    pid: int
    session: int
    create_time: float
    port: int | None
    log: str
    grace_seconds: float | None = None

    def process(self) -> psutil.Process | None:
        """Return the process, or None when it is gone or its id belongs to another one now."""
        with suppress(*GONE):
            process = psutil.Process(self.pid)
            # Creation times are ticks since boot plus the time of boot, which moves a little when the clock is corrected.
            if (
                abs(process.create_time() - self.create_time) < CLOCK_CORRECTION_SECONDS
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                return process
        return None


class Processes:
    """The services of one platform."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.run = self.root / "run"
        self.logs = self.root / "logs"

    def records(self) -> list[Record]:
        """Return what was started and not stopped, oldest first."""
        found = []
        for path in self.run.glob("*.json"):
            with suppress(ValueError, TypeError):
                found.append(Record(**json.loads(path.read_text(encoding="utf-8"))))
        return sorted(found, key=lambda record: record.create_time)

    def running(self, name: str) -> Record | None:
        """Return the record of a service that is alive."""
        return next((record for record in self.records() if record.name == name and record.process()), None)

    def start(self, service: Service) -> Record:
        """Start a service unless it runs already."""
        if running := self.running(service.name):
            return running
        if left := [record for record in self.records() if record.name == service.name]:
            self.stop(left, LEFTOVERS_SECONDS)  # what outlived a service that died
        self.run.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{service.name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        env = {
            **service.env,
            MARK_HOME: str(self.root),
            MARK_SERVICE: service.name,
            "SPT_NOENV": "1",  # setproctitle would overwrite the environment that children are found by
        }
        with log.open("ab") as sink:
            process = subprocess.Popen(
                service.argv,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = Record(
            service.name,
            process.pid,
            process.pid,
            psutil.Process(process.pid).create_time(),
            service.port,
            str(log),
            service.grace_seconds,
        )
        write_private(self.run / f"{service.name}.json", json.dumps(asdict(record)))
        return record

    def wait_ready(self, record: Record, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until a service answers.

        Raises:
            ServiceFailed: it ended or did not answer in time; the message names its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if record.process() is None:
                raise ServiceFailed(
                    f"{record.name} ended while it started; its last words:\n{tail(record)}\nThe log is {record.log}."
                )
            if time.monotonic() > deadline:
                raise ServiceFailed(f"{record.name} did not answer within {seconds:.0f} s; the log is {record.log}.")
            time.sleep(0.1)

    def family(self, record: Record) -> set[psutil.Process]:
        """Return a service's process with everything that came from it and is alive."""
        members = set(self._marked({record.name}))
        main = record.process()
        if main is not None:
            members.add(main)
            with suppress(*GONE):
                members.update(main.children(recursive=True))
        # The kernel keeps a session's number while anyone is in it; with nobody of ours there it may be another's by now.
        if any(_session(process) == record.session for process in members):
            members.update(process for process in _all() if _session(process) == record.session)
        for process in list(members):
            with suppress(*GONE):
                members.update(process.children(recursive=True))
        return {process for process in members if _alive(process)}

    def _marked(self, names: set[str] | None = None) -> Iterable[psutil.Process]:
        """Return processes whose environment says that they come from here."""
        for process in _all():
            with suppress(*GONE, OSError):
                env = process.environ()
                if env.get(MARK_HOME) == str(self.root) and (names is None or env.get(MARK_SERVICE) in names):
                    yield process

    def stop(self, records: Sequence[Record], grace_seconds: float) -> None:
        """Stop services together: TERM to all of each, wait, KILL what is left.

        Raises:
            ServiceFailed: something survives a KILL (it hangs in the kernel).
        """
        grace = max([record.grace_seconds or grace_seconds for record in records], default=0.0)
        told: set[psutil.Process] = set()
        deadline = time.monotonic() + grace
        while left := self._left(records, told):
            if time.monotonic() > deadline:
                break
            for process in left - told:  # a child born after the first TERM is told as well
                _signal(process, signal.SIGTERM)
            told |= left
            time.sleep(0.1)
        for _ in range(50):
            if not (left := self._left(records, told)):
                break
            for process in left:
                _signal(process, signal.SIGKILL)
            told |= left
            time.sleep(0.1)
        else:
            raise ServiceFailed(
                f"These processes survived a KILL: {sorted(process.pid for process in left)}; look at them with ps."
            )
        for record in records:
            (self.run / f"{record.name}.json").unlink(missing_ok=True)

    def _left(self, records: Sequence[Record], told: set[psutil.Process]) -> set[psutil.Process]:
        left = {process for process in told if _alive(process)}
        for record in records:
            left |= self.family(record)
        return left

    def sweep(self, grace_seconds: float) -> int:
        """Stop what carries our mark and has no record (a launcher that died between start and record)."""
        strays = {process for process in self._marked() if _alive(process)}
        for process in strays:
            _signal(process, signal.SIGTERM)
        _, left = psutil.wait_procs(list(strays), timeout=grace_seconds)
        for process in left:
            _signal(process, signal.SIGKILL)
        return len(strays)


def tail(record: Record, lines: int = 15) -> str:
    """Return the last lines of a service's log."""
    with suppress(OSError):
        return "\n".join(Path(record.log).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""


def _all() -> Iterable[psutil.Process]:
    mine = os.getpid()
    return (process for process in psutil.process_iter() if process.pid != mine)


def _alive(process: psutil.Process) -> bool:
    with suppress(*GONE):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _session(process: psutil.Process) -> int:
    with suppress(OSError):
        return os.getsid(process.pid)
    return -1


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(*GONE):
        process.send_signal(number)  # checks that the id is still the same process
