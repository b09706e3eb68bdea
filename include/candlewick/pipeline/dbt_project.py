"""What the dbt project is told about its server, and what it is: a hash of its sources, which tells versions apart."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from candlewick.settings import Settings

# Named by dbt_project.yml. Where its value has changed, dbt parses everything anew; partial parse (1.7) of what another version has left
# finds each macro twice whose file and description have both changed, and does so for ever.
HASH_VARIABLE = "CANDLEWICK_DBT_PROJECT_HASH"
SOURCES = ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md", "*.py")
MADE_BY_DBT = {"target", "logs"}


class Account(Protocol):
    """A database account and where its server is."""

    @property
    def host(self) -> str: ...  # noqa: D102 -- as they say
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def user(self) -> str: ...  # noqa: D102
    @property
    def password(self) -> str: ...  # noqa: D102


def profile(account: Account, config: Settings) -> dict[str, str]:
    """Return what ``profiles.yml`` and ``dbt_project.yml`` read from the environment: server, login and schemas."""
    return {
        "CANDLEWICK_DBT_HOST": account.host,
        "CANDLEWICK_DBT_PORT": str(account.port),
        "CANDLEWICK_DBT_USER": account.user,
        "CANDLEWICK_DBT_PASSWORD": account.password,
        "CANDLEWICK_MARTS_SCHEMA": config.marts_schema,
        "CANDLEWICK_RAW_SCHEMA": config.raw_schema,
    }


def project_hash(config: Settings) -> str:
    """Return a hash of the project's sources and of what they are parsed with."""
    digest = hashlib.sha256(f"{config.raw_schema}\0{config.marts_schema}\0{config.dbt}".encode())
    root = config.dbt_project_dir
    for path in sorted(path for pattern in SOURCES for path in root.rglob(pattern)):
        if not MADE_BY_DBT & set(path.relative_to(root).parts):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
