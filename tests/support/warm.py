"""A process that has imported what its jobs need and does each of them in a fork of its own.

Killing a job is then as real as killing a program, and the next one is there in milliseconds. A job's module has
``main(job: dict) -> dict``; run as ``python -m support.warm <module>`` it reads a job a line and answers a line.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
CRASHED = 1


@dataclass(frozen=True)
class Ended:
    """How a job ended: ``status`` is its exit code or minus its signal, ``answer`` what it said if it could."""

    status: int
    seconds: float
    answer: dict[str, Any]

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Worker:
    """The warm process, seen from a test; one job at a time."""

    def __init__(self, python: str, module: str, log: Path) -> None:
        path = os.pathsep.join([str(TESTS), str(TESTS.parent / "include")])
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [python, "-m", "support.warm", module], env={**os.environ, "PYTHONPATH": path}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                cwd=log.parent,  # where dbt makes its dbt_packages
            )  # fmt: skip

    def start(self, job: dict[str, Any], kill_after: float | None = None) -> None:
        """Start a job; it is killed after so many seconds unless it ended before."""
        self.process.stdin.write(json.dumps({"job": job, "kill_after": kill_after}) + "\n")
        self.process.stdin.flush()

    def finish(self) -> Ended:
        """Wait for the job's end."""
        return Ended(**json.loads(self.process.stdout.readline()))

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)


def serve(module: str) -> None:
    """Do the jobs of standard input until it ends."""
    main = importlib.import_module(module).main
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(receive)
            _do(main, request["job"], send)
        os.close(send)
        answer = _wait(child, receive, request["kill_after"])
        _, status = os.waitpid(child, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - started, "answer": answer}
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


def _do(main: Any, job: dict[str, Any], send: int) -> None:
    """Do one job in the fork and leave without the parent's clean-up."""
    os.dup2(2, 1)  # what a job prints must not look like an answer
    status = 0
    try:
        os.write(send, json.dumps(main(job)).encode())
    except BaseException:  # noqa: BLE001  # whatever it was, the test is told by the status and finds it in the log
        traceback.print_exc()
        status = CRASHED
    sys.stderr.flush()
    os._exit(status)


def _wait(child: int, receive: int, kill_after: float | None) -> dict[str, Any]:
    """Read the job's answer; kill it when its time is over. Its end of the pipe closes with it, however it ends."""
    if not select.select([receive], [], [], kill_after)[0]:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(receive, "rb") as pipe:
        return json.loads(pipe.read() or b"{}")


if __name__ == "__main__":
    serve(sys.argv[1])
