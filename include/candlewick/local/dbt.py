"""The dbt side: its environment variables and the manifest that DAGs are rendered from."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from candlewick.local.errors import LauncherError, ProgramMissing
from candlewick.pipeline.dbt_project import HASH_VARIABLE, profile, project_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from candlewick.local.home import Home
    from candlewick.local.wiring import Account
    from candlewick.settings import Settings


def environment(settings: Settings, account: Account) -> dict[str, str]:
    """Return the variables that ``profiles.yml`` and ``dbt_project.yml`` read."""
    return {
        **profile(account, settings),
        HASH_VARIABLE: project_hash(settings),
        "DBT_PROJECT_DIR": str(settings.dbt_project_dir),
        "DBT_PROFILES_DIR": str(settings.dbt_project_dir),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    }


def write_manifest(home: Home, settings: Settings, env: Mapping[str, str]) -> bool:
    """Parse the project when it changed and publish its manifest by one rename; tell whether that was needed.

    Raises:
        LauncherError: dbt is missing or the project does not parse.
    """
    stamp = home.manifest.with_suffix(".hash")
    wanted = project_hash(settings)
    if home.manifest.exists() and stamp.is_file() and stamp.read_text() == wanted:
        return False
    if not settings.dbt.exists():
        raise ProgramMissing(f"{settings.dbt} is missing; run make demo or make up, which installs it.")
    folder = home.manifest.parent / "parse"
    folder.mkdir(parents=True, exist_ok=True)
    argv = [str(settings.dbt), "parse", "--target-path", str(folder), "--log-path", str(home.logs / "dbt")]
    # dbt makes dbt_packages where it is started.
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise LauncherError("The dbt project does not parse:\n" + "\n".join(lines[-12:]))
    stamp.unlink(missing_ok=True)
    os.replace(folder / "manifest.json", home.manifest)  # noqa: PTH105 - readers see the old or the new one, whole
    stamp.write_text(wanted)
    return True
