"""Which version of the code this is, by git; a folder that is no checkout has none."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from candlewick.local.env_file import REPOSITORY
from candlewick.local.errors import LauncherError
from candlewick.local.home import write_private

if TYPE_CHECKING:
    from pathlib import Path


def revision(folder: Path = REPOSITORY) -> str | None:
    """Return the commit that is checked out; None where there is no git to say."""
    return _git(folder, "rev-parse", "HEAD").strip() if _has_git(folder) else None


def changes(folder: Path = REPOSITORY) -> list[str]:
    """Return the tracked files that are not as that commit has them."""
    if not _has_git(folder):
        return []
    return [line[3:] for line in _git(folder, "status", "--porcelain", "--untracked-files=no").splitlines()]


def note_running(root: Path, commit: str | None) -> None:
    """Remember which version the platform was started from."""
    write_private(root / "revision", commit or "")


def running(root: Path) -> str | None:
    """Return the version the platform was started from last; None: nobody noted it."""
    path = root / "revision"
    return (path.read_text(encoding="utf-8").strip() or None) if path.is_file() else None


def _has_git(folder: Path) -> bool:
    return (folder / ".git").exists() and shutil.which("git") is not None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LauncherError(f"git {words[0]} failed in {folder}: {done.stderr.strip()}; correct that, then try again.")
    return done.stdout
