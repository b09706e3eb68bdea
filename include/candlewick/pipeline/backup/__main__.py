"""Backups by hand: ``python -m candlewick.pipeline.backup save | list | restore NAME [--raw-schema … --marts-schema …]``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pydantic import ValidationError

from candlewick import connections
from candlewick.lake.store import LakeError
from candlewick.pipeline.backup import manifest, save
from candlewick.pipeline.backup.restore import restore
from candlewick.settings import Settings, settings
from candlewick.warehouse.database import Warehouse, WarehouseError, utc_now

if TYPE_CHECKING:
    from candlewick.lake.store import Lake

RUN_ID = "by hand"


def main(argv: list[str]) -> int:
    """Do one of the three; what is in the way is one sentence."""
    options = _options(argv)
    try:
        with connections.lake() as lake:
            said = _COMMANDS[options.command](lake, options)
    except ValidationError as error:
        sys.stderr.write(f"error: {'; '.join(wrong['msg'] for wrong in error.errors())}\n")
        return 1
    except (LakeError, WarehouseError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


def _save(lake: Lake, _: argparse.Namespace) -> str:
    return save.run(connections.warehouse(), lake, RUN_ID, utc_now()).sentence


def _list(lake: Lake, _: argparse.Namespace) -> str:
    lines = [
        f"{one.stamp}  {'restored and verified' if one.is_verified else 'never restored'}"
        for one in manifest.stored(lake)
        if one.is_whole
    ]
    return "\n".join(lines) or f"no backup in the bucket {lake.config.backup_bucket}"


def _restore(lake: Lake, options: argparse.Namespace) -> str:
    base, config = connections.warehouse(schema=""), settings()
    schemas = {
        "raw_schema": options.raw_schema or config.raw_schema,
        "marts_schema": options.marts_schema or config.marts_schema,
    }
    # Validated, not copied: names are checked.
    target = Warehouse(base.open, Settings.model_validate(config.model_dump() | schemas), base.address)
    return restore(target, lake, options.name, utc_now()).sentence


_COMMANDS = {"save": _save, "list": _list, "restore": _restore}


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m candlewick.pipeline.backup", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("save", help="save the warehouse now, delete backups that are too old")
    commands.add_parser("list", help="name the backups there are")
    back = commands.add_parser("restore", help="restore one into empty schemas and verify it")
    back.add_argument("name", help="of the backup, or latest")
    back.add_argument("--raw-schema", default="", help="instead of the platform's own")
    back.add_argument("--marts-schema", default="", help="likewise")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
