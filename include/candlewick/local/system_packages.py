"""System packages the platform stands on: looked for as files first, installed with apt only when one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Debian keeps servers here, and a plain user's PATH does not.
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


class BootstrapError(Exception):
    """The environment cannot be prepared; the text says what to do."""


def found(program: str) -> bool:
    """Whether a program is on this machine, servers' folders included."""
    return shutil.which(program, path=SYSTEM_PATH) is not None


def missing_packages(
    python: str, *, server: bool, compiler: bool, dump: bool = False, browser: bool = False
) -> list[str]:
    """Return the Debian packages whose files are not here.

    Args:
        python: the interpreter virtualenvs are made from.
        server: a private MariaDB will be started.
        compiler: Python packages are about to be built.
        dump: the warehouse will be backed up or restored.
        browser: pages will be tested in one.
    """
    need: list[str] = []
    if server and not (found("mariadbd") and found("mariadb-install-db")):
        need.append("mariadb-server-core")
    if not found("mariadb") or (server and not found("my_print_defaults")):
        need.append("mariadb-client-core")
    if dump and not found("mariadb-dump"):
        need.append("mariadb-client")
    if browser and not found("chromium"):
        need.append("chromium")
    if compiler:
        version, header, venv = _ask(python)
        if not (found("mariadb_config") or found("mysql_config")):
            need.append("libmariadb-dev")
        need += [name for name in ("pkg-config", "gcc") if not found(name)]
        if not header:
            need.append(f"python{version}-dev")
        if not venv:
            need.append(f"python{version}-venv")
    return need


def _ask(python: str) -> tuple[str, bool, bool]:
    """Return version, whether its headers and whether its venv module's parts are here."""
    code = (
        "import importlib.util as u, os, sys, sysconfig as s;"
        "print('%d.%d' % sys.version_info[:2], os.path.exists(os.path.join(s.get_path('include'), 'Python.h')),"
        " u.find_spec('ensurepip') is not None)"
    )
    out = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return out[0], out[1] == "True", out[2] == "True"


def require_system_packages(
    python: str,
    run: Callable[[Sequence[str], str], None],
    *,
    server: bool,
    compiler: bool,
    dump: bool = False,
    browser: bool = False,
) -> None:
    """Install what is missing, as root or through a sudo that asks nothing.

    Args:
        python: the interpreter virtualenvs are made from.
        run: runs a command and shows, in the words given with it, that it is at work.
        server: as in :func:`missing_packages`, like what follows.
        compiler: Python packages are about to be built.
        dump: the warehouse will be backed up or restored.
        browser: pages will be tested in one.

    Raises:
        BootstrapError: something is missing and cannot be installed from here.
    """
    missing = partial(missing_packages, python, server=server, compiler=compiler, dump=dump, browser=browser)
    need = missing()
    if not need:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *need]
    by_hand = f"sudo apt-get update && sudo {' '.join(command)}"
    prefix = _privilege()
    if prefix is None or not found("apt-get"):
        raise BootstrapError(f"these system packages are missing and installing them needs root; run: {by_hand}")
    # Through env: sudo keeps no variable of its caller, and a question from a package would wait for ever.
    prefix = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    with suppress(BootstrapError):  # one list of many that fails is no reason; a package that is not found will be
        run([*prefix, "apt-get", "-qq", "update"], "asking apt what there is")
    try:
        run([*prefix, *command, "-qq"], f"installing system packages ({' '.join(need)})")
    except BootstrapError as error:
        raise BootstrapError(f"{error}\nBy hand: {by_hand}") from None
    still = missing()
    if still:
        raise BootstrapError(f"apt-get installed {' '.join(still)}, yet the files are not found.")


def _privilege() -> list[str] | None:
    """Return the words that make a command run as root, or None."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None
