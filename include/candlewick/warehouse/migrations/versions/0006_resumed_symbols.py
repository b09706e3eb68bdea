"""When a symbol that had been removed is tracked again: a column of the known symbols.

``added_at`` stays the first time: what is expected of its history counts from there. DDL commits implicitly on MySQL and
MariaDB, so every statement can be run again after a crash. The column is added at the end, which both servers do without
copying the table.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"

TABLES: dict[str, str] = {}
COLUMNS = {
    "tracked_symbols": {
        "resumed_at": "DATETIME(3) NULL COMMENT 'when it was added again after it had been removed; NULL: never'",
    },
}


def upgrade() -> None:
    """Add the columns that are missing."""
    for table, added in COLUMNS.items():
        present = _columns(table)
        for column, definition in added.items():
            if column not in present:
                op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")


def downgrade() -> None:
    """Drop what was added, and all it holds."""
    for table, added in COLUMNS.items():
        for column in _columns(table) & set(added):
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")


def _columns(table: str) -> set[str]:
    rows = op.get_bind().execute(
        text(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = :table"
        ),
        {"table": table},
    )
    return {row[0] for row in rows}
