"""The table of indicator checkpoints: what indicators go on from when the bars before have expired.

Stamps are UTC. DDL commits implicitly on MySQL and MariaDB, so every statement can be run again after a crash.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_OPTIONS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"

TABLES = {
    "indicator_checkpoints": """
    model           VARCHAR(64)  NOT NULL COMMENT 'indicators_1m, ...',
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    edge_time       DATETIME(3)  NOT NULL COMMENT 'right edge of an expired span: bars from here on follow from these rows',
    open_time       DATETIME(3)  NOT NULL COMMENT 'of one of the last bars before the edge, as many as the longest window has',
    bar_number      BIGINT       NOT NULL,
    close_price     DECIMAL(20,8) NOT NULL,
    rsi_gain_state  DOUBLE       NOT NULL,
    rsi_loss_state  DOUBLE       NOT NULL,
    macd_fast_state DOUBLE       NOT NULL,
    macd_slow_state DOUBLE       NOT NULL,
    macd_signal_state DOUBLE     NOT NULL,
    atr_state       DOUBLE       NOT NULL,
    obv             DOUBLE       NOT NULL,
    ema_state_1     DOUBLE       NOT NULL COMMENT 'of the first of the ema_periods',
    ema_state_2     DOUBLE       NOT NULL,
    ema_state_3     DOUBLE       NOT NULL,
    day_volume_state DECIMAL(38,8) NOT NULL,
    day_quote_volume_state DECIMAL(38,8) NOT NULL,
    periods         CHAR(32)     NOT NULL COMMENT 'checksum of the periods of the indicators; with others it is not used',
    saved_at        DATETIME(3)  NOT NULL,
    PRIMARY KEY (model, exchange, symbol, edge_time, open_time)
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
