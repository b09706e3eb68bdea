"""What the dbt project is: a hash of its sources. It tells another version of the project from this one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlewick.settings import Settings

# Named by dbt_project.yml. Where its value has changed, dbt parses everything anew; partial parse (1.7) of what another version has left
# finds each macro twice whose file and description have both changed, and does so for ever.
HASH_VARIABLE = "CANDLEWICK_DBT_PROJECT_HASH"
SOURCES = ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md", "*.py")
MADE_BY_DBT = {"target", "logs"}


def project_hash(config: Settings) -> str:
    """Return a hash of the project's sources and of what they are parsed with."""
    digest = hashlib.sha256(f"{config.raw_schema}\0{config.marts_schema}\0{config.dbt}".encode())
    root = config.dbt_project_dir
    for path in sorted(path for pattern in SOURCES for path in root.rglob(pattern)):
        if not MADE_BY_DBT & set(path.relative_to(root).parts):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
