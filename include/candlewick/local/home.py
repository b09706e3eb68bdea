"""Where local state lives: everything under one folder, so that removing it removes all."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.local.errors import LauncherError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)  # noqa: PTH105 - both names are needed
    except BaseException:
        os.unlink(name)  # noqa: PTH108 - likewise
        raise


@dataclass(frozen=True)
class Home:
    """The folders of one ``CANDLEWICK_HOME``.

    Simulated and real candles never share a database: data lives under the name of the exchange it came from
    (``demo`` or ``live``).
    """

    root: Path
    mode: str

    @property
    def data(self) -> Path:
        """Databases and objects of this mode."""
        return self.root / "data" / self.mode

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.data / "airflow"

    @property
    def logs(self) -> Path:
        """One log per service."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Records of what was started."""
        return self.root / "run"

    @property
    def bin(self) -> Path:
        """Commands of ``make shell``."""
        return self.root / "bin"

    @property
    def secrets(self) -> Path:
        """Generated passwords and keys, readable by the owner only."""
        return self.root / "secrets"

    @property
    def manifest(self) -> Path:
        """The dbt manifest that DAGs are rendered from."""
        return self.root / "dbt" / "manifest.json"

    def make(self) -> None:
        """Create the folders."""
        for folder in (self.data, self.logs, self.run, self.bin, self.airflow):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one launcher at a time start or stop things."""
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LauncherError(f"Another launcher is at work on {self.root}; wait for it to finish.") from None
            yield


NAMES = ("database_writer", "database_transformer", "database_reader", "s3_key", "s3_secret")
AIRFLOW_NAMES = ("airflow_admin", "airflow_viewer", "jwt_secret", "api_secret")


@dataclass(frozen=True)
class Credentials:
    """Passwords and keys of the private services, generated once."""

    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @classmethod
    def load(cls, home: Home) -> Credentials:
        """Read them, generating those that do not exist yet."""
        path = home.secrets / "credentials.json"
        values: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing = [name for name in (*NAMES, *AIRFLOW_NAMES, "fernet_key") if name not in values]
        for name in missing:
            values[name] = _fernet_key() if name == "fernet_key" else secrets.token_urlsafe(12)
        if missing:
            write_private(path, json.dumps(values, indent=1))
        return cls(values)


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
