"""What `make clean` removes. Standard library only: it has to work where an installation was interrupted."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# By name: a home folder set by mistake must not lose more than what is ours.
DATA = ("data", "logs", "run", "dbt", "bin", "secrets", "upgrades", "mode", "revision")
ENVIRONMENTS = (
    "venvs/airflow",
    "venvs/dbt",
    "venvs/tools",
    "venvs/candlewick.txt",
    "venvs/.lock",
    "venvs/.with-dev-tools",
)


def what(*, everything: bool) -> str:
    """Return in words what goes."""
    return "all data, logs and passwords" + (" and the virtualenvs" if everything else "")


def confirmed(root: Path, *, yes: bool, everything: bool) -> bool:
    """Whether a person wants it.

    Raises:
        OSError: nobody said yes and there is no terminal to ask at.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise OSError(
            f"This removes {what(everything=everything)} under {root}; say make clean YES=1 if that is meant."
        )
    return input(f"Remove {what(everything=everything)} under {root}? [y/N] ").strip().lower() in ("y", "yes")


def remove(root: Path, *, everything: bool) -> None:
    """Remove data and logs; the virtualenvs too when asked to, and then folders in which nothing is left."""
    for name in (*DATA, *(ENVIRONMENTS if everything else ())):
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for folder in (root / "venvs", root) if everything else ():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
