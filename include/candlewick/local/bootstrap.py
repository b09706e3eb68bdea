"""From a bare machine to the two virtualenvs, then on to the launcher: ``python3 -m candlewick.local.bootstrap demo``.

Runs under the system's Python with nothing but the standard library, because nothing else is there yet. When all is in
place it does nothing but compare two hashes. ``bootstrap python …`` runs the Airflow environment's Python instead of a
launcher command; ``--dev`` adds the test and lint tools first, ``--browser`` these and a browser to test pages in.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.local import env_file, removal
from candlewick.local.system_packages import BootstrapError, require_system_packages

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = env_file.REPOSITORY
UV_VERSION = "0.13.8"
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
# Commands that look at or end what runs: with no environment there is nothing of the kind, and none is made for them.
WITHOUT_INSTALL = ("down", "status", "logs", "clean")
# Commands that start mariadb-dump; of all the others no machine needs it.
WITH_DUMP = ("backup", "restore")
STAMP = ".candlewick-stamp"


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(text, flush=True)


def home() -> Path:
    """Return the folder of all local state."""
    return (REPOSITORY / Path(env_file.value("CANDLEWICK_HOME") or ".candlewick").expanduser()).resolve()


def suitable_python() -> str:
    """Return a Python that the pinned requirements support, this one when it is."""
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return sys.executable
    for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        if path := shutil.which(f"python3.{minor}"):
            return path
    raise BootstrapError(
        f"Python 3.{OLDEST_PYTHON[1]} to 3.{NEWEST_PYTHON[1]} is needed and python3 is {sys.version.split()[0]}; "
        "install one of them or run make with PYTHON=/path/to/python3.11."
    )


def run(argv: Sequence[str | Path], what: str, log: Path) -> None:
    """Run a step, its output in ``log``, a dot each few seconds on the terminal so that a long step is seen to live."""
    say(f"  {what} …")
    started = time.monotonic()
    # A virtualenv that happens to be active in the person's shell must not draw uv to itself.
    env = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}
    with log.open("ab") as sink:
        begins = sink.tell()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=env)
        while True:
            try:
                code = process.wait(timeout=10)
                break
            except subprocess.TimeoutExpired:
                say(f"    still {what}, {time.monotonic() - started:.0f} s")
    if code:
        tail = "\n".join(log.read_bytes()[begins:].decode(errors="replace").splitlines()[-15:])
        raise BootstrapError(f"{tail}\n{what} failed with exit code {code}; the whole output is in {log}.")


def fingerprint(files: list[Path], *more: str) -> str:
    """Return a hash of what an environment is made from."""
    digest = hashlib.sha256("\0".join((UV_VERSION, *more)).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Environment:
    """One virtualenv: where it is, what it is made from and whether it is as it should be."""

    def __init__(self, name: str, requirements: list[Path], *, package: bool) -> None:
        self.name = name
        self.folder = home() / "venvs" / name
        self.requirements = requirements
        self.package = package
        self.stamp = self.folder / STAMP

    @property
    def python(self) -> Path:
        """Path of its interpreter."""
        return self.folder / "bin" / "python"

    def wanted(self) -> str:
        """Return the hash it has when nothing is to be done."""
        # What follows in that file are rules for tools; they change often and install nothing.
        package = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.ruff")[0]
        return fingerprint(self.requirements, suitable_python(), str(REPOSITORY), package if self.package else "")

    def ready(self) -> bool:
        """Whether it was made from exactly these requirements."""
        return self.python.exists() and self.stamp.is_file() and self.stamp.read_text() == self.wanted()

    def works(self) -> bool:
        """Whether the launcher can be imported: what an interrupted installation left has no stamp, perhaps no packages."""
        if self.stamp.is_file() or not self.python.exists():
            return self.python.exists()
        attempt = [str(self.python), "-c", "import candlewick.local.cli"]
        env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(attempt, env=env, capture_output=True, check=False).returncode == 0

    def make(self, uv: Path, log: Path) -> None:
        """Create it or bring it up to date: exactly the pinned packages, no more."""
        self.stamp.unlink(missing_ok=True)
        if not self.python.exists():
            shutil.rmtree(self.folder, ignore_errors=True)  # what an interrupted run left
            run([uv, "venv", "--python", suitable_python(), self.folder], f"creating the {self.name} environment", log)
        sync = [
            str(uv),
            "pip",
            "sync",
            "--python",
            str(self.python),
            "--compile-bytecode",
            # What builds a package that publishes no wheel is pinned like the rest.
            "--build-constraints",
            str(REPOSITORY / "requirements.txt"),
            *map(str, self.requirements),
        ]
        if self.package:
            # Together with the rest, so that it is never away while a running platform's tasks import it.
            editable = self.folder.with_name("candlewick.txt")
            editable.write_text(f"-e {REPOSITORY}\n", encoding="utf-8")
            sync.append(str(editable))
        run(sync, f"installing the packages of the {self.name} environment", log)
        self.stamp.write_text(self.wanted())


def airflow_environment(*, dev: bool) -> Environment:
    """Return the Airflow environment; test tools, once asked for, stay in it."""
    pinned, tools = REPOSITORY / "requirements.txt", REPOSITORY / "requirements-dev.txt"
    kept = home() / "venvs" / ".with-dev-tools"
    if dev:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch()
    return Environment("airflow", [pinned, tools] if kept.exists() else [pinned], package=True)


def uv_command(log: Path) -> Path:
    """Return the pinned uv, installed with pip into its own virtualenv at first."""
    folder = home() / "venvs" / "tools"
    uv, stamp = folder / "bin" / "uv", folder / STAMP
    if not (uv.exists() and stamp.is_file() and stamp.read_text() == UV_VERSION):
        run([suitable_python(), "-m", "venv", "--clear", folder], "creating the tools environment", log)
        run([folder / "bin" / "pip", "install", "--quiet", f"uv=={UV_VERSION}"], f"installing uv {UV_VERSION}", log)
        stamp.write_text(UV_VERSION)
    return uv


def prepare(*, dev: bool, dump: bool = False, browser: bool = False) -> Environment:
    """Make both environments, one launcher at a time, and return the Airflow one."""
    folder = home()
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "venvs").mkdir(exist_ok=True)
    log = folder / "logs" / "bootstrap.log"
    with (folder / "venvs" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        airflow = airflow_environment(dev=dev)
        dbt = Environment("dbt", [REPOSITORY / "dbt_project" / "requirements.txt"], package=False)
        stale = [environment for environment in (airflow, dbt) if not environment.ready()]
        require_system_packages(
            suitable_python(),
            lambda argv, what: run(argv, what, log),
            server=env_file.value("AIRFLOW_CONN_WAREHOUSE") is None,
            compiler=airflow in stale,
            dump=dump or dev,  # tests save and restore
            browser=browser,
        )
        if stale:
            say(f"Preparing virtualenvs under {folder / 'venvs'} (once; then only when requirements change)")
            uv = uv_command(log)
            for environment in stale:
                environment.make(uv, log)
    return airflow


def without_installation(command: str, options: list[str]) -> int:
    """Do what one of the commands that install nothing can do where no launcher is installed.

    Raises:
        BootstrapError: services were started from here, and what could stop them is not there.
    """
    folder = home()
    if any((folder / "run").glob("*.json")):
        raise BootstrapError(
            f"services were started under {folder}, but the installation there was interrupted; "
            "complete it with make shell CMD=true, then try again."
        )
    if command == "clean" and folder.is_dir():
        everything = "--all" in options
        if not removal.confirmed(folder, yes="--yes" in options, everything=everything):
            return 1
        removal.remove(folder, everything=everything)
        say(f"Removed {removal.what(everything=everything)}.")
        return 0
    say(f"Nothing is installed under {folder}, so nothing runs.")
    return 1 if command == "status" else 0


def halt(environment: Environment, command: list[str]) -> None:
    """Bring a platform to rest before its packages are exchanged: tasks import them.

    Raises:
        BootstrapError: it was not brought to rest; it told why.
    """
    if environment.ready() or not environment.works():
        return
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    argv = [str(environment.python), "-m", "candlewick.local", *command, "--halt"]
    if subprocess.run(argv, env=env, check=False).returncode:
        raise BootstrapError(
            "the platform was not brought to rest, and no package was exchanged; make upgrade goes on."
        )


def become(argv: list[str]) -> int:  # noqa: RET503 - exec does not return
    """Prepare what is missing and become the command asked for."""
    browser = argv[:1] == ["--browser"]
    dev = browser or argv[:1] == ["--dev"]
    command = argv[1:] if dev else argv
    os.environ["CANDLEWICK_HOME"] = str(home())
    if command[:1] and command[0] in WITHOUT_INSTALL:
        environment = airflow_environment(dev=False)
        if not environment.works():
            return without_installation(command[0], command[1:])
    else:
        environment = prepare(dev=dev, dump=command[:1] != [] and command[0] in WITH_DUMP, browser=browser)
    os.environ.pop("PYTHONPATH", None)  # the package is installed; children must not see the repository twice
    rest = command[1:] if command[:1] == ["python"] else ["-m", "candlewick.local", *command]
    os.execv(environment.python, [str(environment.python), *rest])  # noqa: S606 - becoming the command is the point


def main(argv: list[str]) -> int:
    """Become the command; what is in the way is told in a sentence."""
    try:
        return become(argv)
    except BootstrapError as error:
        say(f"error: {error}")
    except OSError as error:
        said = f"{error.strerror}: {error.filename}; all local state lives under {home()} (CANDLEWICK_HOME), which has to be writable"
        say(f"error: {said if error.filename else error}")
    return 1


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
