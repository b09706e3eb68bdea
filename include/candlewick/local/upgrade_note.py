"""What an upgrade writes down before it changes anything: ``$CANDLEWICK_HOME/upgrades/<stamp>.json``.

One upgrade at a time is under way. It was killed when its note still says so; the next run of the same command goes on with
that note, so that "before" is always what there was before the first of its tries.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.local.home import write_private

if TYPE_CHECKING:
    from datetime import datetime

STAMP_FORMAT = "%Y%m%dT%H%M%SZ"


class State(StrEnum):
    """How far an upgrade is."""

    BEGUN = "begun"
    FINISHED = "finished"
    GOING_BACK = "going back"
    TAKEN_BACK = "taken back"

    @property
    def is_under_way(self) -> bool:
        """Whether something was begun and not ended."""
        return self in (State.BEGUN, State.GOING_BACK)


@dataclass
class Note:
    """What was there before, and what happened since."""

    path: str
    mode: str
    code_before: str | None
    code_after: str | None
    schema_before: str | None
    """Revision of the raw schema; None: there was none."""
    columns_before: dict[str, list[str]]
    """Tables and views of the marts, with their columns."""
    checksums_before: dict[str, str]
    airflow_before: str | None
    """Version of Airflow its metadata database was of; None: there was none."""
    state: State = State.BEGUN
    backup: str | None = None
    paused: list[str] = field(default_factory=list)
    """DAGs that are paused only until what runs has ended."""

    def save(self) -> None:
        """Write it, whole or not at all."""
        write_private(Path(self.path), json.dumps(asdict(self), indent=1))

    @property
    def metadata(self) -> Path:
        """The copy of Airflow's metadata database, made when another version of Airflow is about to change it."""
        return Path(self.path).with_suffix(".airflow.db")

    @property
    def title(self) -> str:
        """The upgrade in words."""
        return f"the upgrade {short(self.code_before)} → {short(self.code_after)}"


def new_path(root: Path, now: datetime) -> Path:
    """Return where a note of that time (UTC) is written."""
    return root / "upgrades" / f"{now.strftime(STAMP_FORMAT)}.json"


def newest(root: Path, mode: str) -> Note | None:
    """Return the newest note of a platform (demo or live) that was not taken back."""
    for path in sorted((root / "upgrades").glob("*.json"), reverse=True):
        fields = json.loads(path.read_text(encoding="utf-8"))
        note = Note(**{**fields, "path": str(path), "state": State(fields["state"])})
        if note.mode == mode and note.state is not State.TAKEN_BACK:
            return note
    return None


def short(commit: str | None) -> str:
    """Return a commit as people write it."""
    return commit[:12] if commit else "(a version nobody noted)"
