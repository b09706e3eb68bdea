"""Run one dbt process: its lines into the log as they come, its results as values, never an orphan."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from candlewick.pipeline import leash
from candlewick.pipeline.dbt_project import HASH_VARIABLE, project_hash
from candlewick.settings import Settings, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

# Python, isolated from the environment's own packages, in front of dbt's arguments.
LEASH = [sys.executable, "-I", "-S", leash.__file__]
STOP_GRACE_SECONDS = 10.0
KEPT_LINES = 40
_DECORATION = re.compile(r"\x1b\[[0-9;]*m|^(\x1b\[[0-9;]*m)*\d\d:\d\d:\d\d ? ?")  # colours and the clock
# Lock time-out, deadlock, a lost or restarting server: of the warehouse, not of the SQL. The second is the driver's
# sentence, without a number, when the server was lost between two statements; the last are the project's own when another
# writer keeps a named lock, or has built the table while this one waited for it.
_PASSING = re.compile(
    r"\b(1205|1213|2002|2003|2006|2013|2055|1053|1927)\b\s*[:(]|\bMySQL Connection not available\b"
    r"|expected the (writer )?lock\b",
    re.IGNORECASE,
)


class TransformError(Exception):
    """dbt did not do what was asked; the message carries dbt's own sentences."""


class TransformFailed(TransformError):
    """A model, a test or the project is wrong: trying again gives the same."""


class TransformBusy(TransformError):
    """A lock, a deadlock, a lost server or a stop from outside: trying again later is right."""


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one model or test."""

    name: str
    status: str
    seconds: float
    rows: int | None
    message: str

    @property
    def is_bad(self) -> bool:
        """Whether dbt counts it as a failure."""
        return self.status in {"error", "fail", "runtime error"}


@dataclass(frozen=True, slots=True)
class DbtSummary:
    """The results of one dbt process, in its order."""

    nodes: tuple[NodeResult, ...]
    target: Path

    @property
    def sentence(self) -> str:
        """One line for the log and the task's result; findings of tests that warn are named in it."""
        seconds = sum(node.seconds for node in self.nodes)
        rows = sum(node.rows or 0 for node in self.nodes)
        warned = [f"{node.name} ({node.message})" for node in self.nodes if node.status == "warn"]
        told = f"{len(self.nodes)} nodes, {rows} rows, {seconds:.1f} s of work"
        return f"{told}; warnings: {', '.join(warned)}" if warned else told

    @property
    def table(self) -> list[str]:
        """One line per node."""
        return [
            f"{n.status:<8} {n.seconds:6.2f} s {'-' if n.rows is None else n.rows:>8} rows  {n.name}"
            for n in self.nodes
        ]


def run_dbt(
    arguments: Sequence[str], environment: Mapping[str, str], *, name: str, config: Settings | None = None
) -> DbtSummary:
    """Run ``dbt <arguments>`` and return what it did.

    Args:
        arguments: the sub-command and its flags, as in ``["run", "--selector", "minute"]``.
        environment: what the project's profile reads (``CANDLEWICK_DBT_…``); credentials travel here only.
        name: of the folder under ``$CANDLEWICK_HOME/dbt`` that keeps this invocation's target (partial parse) and
            logs. Two processes sharing a target mix their results, so the second one is refused.
        config: settings; default: the process's own.

    Raises:
        TransformBusy: lock, deadlock, lost server, another dbt in the same target, or stopped from outside.
        TransformFailed: anything else dbt calls an error.
    """
    config = config or settings()
    folder = config.home / "dbt" / name
    target, logs = folder / "target", folder / "logs"
    for path in (target, logs):
        path.mkdir(parents=True, exist_ok=True)
    command = [
        *LEASH, *arguments,
        "--project-dir", str(config.dbt_project_dir), "--profiles-dir", str(config.dbt_project_dir),
        "--target-path", str(target), "--log-path", str(logs), "--no-use-colors",
    ]  # fmt: skip
    with _own_target(folder / "lock") as lock:
        results = target / "run_results.json"
        results.unlink(missing_ok=True)  # a dbt that fails before its first model would leave the previous run's
        code, last_lines = _run(command, _environment(environment, config), folder, lock)
        summary = DbtSummary(_read_results(results), target)
    for line in summary.table:
        log.info("%s", line)
    if code == 0:
        return summary
    raise failure(f"dbt {' '.join(arguments)}", code, last_lines, summary.nodes)


