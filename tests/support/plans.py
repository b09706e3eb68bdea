"""How a server would find the rows of a statement, as a table with a row a step on both servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.database import VALUES, Reader, Reading

if TYPE_CHECKING:
    from collections.abc import Callable


class ExplainingReader(Reader):
    """Keeps the plan of each statement it runs."""

    def __init__(self, connect: Callable[[], Any], raw_schema: str) -> None:
        super().__init__(connect, raw_schema=raw_schema)
        (row,) = super().rows("SELECT VERSION() AS version")
        # MariaDB tells partitions only when asked; MySQL 9 draws a tree unless a table is asked for.
        self._words = "EXPLAIN PARTITIONS" if "mariadb" in row["version"].lower() else "EXPLAIN FORMAT=TRADITIONAL"
        self.plans: list[tuple[str, list[dict[str, Any]]]] = []

    def rows(self, statement: str, reading: Reading = VALUES, /, **values: Any) -> list[dict[str, Any]]:
        self.plans.append((statement, super().rows(f"{self._words} {statement}", **values)))
        return super().rows(statement, reading, **values)
