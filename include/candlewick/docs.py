"""Generate ``docs/configuration.md`` from the settings object: ``python -m candlewick.docs [--check]``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

CONFIGURATION = REPOSITORY / "docs" / "configuration.md"
_SECTION = re.compile(r"# --- (?P<title>.+?) -{3,}")
_FIELD = re.compile(r"    (?P<name>[a-z0-9_]+): ")

_HEAD = """# Configuration

Generated from `include/candlewick/settings.py` by `make docs`; `make lint` looks whether it still says the same.

Set a value in `.env` or in the environment, which wins. `CANDLEWICK_ENV_FILE` names another file than `.env`; empty, none
is read. A relative path is meant from the repository. Endpoints and secrets are not here: they are Airflow connections, set as
`AIRFLOW_CONN_<NAME>` (see the [README](../README.md#configure)).
"""


def configuration() -> str:
    """Return the page: a table per section of the settings, in their order."""
    parts = [_HEAD]
    for title, names in sections():
        rows = [_row(name, Settings.model_fields[name]) for name in names]
        parts.append(
            "\n".join(
                [f"## {title[0].upper()}{title[1:]}\n", "| variable | default | meaning |", "|---|---|---|", *rows, ""]
            )
        )
    return "\n".join(parts)


def sections() -> list[tuple[str, list[str]]]:
    """Read sections and field names off the source: its comments are the headings."""
    found: list[tuple[str, list[str]]] = []
    source = (REPOSITORY / "include" / "candlewick" / "settings.py").read_text(encoding="utf-8")
    for line in source.splitlines():
        if section := _SECTION.search(line):
            found.append((section["title"], []))
        elif (field := _FIELD.match(line)) and field["name"] in Settings.model_fields:
            found[-1][1].append(field["name"])
    return found


def _row(name: str, field: FieldInfo) -> str:
    return f"| `CANDLEWICK_{name.upper()}` | {_default(field.default)} | {field.description} |"


def _default(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, Path):
        inside = value.is_relative_to(REPOSITORY)
        return f"`{value.relative_to(REPOSITORY) if inside else value}`"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main() -> int:
    """Write the page, or tell with ``--check`` whether it is the one that would be written."""
    if sys.argv[1:] == ["--check"]:
        if CONFIGURATION.read_text(encoding="utf-8") == configuration():
            return 0
        sys.stderr.write(f"{CONFIGURATION.relative_to(REPOSITORY)} is not what the settings say; run: make docs\n")
        return 1
    CONFIGURATION.write_text(configuration(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
