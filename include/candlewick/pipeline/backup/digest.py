"""What a dump holds, read off its text as it goes by: rows, bytes and a checksum of each table.

The checksum is the sum of the rows' hashes, so it depends on no order; a restored table has the same rows when a dump
of it has the same sum. It is taken from the text the server wrote: nothing else has to read the tables once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from candlewick.pipeline.backup.manifest import Table
from candlewick.pipeline.backup.programs import BackupFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH_BYTES = 16
_NAME = rb"`((?:[^`]|``)+)`"
_USE = re.compile(rb"USE " + _NAME + rb";")
_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + _NAME)
_INSERT = re.compile(rb"INSERT INTO " + _NAME + rb"(?: \(.*\))? VALUES ?")


@dataclass(slots=True)
class _Counted:
    rows: int = 0
    size: int = 0
    total: int = 0


class Digest:
    """Is fed the bytes of a dump in order.

    Args:
        roles: schema as the dump names it → ``raw`` or ``marts``.
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._roles = roles
        self._tables: dict[tuple[str, str], _Counted] = {}
        self._schema = ""
        self._inside: _Counted | None = None
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Read on.

        Raises:
            BackupFailed: it is no dump as ``programs.dump`` makes it.
        """
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if self._inside is None:
                self._statement(line)
                continue
            table = self._inside
            table.rows += 1
            table.size += len(line)
            table.total += int.from_bytes(blake2b(line[:-1], digest_size=HASH_BYTES).digest(), "big")
            if line.endswith(b";"):  # the other rows end with a comma
                self._inside = None

    def tables(self) -> tuple[Table, ...]:
        """Return what was seen, in the order of names; the dump is over."""
        if self._inside is not None or self._rest:
            raise BackupFailed(
                "expected the end of a dump after the end of a statement; it was cut off, start it again"
            )
        return tuple(
            Table(schema=role, name=name, rows=one.rows, bytes=one.size, checksum=_hex(one.total))
            for (role, name), one in sorted(self._tables.items())
        )

    def _statement(self, line: bytes) -> None:
        if found := _USE.fullmatch(line):
            name = found[1].decode()
            if name not in self._roles:
                raise BackupFailed(f"expected a dump of {', '.join(self._roles)}, got one of the schema {name}")
            self._schema = self._roles[name]
        elif found := _CREATE.match(line):
            self._tables.setdefault((self._schema, found[1].decode()), _Counted())
        elif found := _INSERT.match(line):
            if found.end() != len(line):
                raise BackupFailed("expected one row a line in the dump; use mariadb-dump 10.11 or newer")
            self._inside = self._tables.setdefault((self._schema, found[1].decode()), _Counted())


def _hex(total: int) -> str:
    return (total % (1 << 8 * HASH_BYTES)).to_bytes(HASH_BYTES, "big").hex()
