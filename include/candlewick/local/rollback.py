"""``make rollback``: what the last upgrade changed is taken back, under the newer code, which alone knows how.

Afterwards nothing of the platform runs, and one sentence says what to check out. What the newer version's tables of the raw
schema hold is set aside in it and comes back with the next upgrade; what its dbt project built is dropped and built again then.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from candlewick.local.database import writer
from candlewick.local.errors import LauncherError
from candlewick.local.halt import halt
from candlewick.local.progress import console, step
from candlewick.local.shutdown import stop_all
from candlewick.local.upgrade_note import Note, State, newest
from candlewick.warehouse import marts, schema
from candlewick.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step


class Rollback:
    """One run of the command. Killed anywhere, the same again goes on.

    Args:
        platform: what to take back.
        wait_minutes: how long tasks that run may take to end before they are told to.
    """

    def __init__(self, platform: Platform, *, wait_minutes: float = 10) -> None:
        self.platform, self.wait_minutes = platform, wait_minutes
        self.warehouse = writer(platform.wiring, platform.settings)
        self.note = self._find()

    def run(self) -> Note:
        """Do it; return the note of what was taken back.

        Raises:
            LauncherError: a step failed.
        """
        with self.platform.home.locked():
            self.note.state = State.GOING_BACK
            self.note.save()
            for title, work in self._steps():
                with step(title) as current:
                    try:
                        work(current)
                    except WarehouseError as error:
                        raise LauncherError(f"{error}\nWhen that is settled, make rollback goes on.") from None
            stop_all(self.platform.processes, self.platform.settings.stop_grace_seconds)
            self.note.state = State.TAKEN_BACK
            self.note.save()
        before = self.note.code_before
        checkout = f"git checkout {before}" if before else "check out the version you came from (nobody noted it)"
        console.print(f"{self.note.title} is taken back. Now: {checkout} && make up", markup=False, soft_wrap=True)
        return self.note

    def _find(self) -> Note:
        note = newest(self.platform.home.root, self.platform.mode)
        if note is None:
            raise LauncherError(
                f"No upgrade is noted under {self.platform.home.root / 'upgrades'}, so there is nothing to take back; only make "
                "upgrade leaves such a note."
            )
        if note.schema_before is None:
            raise LauncherError(
                "There was no warehouse before the last upgrade, so there is nothing to go back to; make clean removes this one."
            )
        return note

    def _steps(self) -> list[tuple[str, Callable[[Step], None]]]:
        return [
            ("Warehouse", self.platform.start_warehouse),
            ("Airflow comes to rest", self.rest),
            ("What dbt added", self.marts),
            ("Schema", self.schema),
            ("Airflow's metadata", self.metadata),
        ]

    def rest(self, current: Step) -> None:
        """Bring Airflow to rest."""
        halt(self.platform, self.note, current, wait_minutes=self.wait_minutes)

    def marts(self, current: Step) -> None:
        """Take out the models and columns that were not there."""
        before = marts.Built(self.note.columns_before, self.note.checksums_before)
        gone = marts.take_back(self.warehouse, before, self.models())
        current.result = f"dropped {', '.join(gone)}" if gone else "nothing"

    def models(self) -> dict[str, list[str]]:
        """Return the models of this version with their columns; none when it never came to write its manifest."""
        manifest = self.platform.home.manifest
        if not manifest.is_file():
            return {}
        nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
        return {node["name"]: list(node["columns"]) for node in nodes if node["resource_type"] == "model"}

    def schema(self, current: Step) -> None:
        """Go back to the revision there was."""
        before = str(self.note.schema_before)
        current.result = f"at revision {schema.downgrade(self.warehouse, before)}"

    def metadata(self, current: Step) -> None:
        """Put Airflow's metadata back where another version of Airflow has changed it."""
        airflow, copy, before = self.platform.airflow, self.note.metadata, self.note.airflow_before
        if before and copy.is_file() and airflow.metadata_version() != before:
            airflow.restore_metadata(copy, before)
            current.result = f"as Airflow {before} left it; runs since then are not in it"
        else:
            current.result = "stays as it is"