@contextmanager
def _own_target(path: Path) -> Iterator[int]:
    """Hold the target; dbt inherits the lock, so that it is kept for as long as the last of both lives."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TransformBusy(
                f"expected to be the only dbt in {path.parent}, but another one runs there; it will be tried again"
            ) from error
        yield file.fileno()


def _environment(given: Mapping[str, str], config: Settings) -> dict[str, str]:
    """Return what dbt may know: not Airflow's secrets, not this virtualenv's paths."""
    hidden = ("AIRFLOW", "PYTHON", "VIRTUAL_ENV")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(hidden)},
        "PYTHONUNBUFFERED": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **given,
        "CANDLEWICK_DBT_EXECUTABLE": str(config.dbt),
        HASH_VARIABLE: project_hash(config),
    }


def _run(command: list[str], environment: dict[str, str], folder: Path, lock: int) -> tuple[int, list[str]]:
    """Run the command in its own process group; whatever ends this function early ends the group too.

    It runs in the invocation's own folder: dbt makes ``dbt_packages`` wherever it is started, and a worker's current
    folder may be read-only.
    """
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    with _stop_is_an_exception():
        process = subprocess.Popen(  # noqa: S603  # the command is ours; values of others travel in the environment
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, errors="backslashreplace", bufsize=1, start_new_session=True, pass_fds=(lock,), cwd=folder,
        )  # fmt: skip
        try:
            for line in process.stdout or ():
                kept.append(line.rstrip())
                log.info("%s", kept[-1])
            return process.wait(), list(kept)
        finally:
            if process.poll() is None:
                _stop(process)


@contextmanager
def _stop_is_an_exception() -> Iterator[None]:
    """Turn SIGTERM into an exception: Airflow's own handler calls ``on_kill``, which a plain task does not have."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the stopping
        raise TransformBusy("dbt was stopped because its task was told to stop; it will be tried again")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(process: subprocess.Popen[str]) -> None:
    log.warning("stopping dbt (process group %s)", process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_GRACE_SECONDS)
    with suppress(ProcessLookupError):  # also for members of the group that outlived their leader
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read_results(path: Path) -> tuple[NodeResult, ...]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # dbt ended before or while writing; its exit code tells the rest
        return ()
    return tuple(_node(result) for result in document.get("results", []))


def _node(result: dict[str, Any]) -> NodeResult:
    rows = (result.get("adapter_response") or {}).get("rows_affected")
    return NodeResult(
        name=str(result.get("unique_id", "?")).split(".", 2)[-1],
        status=str(result.get("status", "?")),
        seconds=float(result.get("execution_time") or 0.0),
        rows=int(rows) if rows is not None else None,
        message=str(result.get("message") or ""),
    )


def failure(
    what: str, code: int, lines: Sequence[str], nodes: Sequence[NodeResult] = ()
) -> TransformFailed | TransformBusy:
    """Make the error of a dbt that ended badly, from its results or else from its lines.

    Its kind follows dbt's own sentences; one lasting error among passing ones makes it lasting.
    """
    # Of an operation dbt's results have no message: its lines do.
    sentences = [f"{node.name}: {' '.join(node.message.split())}" for node in nodes if node.is_bad and node.message]
    sentences = sentences or ["\n".join(_telling(lines))]
    kind = TransformBusy if all(_PASSING.search(sentence) for sentence in sentences) else TransformFailed
    return kind(f"{what} ended with code {code}:\n" + "\n".join(sentences))


def _telling(lines: Sequence[str]) -> list[str]:
    """Return the lines that say what went wrong: dbt's closing summary, else its error lines, else the last ones."""
    plain = [_DECORATION.sub("", line).rstrip() for line in lines]
    plain = [line for line in plain if line and not line.startswith("Done.")]
    start = next(
        (at for at, line in enumerate(plain) if line.startswith(("Completed with", "Encountered an error"))), None
    )
    if start is not None:
        return plain[start:]
    return [line for line in plain if "ERROR" in line] or plain[-KEPT_LINES:]
