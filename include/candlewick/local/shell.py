"""``make shell``: airflow, dbt, sqlfluff and mysql talk to the running platform, in a shell or for one command."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING

from candlewick.local.home import write_private
from candlewick.local.system_packages import SYSTEM_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from candlewick.local.platform import Platform

# Command of the shell → account it speaks as.
MYSQL_COMMANDS = {"mysql": "WAREHOUSE_READ", "mysql-writer": "WAREHOUSE", "mysql-transformer": "WAREHOUSE_TRANSFORM"}


def prepare(platform: Platform) -> None:
    """Write the commands of the shell into ``bin`` under the home folder."""
    home = platform.home
    client = shutil.which("mariadb", path=SYSTEM_PATH) or shutil.which("mysql", path=SYSTEM_PATH)
    for command, connection in MYSQL_COMMANDS.items():
        account = platform.wiring.account(connection)
        schema = platform.settings.raw_schema if connection == "WAREHOUSE" else platform.settings.marts_schema
        options = home.secrets / f"{command}.cnf"
        # A file and not arguments: those can be read by every user of the machine.
        write_private(
            options,
            f"[client]\nhost={account.host}\nport={account.port}\nuser={account.user}\npassword={_quoted(account.password)}\n"
            f"default-character-set=utf8mb4\n[mysql]\ndatabase={schema}\nlocal-infile=1\n",
        )
        missing = 'echo "mysql: no client on this machine; apt-get install mariadb-client-core" >&2; exit 127'
        start = f'exec {shlex.quote(client)} --defaults-file={shlex.quote(str(options))} "$@"' if client else missing
        _script(home.bin / command, start)
    # In a folder of its own: dbt would write into the project's, and makes dbt_packages wherever it is started.
    own = home.manifest.parent / "shell"
    own.mkdir(parents=True, exist_ok=True)
    places = f"export DBT_TARGET_PATH={shlex.quote(str(own / 'target'))} DBT_LOG_PATH={shlex.quote(str(own / 'logs'))}"
    start = f'cd {shlex.quote(str(own))} && exec {shlex.quote(str(platform.settings.dbt))} "$@"'
    _script(home.bin / "dbt", f"{places}\n{start}")
    sqlfluff = platform.settings.dbt.with_name("sqlfluff")
    _script(home.bin / "sqlfluff", f'exec {shlex.quote(str(sqlfluff))} "$@"')


def environment(platform: Platform) -> dict[str, str]:
    """Return the environment of the shell: the platform's, with its commands first on the PATH.

    Airflow itself does not get these: Cosmos takes a ``dbt`` that turns up on its PATH for one it should use.
    """
    prepare(platform)
    return {**platform.environment, "PATH": os.pathsep.join((str(platform.home.bin), platform.environment["PATH"]))}


def enter(platform: Platform, command: str | None) -> int:
    """Become a shell, or one command of it."""
    env = environment(platform)
    shell = env.get("SHELL") or "/bin/sh"
    if command is not None:
        os.execve("/bin/sh", ["/bin/sh", "-c", command], env)  # noqa: S606 - becoming the command is the point
    env["PS1"] = r"(candlewick) \w \$ "
    # Start-up files of the person's shell may put other programs first on the PATH; these commands are why it is opened.
    plain = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"]}.get(os.path.basename(shell), [])  # noqa: PTH119 - a name, not a path
    os.execve(shell, [shell, *plain], env)  # noqa: S606 - likewise


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
