"""``make backup``, ``make restore`` and ``make drill``: the pipeline's own commands, in this platform's environment."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from candlewick.local import checks
from candlewick.local.errors import LauncherError
from candlewick.local.platform import DEMO, LIVE, root_of
from candlewick.local.progress import step
from candlewick.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candlewick.local.platform import Platform

MODES = (DEMO, LIVE)


def mode_to_restore(named: str | None) -> str | None:
    """Return the mode whose data a restore fills: the one that is named, or None for the one that was started last.

    Raises:
        LauncherError: it is not named, and no platform was started here yet.
    """
    if named is None and not (root_of(Settings()) / "mode").is_file():
        raise LauncherError(
            "Nothing was started here yet, so it is not known whose data this is; add MODE=live or MODE=demo."
        )
    return named


def run(platform: Platform, module: str, words: Sequence[str]) -> int:
    """Run a command of the pipeline against the running platform; return its exit code.

    Raises:
        LauncherError: the platform's own database or object store is not running.
    """
    for name, connection in (("database", "WAREHOUSE"), ("s3", "LAKE")):
        if platform.wiring.is_private(connection) and not platform.processes.running(name):
            raise LauncherError(f"The platform's {name} is not running; start it: make {_starter(platform)}.")
    return subprocess.run([sys.executable, "-m", module, *words], env=platform.environment, check=False).returncode


def restore(platform: Platform, name: str, raw_schema: str, marts_schema: str) -> int:
    """Start what holds the data, and nothing else; restore a backup into it.

    Raises:
        LauncherError: a server does not start; ProgramMissing: there is no mariadb-dump.
    """
    checks.program("mariadb-dump", "mariadb-client")
    with platform.home.locked():
        _require_no_other_mode(platform)
        # A platform that is started later is of this mode: it finds its data where it was restored.
        (platform.home.root / "mode").write_text(platform.mode)
        if platform.wiring.is_private("WAREHOUSE"):
            with step("Warehouse") as current:
                platform.start_warehouse(current)
        if platform.wiring.is_private("LAKE"):
            with step("Object store") as current:
                platform.start_store(current)
        if platform.wiring.is_private("WAREHOUSE") and (raw_schema or marts_schema):
            platform.database.grant_schemas([name for name in (raw_schema, marts_schema) if name])
    named = [f"--raw-schema={raw_schema}", f"--marts-schema={marts_schema}"]
    return run(platform, "candlewick.pipeline.backup", ["restore", name, *named])


def _require_no_other_mode(platform: Platform) -> None:
    noted = platform.home.root / "mode"
    running = [record for record in platform.processes.records() if record.process()]
    if running and noted.is_file() and noted.read_text().strip() != platform.mode:
        raise LauncherError(
            f"The {noted.read_text().strip()} platform is running on {platform.home.root}; run make down first."
        )


def _starter(platform: Platform) -> str:
    return "demo" if platform.mode == DEMO else "up"
