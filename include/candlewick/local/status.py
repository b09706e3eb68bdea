"""``make status``: what should run, what does, and how it is; and how the data is."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
from rich.table import Table

from candlewick.local.airflow import COMPONENTS

if TYPE_CHECKING:
    from candlewick.local.platform import Platform

HEALTH_SECONDS = 120
HEALTH_NAMES = {"scheduler": "scheduler", "triggerer": "triggerer", "dag-processor": "dag_processor"}


@dataclass(frozen=True)
class Line:
    """One service: ``pid`` is None when it does not run; memory in MB, shared pages counted once."""

    name: str
    pid: int | None
    port: int | None
    health: str
    memory_mb: float
    seconds: float

    @property
    def well(self) -> bool:
        """Whether it runs and answers."""
        return self.pid is not None and self.health == "healthy"


def lines(platform: Platform) -> list[Line]:
    """Return one line for each service that should run."""
    airflow = platform.airflow.health()
    found = []
    for name in (*platform.private_services, *COMPONENTS):
        record = platform.processes.running(name)
        if record is None:
            found.append(Line(name, None, None, "down", 0.0, 0.0))
            continue
        if name == "database":
            good = platform.database.ready()
        elif name == "s3":
            good = platform.store.ready()
        elif name == "exchange":
            good = platform.exchange.ready()
        else:
            good = bool(airflow) and airflow.get(HEALTH_NAMES.get(name, "metadatabase")) == "healthy"
        memory = sum(_memory(process) for process in platform.processes.family(record)) / 1e6
        health = "healthy" if good else "not answering"
        found.append(Line(name, record.pid, record.port, health, memory, time.time() - record.create_time))
    return found


def table(found: list[Line], title: str) -> Table:
    """Return the lines as a table for a terminal."""
    result = Table(title=title, title_justify="left")
    for column in ("service", "pid", "port", "health", "memory MB", "up for"):
        result.add_column(column, justify="right" if column in ("pid", "port", "memory MB", "up for") else "left")
    for line in found:
        colour = "green" if line.well else "red"
        minutes, seconds = divmod(int(line.seconds), 60)
        result.add_row(
            line.name,
            str(line.pid or ""),
            str(line.port or ""),
            f"[{colour}]{line.health}[/]",
            f"{line.memory_mb:.0f}" if line.pid else "",
            f"{minutes} min {seconds} s" if line.pid else "",
        )
    return result


def data(platform: Platform) -> tuple[bool, str]:
    """Return whether fresh data arrives, and the findings of the health check, a line each."""
    command = [sys.executable, "-m", "candlewick.alerts.health"]
    try:
        done = subprocess.run(
            command, env=platform.environment, capture_output=True, text=True, timeout=HEALTH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"error: the health check did not end within {HEALTH_SECONDS} s"
    # Whatever libraries write to stderr is no finding; without any answer it is all there is.
    return done.returncode == 0, (done.stdout or done.stderr).strip()


def _memory(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return float(process.memory_full_info().pss)
    return 0.0
