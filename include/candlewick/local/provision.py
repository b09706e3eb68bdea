"""Raw schema, tracked symbols and buckets in one go: ``python -m candlewick.local.provision``.

Each of the three is a command of its own (``python -m candlewick.warehouse.schema upgrade`` and so on); run together they
pay once for importing Airflow, which is most of their time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from candlewick.lake import store
from candlewick.pipeline import symbols
from candlewick.warehouse import schema

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: tuple[tuple[Callable[[], int], str], ...] = (
    (schema.main, "upgrade"),
    (symbols.main, "seed"),
    (store.main, "ensure"),
)


def main() -> int:
    """Run the commands in order; stop at the first that fails."""
    for command, argument in COMMANDS:
        sys.argv[1:] = [argument]
        if code := command():
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
