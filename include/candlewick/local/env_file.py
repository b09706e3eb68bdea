"""Where ``.env`` is and, for the bootstrap, one value of it. Standard library only: python-dotenv may not be there yet."""

from __future__ import annotations

import os
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
VARIABLE = "CANDLEWICK_ENV_FILE"
# As python-dotenv reads a line: quotes keep what is between them, otherwise a # after a space begins a comment.
_LINE = re.compile(
    r"""^\s*(?:export\s+)?(?P<name>\w+)[ \t]*=[ \t]*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>[^\n]*?))"""
    r"""[ \t]*(?:(?<=\s)\#.*)?$""",
    re.MULTILINE,
)


def path() -> Path | None:
    """Return the file of settings: ``.env`` of the repository, or the one the variable names; empty means none.

    Raises:
        FileNotFoundError: the variable names a file that is not there.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        usual = REPOSITORY / ".env"
        return usual if usual.is_file() else None
    if not named:
        return None
    found = REPOSITORY / Path(named).expanduser()
    if not found.is_file():
        raise FileNotFoundError(
            f"{VARIABLE} names {found}, which is not a file; correct it or leave it empty for none."
        )
    return found


def value(name: str) -> str | None:
    """Return a variable from the environment or, when it is not set there, from the file; an empty one is none."""
    if name in os.environ:
        return os.environ[name] or None
    file = path()
    if file is None:
        return None
    found = [line for line in _LINE.finditer(file.read_text(encoding="utf-8")) if line["name"] == name]
    return (found[-1]["single"] or found[-1]["double"] or found[-1]["plain"] or None) if found else None
