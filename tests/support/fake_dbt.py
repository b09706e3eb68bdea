"""A command in dbt's place: it says, writes and returns what a test wants, and notes how it was called."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """\
#!{python}
import json, os, pathlib, sys, time
told = json.loads(pathlib.Path({told!r}).read_text())
folder = pathlib.Path({folder!r})
(folder / "call.json").write_text(json.dumps({{"pid": os.getpid(), "argv": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ)}}))
target = pathlib.Path(sys.argv[sys.argv.index("--target-path") + 1]) if "--target-path" in sys.argv else folder
for line in told["lines"]:
    print(line)
if told["ignore_term"]:
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if told["results"] is not None:
    (target / "run_results.json").write_text(json.dumps({{"results": told["results"]}}))
for name in told["files"]:
    (target / name).write_text(name)
(folder / "ready").touch()
while told["stay"]:
    (folder / "heartbeat").write_text(str(time.time()))
    time.sleep(0.02)
sys.exit(told["code"])
"""


class FakeDbt:
    """``executable`` is the command; the attributes are what it will do."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.executable = folder / "dbt"
        self.executable.write_text(
            textwrap.dedent(SCRIPT).format(python=sys.executable, told=str(folder / "told.json"), folder=str(folder))
        )
        self.executable.chmod(0o755)
        self.will()

    def will(self, *, lines=(), results=None, code=0, files=(), stay=False, ignore_term=False) -> None:
        told = {
            "lines": list(lines), "results": results, "code": code, "files": list(files), "stay": stay,
            "ignore_term": ignore_term,
        }  # fmt: skip
        (self.folder / "told.json").write_text(json.dumps(told))

    @property
    def ready(self) -> bool:
        return (self.folder / "ready").exists()

    @property
    def call(self) -> dict:
        return json.loads((self.folder / "call.json").read_text())


def result(name: str, status: str = "success", message: str = "", rows: int | None = None) -> dict:
    """One entry of run_results.json."""
    return {
        "unique_id": f"model.candlewick.{name}", "status": status, "message": message, "execution_time": 0.5,
        "adapter_response": {} if rows is None else {"rows_affected": rows},
    }  # fmt: skip
