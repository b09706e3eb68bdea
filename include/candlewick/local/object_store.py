"""The private S3 endpoint (rclone over a folder), or the check of one from outside."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.local import checks
from candlewick.local.errors import ProgramMissing
from candlewick.local.processes import Service
from candlewick.local.wiring import LOOPBACK

if TYPE_CHECKING:
    from candlewick.local.home import Credentials, Home
    from candlewick.settings import Settings


class PrivateStore:
    """A folder served as S3 on loopback."""

    def __init__(self, home: Home, settings: Settings, credentials: Credentials) -> None:
        self.home, self.settings, self.credentials = home, settings, credentials
        self.folder = home.data / "s3"

    def service(self) -> Service:
        """Return the server; its keys travel in the environment, where other users of the machine cannot read them."""
        rclone = Path(sys.prefix) / "bin" / "rclone"
        if not rclone.exists():
            raise ProgramMissing(f"{rclone} is missing; delete {sys.prefix} and run make again, which installs it.")
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [str(rclone), "serve", "s3", str(self.folder), "--addr", f"{LOOPBACK}:{self.settings.s3_port}"]
        argv += ["--config", os.devnull, "--cache-dir", str(self.home.data / "s3-cache")]
        keys = f'"{self.credentials["s3_key"]},{self.credentials["s3_secret"]}"'
        return Service("s3", argv, {**os.environ, "RCLONE_AUTH_KEY": keys}, self.settings.s3_port)

    def ready(self) -> bool:
        """Whether it listens."""
        return checks.answers(LOOPBACK, self.settings.s3_port)
