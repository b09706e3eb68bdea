"""Restore a backup into empty schemas and prove that they hold what was saved.

Killed anywhere, the same call starts over: the schemas bear a mark until they are verified. What is there already and
does not bear it is never touched.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from candlewick.pipeline.backup import manifest as files
from candlewick.pipeline.backup import programs
from candlewick.pipeline.backup.digest import Digest
from candlewick.pipeline.backup.parts import check, text
from candlewick.pipeline.backup.programs import BackupFailed
from candlewick.pipeline.backup.save import CHUNK_BYTES
from candlewick.warehouse import scratch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.pipeline.backup.manifest import Manifest, Table
    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

LOCK, PURPOSE = "restore", "restore"
_USE = re.compile(rb"USE `([^`]+)`;")


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What was restored, and that it was compared with the manifest."""

    stamp: str
    raw_schema: str
    marts_schema: str
    tables: int
    rows: int
    revision: str

    @property
    def sentence(self) -> str:
        """The summary, for people."""
        return (
            f"restored {self.stamp} into {self.raw_schema} and {self.marts_schema}: {self.tables} tables with {self.rows} "
            f"rows at revision {self.revision}, each table's rows and checksum as saved"
        )


def restore(warehouse: Warehouse, lake: Lake, name: str, now: datetime) -> RestoreSummary:
    """Restore a backup into the schemas of ``warehouse.config`` and verify it; then note that in the lake.

    Views and the tables dbt makes anew each hour are not part of it: dbt's next runs make them.

    Args:
        warehouse: an account with all rights on both schemas; its sessions need no default schema.
        lake: its backup bucket is read.
        name: the backup's stamp, or ``latest``.
        now: naive UTC; goes into the note.

    Raises:
        SchemaInUse: a schema holds tables; nothing was changed.
        LakeError: there is no such backup, or it is damaged; nothing was changed.
        BackupFailed: the server refused it, or it does not hold what was saved.
        WarehouseBusy: the server does not answer.
    """
    made = files.read(lake, name)
    for part in made.parts:  # before anything is touched: half a backup helps nobody
        check(lake, part)
    schemas = (warehouse.config.raw_schema, warehouse.config.marts_schema)
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        scratch.claim(session, schemas, PURPOSE)
        session.commit()
        _load(warehouse, lake, made)
        _verify(warehouse, session, made)
        note = {"verified_at": now, "server": _server(session), "tables": len(made.tables), "rows": made.rows}
        lake.put(lake.config.backup_bucket, f"{made.stamp}/{files.VERIFIED}", msgspec.json.encode(note))
        scratch.release(session, schemas)
    summary = RestoreSummary(made.stamp, *schemas, len(made.tables), made.rows, made.revision)
    log.info("%s", summary.sentence)
    return summary


def _load(warehouse: Warehouse, lake: Lake, made: Manifest) -> None:
    names = {made.raw_schema: warehouse.config.raw_schema, made.marts_schema: warehouse.config.marts_schema}
    with programs.client(warehouse.address) as client:
        for piece in renamed(text(lake, made), names):
            client.write(piece)


def renamed(pieces: Iterable[bytes], names: Mapping[str, str]) -> Iterator[bytes]:
    """Yield a dump's text with its schemas named otherwise.

    A line that begins with ``USE `` is never a row: rows begin with a bracket, and line ends inside of them are escaped.

    Raises:
        BackupFailed: the text uses a schema that is not among the names.
    """
    rest = b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for number, line in enumerate(lines):
            if line.startswith(b"USE ") and (found := _USE.fullmatch(line)):
                name = names.get(found[1].decode())
                if name is None:
                    raise BackupFailed(
                        f"expected the schemas {', '.join(names)} in the backup, got {found[1].decode()}"
                    )
                lines[number] = b"USE `" + name.encode() + b"`;"
        yield b"".join(line + b"\n" for line in lines)
    yield rest


def _verify(warehouse: Warehouse, session: Session, made: Manifest) -> None:
    """Compare what the schemas hold now with what was saved, by the same text of the same program."""
    raw, marts = warehouse.config.raw_schema, warehouse.config.marts_schema
    digest = Digest({raw: "raw", marts: "marts"})
    with programs.dump(
        warehouse.address, (raw, marts), [f"{schema}.{scratch.MARK}" for schema in (raw, marts)]
    ) as saved:
        while chunk := saved.read(CHUNK_BYTES):
            digest.feed(chunk)
    different = differences(made.tables, digest.tables())
    if different:
        raise BackupFailed(
            f"expected {raw} and {marts} to hold what {made.stamp} saved, but {'; '.join(different)}; "
            f"restored on {_server(session)}, saved from {made.server}: use the same make of server, or another backup"
        )


def differences(saved: Iterable[Table], found: Iterable[Table]) -> list[str]:
    """Name the tables that differ, and in what."""
    before = {(table.schema, table.name): table for table in saved}
    after = {(table.schema, table.name): table for table in found}
    said = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None or other is None:
            said.append(f"{'.'.join(key)} is only {'there' if one is None else 'in the backup'}")
        elif one.rows != other.rows:
            said.append(f"{'.'.join(key)} has {other.rows} rows instead of {one.rows}")
        elif one.checksum != other.checksum:
            said.append(f"{'.'.join(key)} has {one.rows} rows with other values")
    return said


def _server(session: Session) -> str:
    row = session.one("SELECT VERSION()")
    return str(row[0]) if row else ""
