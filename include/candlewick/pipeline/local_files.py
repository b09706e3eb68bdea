"""Local files a backfill may read: those below one folder, and nothing a link leads to outside of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class FolderRefused(ValueError):
    """The folder may not be read, or is not there; the message says what to do."""


def folder_below(root: Path, folder: str | Path) -> Path:
    """Return the folder, every link resolved; a relative one is meant from ``root`` on.

    Raises:
        FolderRefused: it lies outside of ``root``, or is no folder.
    """
    root, found = root.resolve(), (root / folder).resolve()
    if not found.is_relative_to(root):
        raise FolderRefused(
            f"expected a folder below {root}, got {str(folder)!r}, which is {found}; put the files there, or let "
            "CANDLEWICK_FILES_DIR name their folder"
        )
    if not found.is_dir():
        raise FolderRefused(f"expected a folder below {root}, but {found} is none; correct its name")
    return found


def files_below(root: Path, folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield every file below the folder in the order of names, with None or the reason why it may not be read.

    Folders that are links are not entered: what they hold is either outside, or read at its own place.
    """
    root = root.resolve()
    closed: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=closed.append):
        folders.sort()
        for name in folders:
            if (Path(parent) / name).is_symlink():
                yield Path(parent) / name, "expected a file, got a link to a folder, which is not followed"
        for name in sorted(names):
            path = Path(parent) / name
            yield path, obstacle(root, path)
    for error in closed:
        yield Path(error.filename), f"expected a folder that can be read, but {error.strerror}"


def obstacle(root: Path, path: Path) -> str | None:
    """Return why a file may not be read; None when it may. ``root`` is free of links."""
    found = path.resolve()
    if not found.is_relative_to(root):
        return f"expected a file below {root}, got a link that leads outside"
    return None if found.is_file() else "expected a plain file"
