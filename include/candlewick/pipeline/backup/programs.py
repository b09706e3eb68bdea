"""The server's own programs as children of ours: the dump that is read, the client that is fed.

They speak both engines' language. Passwords travel in the environment, which only this user can read; nobody's own
option file has a say.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from candlewick.warehouse.database import DEADLOCK, LOCK_WAIT_TIMEOUT, SERVER_GONE, WarehouseBusy, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from candlewick.warehouse.database import Address

DUMP, CLIENT = "mariadb-dump", "mariadb"
PACKAGE = "mariadb-client"
PACKET = "64M"
# A table that was altered, swapped or dropped after the snapshot was taken: the next snapshot has it as it is then.
REDEFINED = {1412, 1146, 1684}
PASSING = SERVER_GONE | REDEFINED | {LOCK_WAIT_TIMEOUT, DEADLOCK}
_CODE = re.compile(r"(?:[Ee]rror:? |\()(\d{4})\b")
KEPT_BYTES = 2000


class BackupFailed(WarehouseError):
    """A backup could not be made or restored; the message says what to do."""


@contextmanager
def dump(address: Address, schemas: Sequence[str], left_out: Sequence[str]) -> Iterator[IO[bytes]]:
    """Open the text of one consistent snapshot of schemas; the end of the block fails when the dump did.

    Rows come one a line. No schema is created and no table dropped by it.

    Args:
        address: whose rights it has: SELECT on all tables is enough.
        schemas: their base tables, all in one transaction.
        left_out: ``schema.table`` of what is not wanted; views have to be named here.

    Raises:
        WarehouseBusy: a table was redefined meanwhile, or the server does not answer.
        BackupFailed: the program is missing, or anything else it says.
    """
    argv = [
        *_start(DUMP, address), "--single-transaction", "--quick", "--hex-blob", "--skip-triggers", "--no-tablespaces",
        "--no-create-db", "--skip-add-drop-table", "--skip-comments",
        *(f"--ignore-table={name}" for name in left_out), "--databases", *schemas,
    ]  # fmt: skip
    with _running(argv, address, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("expected the pipe that was asked for")
        yield process.stdout


@contextmanager
def client(address: Address) -> Iterator[IO[bytes]]:
    """Open a client that runs what is written to it and stops at the first error.

    Raises:
        WarehouseBusy: the server does not answer.
        BackupFailed: the program is missing, or the server refused a statement.
    """
    argv = [*_start(CLIENT, address), "--batch", "--binary-mode"]
    with _running(argv, address, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        if process.stdin is None:
            raise RuntimeError("expected the pipe that was asked for")
        yield process.stdin


def version(program: str = DUMP) -> str:
    """Return what a program says of itself."""
    done = subprocess.run([_path(program), "--version"], capture_output=True, text=True, check=True)  # noqa: S603  # ours
    return done.stdout.strip().replace(_path(program), program)


def _path(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise BackupFailed(f"the program {program} is not on this machine; install it: apt-get install {PACKAGE}")
    return path


def _start(program: str, address: Address) -> list[str]:
    return [
        _path(program), "--no-defaults", "--protocol=tcp", f"--host={address.host}", f"--port={address.port}",
        f"--user={address.user}", "--default-character-set=utf8mb4", f"--max-allowed-packet={PACKET}",
    ]  # fmt: skip


@contextmanager
def _running(argv: list[str], address: Address, *, stdin: int, stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the time of a block; what it says against us is told when the block is over, or broke off."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  # our words; the password is none of them
            argv, stdin=stdin, stdout=stdout, stderr=said, env={**os.environ, "MYSQL_PWD": address.password}, bufsize=1 << 20
        )  # fmt: skip
        try:
            try:
                yield process
                if process.stdin:
                    process.stdin.close()
            except BrokenPipeError:
                process.wait()  # it ended before all was written, and says why
            if code := process.wait():
                said.seek(0)
                raise _failure(argv[0], code, said.read(KEPT_BYTES).decode(errors="replace").strip())
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe:
            pipe.close()
    except BrokenPipeError:
        pass  # what was not written is of no use to a program that has ended


def _failure(path: str, code: int, said: str) -> WarehouseError:
    said = " ".join(said.split())
    program = os.path.basename(path)  # noqa: PTH119  # a name, not a path
    codes = {int(found) for found in _CODE.findall(said)}
    if codes & PASSING:
        return WarehouseBusy(f"{program} ended with code {code} ({said}); it will be tried again")
    return BackupFailed(
        f"{program} ended with code {code} ({said or 'it said nothing'}); correct that and start it again"
    )
