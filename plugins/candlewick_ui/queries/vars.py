"""What the marts were built with: the vars of the dbt project, read once per process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from candlewick.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# In the order of dbt_project/macros/indicators/periods.sql, whose checksum stands in `indicator_progress`.
PERIODS = (
    "rsi_period", "macd_fast_period", "macd_slow_period", "macd_signal_period", "bollinger_period",
    "bollinger_deviations", "atr_period", "sma_periods", "ema_periods",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """A window of returns: its name and length, and the step each return spans."""

    name: str
    hours: int
    step_minutes: int

    @property
    def steps(self) -> int:
        """Returns in it when none is missing."""
        return self.hours * 60 // self.step_minutes


@dataclass(frozen=True, slots=True)
class Vars:
    """The vars that say what a row of a mart means."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return a var.

        Raises:
            KeyError: dbt_project.yml has none of this name.
        """
        return self.values[name]

    @property
    def periods_checksum(self) -> str:
        """The checksum dbt writes beside the indicators it makes with these periods."""
        return hashlib.md5(
            json.dumps([[name, self[name]] for name in PERIODS]).encode(), usedforsecurity=False
        ).hexdigest()

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows of correlation, volatility and return distributions."""
        return tuple(Window(one["name"], one["hours"], one["step_minutes"]) for one in self["return_windows"])

    def window(self, step_minutes: int, steps: int) -> Window | None:
        """Return the window with such steps, or None."""
        return next((one for one in self.windows if (one.step_minutes, one.steps) == (step_minutes, steps)), None)


def read(project: Path) -> Vars:
    """Read the vars of a dbt project."""
    return Vars(yaml.safe_load((project / "dbt_project.yml").read_text())["vars"])


@lru_cache(maxsize=1)
def mart_vars() -> Vars:
    """Return the vars of the platform's dbt project."""
    return read(settings().dbt_project_dir)
