"""``make upgrade``: from the version the platform runs to the one that is checked out, so that there is a way back.

Checked, noted, saved; Airflow comes to rest; tables, packages and marts change while nothing else runs; then all starts again.
Killed anywhere, the same command goes on: the note says what there was before the first try, every step can be done twice.
"""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from candlewick.local import code, dbt, status
from candlewick.local.database import writer
from candlewick.local.errors import LauncherError
from candlewick.local.halt import halt
from candlewick.local.preflight import preflight
from candlewick.local.progress import step
from candlewick.local.upgrade_note import Note, State, new_path, newest, short
from candlewick.pipeline.transform import TransformError, run_dbt
from candlewick.warehouse import marts, schema
from candlewick.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step

ROOM_BYTES = 1_000_000_000  # of logs, new packages and what a private server writes while tables change
# A backup is compressed text; rows of candles shrink to less than this share of their tables and indexes.
BACKUP_SHARE = 0.3
# The first revision with a ledger that backups are written into.
BACKUPS_SINCE = "0005"
FRESH_SECONDS, LOOK_EVERY_SECONDS = 300.0, 10.0


class Upgrade:
    """One run of the command.

    Args:
        platform: what to upgrade.
        wait_minutes: how long tasks that run may take to end before they are told to.
        backup: whether a backup of the warehouse is taken first.
        changed_files: whether a working tree with changes is good enough.
    """

    def __init__(
        self, platform: Platform, *, wait_minutes: float = 10, backup: bool = True, changed_files: bool = False
    ) -> None:
        self.platform, self.wait_minutes = platform, wait_minutes
        self.backup, self.changed_files = backup, changed_files
        self.warehouse = writer(platform.wiring, platform.settings)
        self.note: Note | None = None
        self.is_fresh = False

    def halt(self) -> None:
        """Do what comes before packages are exchanged: nothing of the platform runs in Python afterwards.

        Raises:
            LauncherError: a check failed, or a step; what was done by then is kept by the note.
        """
        self._run(self._halting())

    def run(self) -> bool:
        """Do all of it; return whether fresh data arrives afterwards.

        Raises:
            LauncherError: as above. `make upgrade` goes on, `make rollback` takes it back.
        """
        self._run([*self._halting(), *self._changing()])
        return self.is_fresh

    def _run(self, steps: list[tuple[str, Callable[[Step], None]]]) -> None:
        with self.platform.home.locked():
            for title, work in steps:
                with step(title) as current:
                    try:
                        work(current)
                    except (WarehouseError, TransformError) as error:
                        raise LauncherError(
                            f"{error}\nNothing else was changed. When that is settled: make upgrade goes on, make rollback takes it back."
                        ) from None

    def _halting(self) -> list[tuple[str, Callable[[Step], None]]]:
        return [
            ("Checks", self.check),
            ("Warehouse", self.platform.start_warehouse),
            ("Object store", self.platform.start_store),
            ("Where we are", self.note_where_we_are),
            ("Backup", self.save),
            ("Airflow comes to rest", self.rest),
        ]

    def _changing(self) -> list[tuple[str, Callable[[Step], None]]]:
        return [
            ("Airflow's metadata", self.keep_metadata),
            ("Exchange", self.platform.start_exchange),
            ("Schema, symbols, buckets; dbt manifest; Airflow metadata", self.platform.prepare),
            ("Models of the minute path", self.build),
            ("Airflow", self.platform.start_airflow),
            ("Pools and DAGs", self.platform.prepare_dags),
            ("Health", self.look),
        ]

    # --- before anything changes -------------------------------------------------------------------------------------

    def check(self, current: Step) -> None:
        """Look for what would leave no way back, or stop half way."""
        under_way = newest(self.platform.home.root, self.platform.mode)
        if under_way and under_way.state is State.GOING_BACK:
            raise LauncherError(f"A way back from {under_way.title} was begun; finish it first with make rollback.")
        if (changed := code.changes()) and not self.changed_files:
            raise LauncherError(
                f"{len(changed)} files are not as commit {short(code.revision())} has them ({', '.join(changed[:3])}), so no way "
                "back leads to this code; commit them, or say make upgrade CHANGED=1 if that is meant."
            )
        preflight(self.platform)
        current.result = f"{short(code.running(self.platform.home.root))} → {short(code.revision())}"

    def note_where_we_are(self, current: Step) -> None:
        """Write the note, unless a killed try has left one; only now is there something to come back to."""
        root = self.platform.home.root
        at = schema.current(self.warehouse)
        if at is not None and at not in schema.revisions():
            raise LauncherError(
                f"The warehouse is at revision {at}, which this code does not know: it is older than what ran here last; "
                "check out the newer code again, then make rollback."
            )
        self.require_room()
        note = newest(root, self.platform.mode)
        if note is None or note.state is not State.BEGUN:
            found = marts.built(self.warehouse)
            note = Note(
                path=str(new_path(root, datetime.now(UTC))),
                mode=self.platform.mode,
                code_before=code.running(root),
                code_after=None,
                schema_before=at,
                columns_before=found.columns,
                checksums_before=found.checksums,
                airflow_before=self.platform.airflow.metadata_version(),
            )
        note.code_after = code.revision()
        note.save()
        self.note = note
        current.result = f"schema {note.schema_before}, noted in {note.path}"

    def require_room(self) -> None:
        """Make sure that neither the change nor the backup fills the disk.

        Raises:
            LauncherError: it might.
        """
        needed = ROOM_BYTES
        if self.backup and self.platform.wiring.is_private("LAKE"):
            with self.warehouse.session() as session:
                row = session.one(
                    "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema IN (%s, %s)",
                    (self.platform.settings.raw_schema, self.platform.settings.marts_schema),
                )
            needed += int(float(row[0]) * BACKUP_SHARE) if row else 0
        free = shutil.disk_usage(self.platform.home.root).free
        if free < needed:
            raise LauncherError(
                f"{free / 1e9:.1f} GB are free under {self.platform.home.root} and an upgrade may need {needed / 1e9:.1f} GB; make "
                "room (docs/operations.md, disk full), or leave the backup out with make upgrade BACKUP=0."
            )

    def save(self, current: Step) -> None:
        """Have the warehouse backed up while everything still runs: it is one snapshot."""
        note = self._noted
        if not self.backup:
            current.result = "left out, as asked"
        elif note.schema_before is None:
            current.result = "there is nothing yet"
        elif note.schema_before < BACKUPS_SINCE:
            current.result = f"left out: revision {note.schema_before} has no ledger of backups; take one with make backup afterwards"
        else:
            if note.backup is None:
                note.backup = self.platform.command("candlewick.pipeline.backup", "save").splitlines()[-1]
                note.save()
            current.result = note.backup

    def rest(self, current: Step) -> None:
        """Bring Airflow to rest."""
        halt(self.platform, self._noted, current, wait_minutes=self.wait_minutes)

    # --- the change --------------------------------------------------------------------------------------------------

    def keep_metadata(self, current: Step) -> None:
        """Copy Airflow's metadata database where another version of Airflow is about to change it."""
        airflow, copy = self.platform.airflow, self._noted.metadata
        if self._noted.airflow_before and airflow.needs_migration() and airflow.metadata.exists() and not copy.exists():
            airflow.copy_metadata(copy)
            current.result = f"copied to {copy}"
        else:
            current.result = "stays as it is"

    def build(self, current: Step) -> None:
        """Run the models that candles depend on: columns they gained are added here, what is refused is known here."""
        settings, account = self.platform.settings, self.platform.wiring.account("WAREHOUSE_TRANSFORM")
        done = run_dbt(
            ["run", "--selector", "minute"], dbt.environment(settings, account), name="minute", config=settings
        )
        current.result = done.sentence

    def look(self, current: Step) -> None:
        """Wait for fresh data; from here on the upgrade is done, and a finding is one of the platform."""
        code.note_running(self.platform.home.root, code.revision())
        self._noted.state = State.FINISHED
        self._noted.save()
        deadline = time.monotonic() + FRESH_SECONDS
        self.is_fresh, findings = status.data(self.platform)
        while not self.is_fresh and time.monotonic() < deadline:
            current.now(findings.splitlines()[0] if findings else "waiting for fresh data")
            time.sleep(LOOK_EVERY_SECONDS)
            self.is_fresh, findings = status.data(self.platform)
        current.result = findings

    @property
    def _noted(self) -> Note:
        if self.note is None:
            raise LauncherError("The upgrade's note is missing; run make upgrade from its beginning.")
        return self.note
