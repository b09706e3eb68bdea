"""The table of correlations: what numpy makes of the mart `window_returns`, and the mart `correlation_matrix` shows.

Stamps are UTC. DDL commits implicitly on MySQL and MariaDB, so every statement can be run again after a crash.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_OPTIONS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"

TABLES = {
    "correlation_pairs": """
    exchange        VARCHAR(32)  NOT NULL,
    window_name     VARCHAR(16)  NOT NULL COMMENT '24h, 7d, 30d: dbt var return_windows',
    symbol_a        VARCHAR(50)  NOT NULL COMMENT 'the first of the two by name',
    symbol_b        VARCHAR(50)  NOT NULL COMMENT 'the other one; the same one: the diagonal of the matrix',
    correlation     DOUBLE       NULL COMMENT 'NULL: too few common returns, or one of the two does not move in them',
    observations    INT          NOT NULL COMMENT 'returns that both have',
    step_minutes    INT          NOT NULL COMMENT 'length of a return',
    window_start    DATETIME(3)  NOT NULL COMMENT 'start of the oldest return of any symbol',
    window_end      DATETIME(3)  NOT NULL COMMENT 'end of the newest return of any symbol, exclusive',
    computed_at     DATETIME(3)  NOT NULL,
    PRIMARY KEY (exchange, window_name, symbol_a, symbol_b)
    """,
}


def upgrade() -> None:
    """Create the table."""
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) {_OPTIONS}")


def downgrade() -> None:
    """Drop the table and all it holds."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE IF EXISTS {name}")
