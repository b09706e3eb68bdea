"""The launcher as `make` calls it, on a home and ports of a test's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from support.places import DBT, REPOSITORY
from support.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path


def own_environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing set outside reaches the platform."""
    ports = {f"CANDLEWICK_{what}_PORT": str(free_port()) for what in ("AIRFLOW", "DATABASE", "S3", "EXCHANGE")}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "CANDLEWICK"))}
    ours = {
        "CANDLEWICK_ENV_FILE": "",
        "CANDLEWICK_HOME": str(home),
        "CANDLEWICK_DBT_EXECUTABLE": str(DBT),
        "CANDLEWICK_DISK_ROOM_GIGABYTES": "1",  # it is small, and how full this machine is has to be no matter
    }
    return {**kept, **ports, **ours, **more}


def command(*words: str) -> list[str]:
    """Return a launcher command."""
    return [sys.executable, "-m", "candlewick.local", *words]


def launcher(environment: dict[str, str], *words: str, seconds: float = 1200) -> subprocess.CompletedProcess[str]:
    """Run a launcher command; return it when it is done. It gives up by itself earlier, and says why."""
    return subprocess.run(
        command(*words), env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def shell(environment: dict[str, str], line: str) -> str:
    """Run a command in the platform's shell; return what it printed."""
    done = launcher(environment, "shell", "-c", line)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sql(environment: dict[str, str], query: str) -> list[list[str]]:
    """Ask the platform's warehouse."""
    return [line.split("\t") for line in shell(environment, f'mysql -N -B -e "{query}"').splitlines()]


def last_words(home: Path, dag_id: str, run_id: str) -> str:
    """Return the errors in the logs of a run's tasks, a line each."""
    run = home / "logs" / "airflow" / f"dag_id={dag_id}" / f"run_id={run_id}"
    told = []
    for path in sorted(run.rglob("attempt=*.log")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        errors = [detail for line in lines for detail in line.get("error_detail", [])]
        told += [f"{path.relative_to(run)}: {one['exc_type']}: {one['exc_value']}"[:1000] for one in errors]
    return "\n".join(told) or f"no errors in {run}"


def shell_lines(page: str) -> list[str]:
    """Return the `make shell` lines of a page."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return re.findall(r"(?:^|`)(make shell CMD=(?:[^`\n]+))", text, re.MULTILINE)


def as_make_calls(line: str, folder: Path) -> list[str]:
    """Return the words `make` calls the launcher with when a person types such a line."""
    # In Python's place something that tells how make calls the launcher: a test's platform has no virtualenvs.
    told = folder / "told"
    told.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    told.chmod(0o755)
    # A person does not type this inside another make, whose flags and variables would come along.
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    typed = subprocess.run(
        ["sh", "-c", f"{line} PYTHON={told}"], cwd=REPOSITORY, env=outside, capture_output=True, text=True, check=True
    )
    module, *words = json.loads(typed.stdout)[1:]
    assert module == "candlewick.local.bootstrap"
    return words
