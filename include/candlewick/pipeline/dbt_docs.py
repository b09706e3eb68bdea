"""Publish the dbt docs site by one rename, so that a reader sees the old site or the new one, never a mix."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SITE = ("index.html", "manifest.json", "catalog.json")
KEPT = 2  # the published one, and the one a reader may still be loading


def publish(target: Path, site: Path) -> Path:
    """Copy the docs out of dbt's target folder and point ``site`` at the copy.

    ``site`` becomes a symbolic link to a folder beside it: a link can be renamed over a link, a folder with files
    cannot be renamed over another.

    Raises:
        FileNotFoundError: when the target lacks a file of the site; the published one stays.
    """
    editions = site.parent / f"{site.name}-editions"
    edition = editions / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    edition.mkdir(parents=True)
    for name in SITE:
        shutil.copyfile(target / name, edition / name)
    link = edition.with_suffix(".link")
    link.symlink_to(edition.relative_to(site.parent), target_is_directory=True)
    if site.is_dir() and not site.is_symlink():
        site.rename(editions / "0-before-the-first")
    link.replace(site)
    for old in sorted(path for path in editions.iterdir() if path.is_dir())[:-KEPT]:
        shutil.rmtree(old)
    return edition
