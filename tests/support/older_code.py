"""The code of before, taken out of git: it runs beside ours on the same servers."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

from candlewick.pipeline.dbt_project import profile
from support.places import DBT, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from candlewick.settings import Settings

VERSIONS = "include/candlewick/warehouse/migrations/versions"
JOB = "import json, sys; from support import actor; print(json.dumps(actor.main(json.loads(sys.stdin.read()))))"


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(REPOSITORY), *words], check=True, capture_output=True).stdout


def commit_before(revision: str) -> str:
    """Return the last commit without that revision of the schema; empty where no history says."""
    if not shutil.which("git") or not (REPOSITORY / ".git").exists():
        return ""
    (path,) = (REPOSITORY / VERSIONS).glob(f"{revision}_*.py")
    added = git("log", "--diff-filter=A", "--format=%H", "--", str(path)).decode().split()
    return git("rev-parse", f"{added[-1]}^").decode().strip() if added else ""


class OlderCode:
    """A commit in a folder of its own: its extract and load as processes, its dbt project."""

    def __init__(self, commit: str, folder: Path) -> None:
        self.folder = folder
        with tarfile.open(
            fileobj=io.BytesIO(git("archive", commit, "include", "dbt_project", "tests/support"))
        ) as tree:
            tree.extractall(folder, filter="data")

    def cycle(
        self, database: object, object_store: object, exchange: str, config: Settings, symbols: list[str]
    ) -> None:
        """Do one cycle of the minute path."""
        given = config.model_dump(mode="json") | {"dbt_project_dir": str(self.folder / "dbt_project")}
        job = {
            "failpoint": {}, "settings": given, "exchange": exchange, "symbols": symbols,
            "database": f"{database.host}:{database.port}:{database.user}:{database.password}",
            "object_store": object_store.port,
        }  # fmt: skip
        for step in ("extract", "load"):
            said = self._run([sys.executable, "-c", JOB], json.dumps({**job, "step": step}), {})
            assert "error" not in json.loads(said.splitlines()[-1]), said
        self.dbt(database, config, "run", "--selector", "minute")

    def dbt(self, database: object, config: Settings, *arguments: str) -> None:
        project = str(self.folder / "dbt_project")
        places = ["--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")]
        self._run(
            [str(DBT), "--quiet", *arguments, "--project-dir", project, "--profiles-dir", project, *places], "",
            profile(database, config),
        )  # fmt: skip

    def _run(self, argv: list[str], given: str, environment: dict[str, str]) -> str:
        path = os.pathsep.join(str(self.folder / part) for part in ("tests", "include"))
        done = subprocess.run(
            argv, input=given, capture_output=True, text=True, check=False, cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout
