"""The launcher's commands, as ``make`` calls them: ``python -m candlewick.local <command>``."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from dotenv import load_dotenv
from pydantic import ValidationError

from candlewick.local import env_file, removal, safekeeping, shell, status
from candlewick.local.addresses import addresses
from candlewick.local.errors import LauncherError, NoLog
from candlewick.local.first_backfill import start_first_backfill
from candlewick.local.first_marts import start_first_marts
from candlewick.local.landed import show_landed, wait_for_data
from candlewick.local.platform import DEMO, LIVE, Platform, base_environment
from candlewick.local.progress import console, error_console, step
from candlewick.local.rollback import Rollback
from candlewick.local.upgrade import Upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130  # what shells report of a program that Ctrl-C ended
WAIT_MINUTES = 10.0
# Three days and today of the demo; where it takes longer, the next hour has the rest.
HISTORY_TAKES = timedelta(seconds=60)


def start(mode: str) -> int:
    """Start the platform, wait for its first data, show it."""
    platform = Platform.create(mode, base_environment())
    platform.up()
    if "market_minute" in platform.airflow.dags():
        with step("First data") as current:
            wait_for_data(platform, current)
        if mode == DEMO:
            with step("History") as current:
                start_first_backfill(platform, current)
        with step("Marts") as current:
            start_first_marts(platform, current, HISTORY_TAKES if mode == DEMO else timedelta())
        show_landed(platform)
    for name, address, remark in addresses(platform):
        console.print(f"{name:<10} {address}  [dim]({remark})[/]", soft_wrap=True)
    console.print("Shell      make shell    [dim](airflow, dbt and mysql talk to this platform)[/]")
    console.print("Stop       make down")
    return 0


def down() -> int:
    """Stop everything."""
    Platform.create(None, base_environment()).down()
    return 0


def upgrade(options: argparse.Namespace) -> int:
    """Bring the platform that was started last to the code that is checked out; fail when no fresh data arrives then."""
    run = Upgrade(
        Platform.create(None, base_environment()),
        wait_minutes=options.wait,
        backup=options.backup,
        changed_files=options.changed,
    )
    if options.halt:
        run.halt()
        return 0
    if run.run():
        console.print("Upgraded. The way back: make rollback")
        return 0
    error_console.print(
        "error: upgraded, but fresh data stays away; make status tells why. The way back: make rollback"
    )
    return 1


def rollback(options: argparse.Namespace) -> int:
    """Take the last upgrade back; nothing runs afterwards."""
    Rollback(Platform.create(None, base_environment()), wait_minutes=options.wait).run()
    return 0


def show_status() -> int:
    """Show all services, and how the data is once all of them run; fail when one is not well, or fresh data stays away."""
    platform = Platform.create(None, base_environment())
    found = status.lines(platform)
    console.print(status.table(found, f"{platform.mode} platform in {platform.home.root}"))
    if not all(line.well for line in found):
        return 1
    fresh, findings = status.data(platform)
    console.print(f"Data       {findings}", markup=False, soft_wrap=True)
    return 0 if fresh else 1


def show_logs(service: str | None) -> int:
    """Show the last lines of the logs, followed in a terminal."""
    folder = Platform.create(None, base_environment()).home.logs
    logs = sorted(folder.glob("*.log"))
    if service:
        logs = [log for log in logs if log.stem == service]
    if not logs:
        known = ", ".join(sorted(log.stem for log in folder.glob("*.log"))) or "none, nothing was started yet"
        raise NoLog(f"There is no log of {service or 'any service'}; the logs there are: {known}.")
    follow = ["-F"] if sys.stdout.isatty() else []
    sys.stdout.flush()
    os.execvp("tail", ["tail", "-n", "30", *follow, *map(str, logs)])  # noqa: S606 - becoming the command is the point


def clean(*, yes: bool, everything: bool) -> int:
    """Stop everything and remove data and logs; the virtualenvs too when asked to."""
    platform = Platform.create(None, base_environment())
    if not removal.confirmed(platform.home.root, yes=yes, everything=everything):
        return 1
    platform.down()
    removal.remove(platform.home.root, everything=everything)
    console.print(f"Removed {removal.what(everything=everything)}.")
    return 0


def backup() -> int:
    """Save the warehouse of the running platform."""
    return safekeeping.run(Platform.create(None, base_environment()), "candlewick.pipeline.backup", ["save"])


def restore(options: argparse.Namespace) -> int:
    """Restore a backup into this platform's database, or beside it."""
    mode = safekeeping.mode_to_restore(options.mode)
    platform = Platform.create(mode, base_environment())
    return safekeeping.restore(platform, options.name, options.raw_schema, options.marts_schema)


def drill(options: argparse.Namespace) -> int:
    """Rebuild a span of days beside the running platform's, and compare."""
    words = [f"--from={options.start}", f"--to={options.end}", f"--symbols={options.symbols}"]
    words += ["--keep"] if options.keep else []
    return safekeeping.run(Platform.create(None, base_environment()), "candlewick.pipeline.drill", words)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m candlewick.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("demo", "on the simulated exchange"), ("up", "on the real exchange")):
        commands.add_parser(name, help=f"start the platform {text}")
    commands.add_parser("down", help="stop it")
    commands.add_parser("status", help="show its services")
    commands.add_parser("logs", help="show logs").add_argument("service", nargs="?")
    commands.add_parser("shell", help="a shell that talks to it").add_argument("-c", dest="line", metavar="COMMAND")
    commands.add_parser("backup", help="save the warehouse into the lake")
    back = commands.add_parser("restore", help="restore a backup into empty schemas and verify it")
    back.add_argument("name")
    back.add_argument("--mode", choices=safekeeping.MODES)
    back.add_argument("--raw-schema", default="")
    back.add_argument("--marts-schema", default="")
    again = commands.add_parser("drill", help="rebuild days from the lake beside the live ones, and compare")
    again.add_argument("--from", dest="start", default="")
    again.add_argument("--to", dest="end", default="")
    again.add_argument("--symbols", default="")
    again.add_argument("--keep", action="store_true")
    upgrading = commands.add_parser("upgrade", help="bring it to the code that is checked out")
    upgrading.add_argument("--halt", action="store_true", help="only bring it to rest, before packages are exchanged")
    upgrading.add_argument("--no-backup", action="store_false", dest="backup")
    upgrading.add_argument("--changed", action="store_true", help="also with files that no commit has")
    for command in (upgrading, commands.add_parser("rollback", help="take the last upgrade back")):
        command.add_argument("--wait", type=float, default=WAIT_MINUTES, metavar="MINUTES", help="for tasks that run")
    removal = commands.add_parser("clean", help="stop it and remove its data")
    removal.add_argument("--yes", action="store_true")
    removal.add_argument("--all", action="store_true", dest="everything")
    return parser.parse_args(argv)


def _run(options: argparse.Namespace) -> int:
    commands: dict[str, Callable[[], int]] = {
        "demo": lambda: start(DEMO),
        "up": lambda: start(LIVE),
        "down": down,
        "status": show_status,
        "logs": lambda: show_logs(options.service),
        "upgrade": lambda: upgrade(options),
        "rollback": lambda: rollback(options),
        "shell": lambda: shell.enter(Platform.create(None, base_environment()), options.line),
        "backup": backup,
        "restore": lambda: restore(options),
        "drill": lambda: drill(options),
        "clean": lambda: clean(yes=options.yes, everything=options.everything),
    }
    return commands[options.command]()


def main(argv: list[str]) -> int:
    """Run a command; errors are one sentence."""
    options = _options(argv)
    try:
        if file := env_file.path():
            load_dotenv(file)
        return _run(options)
    except ValidationError as error:
        for wrong in error.errors():
            name = f"CANDLEWICK_{'_'.join(map(str, wrong['loc'])).upper()}"
            error_console.print(f"error: {name}: {wrong['msg']}", markup=False)
    except (LauncherError, OSError) as error:
        error_console.print(f"error: {error}", markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        error_console.print("Interrupted; what was started by then runs on: make status, make down.")
        return INTERRUPTED
    return 1
