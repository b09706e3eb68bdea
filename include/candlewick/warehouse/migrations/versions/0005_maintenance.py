"""The tables of maintenance: bundles of aged objects, expired spans, lifecycle events, sizes over time.

Stamps are UTC; spans are [from, to). DDL commits implicitly on MySQL and MariaDB, so every statement can be run again
after a crash. Columns are added at the end, which both servers do without copying the table.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

_OPTIONS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"

_SERIES = """
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    data_type       VARCHAR(16)  NOT NULL COMMENT 'klines, depth; of expired spans also indicators',
    interval_code   VARCHAR(8)   NOT NULL DEFAULT '' COMMENT '1m, 1h, ...; empty for depth',
"""

TABLES = {
    "archive_bundles": f"""
    bundle_id       BIGINT       NOT NULL AUTO_INCREMENT,{_SERIES}
    date            DATE         NOT NULL COMMENT 'of the captures, UTC',
    bucket          VARCHAR(63)  NOT NULL,
    object_key      VARCHAR(255) NOT NULL,
    object_count    INT          NOT NULL COMMENT 'answers in the file',
    source_bytes    BIGINT       NOT NULL COMMENT 'of the answers as captured',
    bundle_bytes    BIGINT       NOT NULL COMMENT 'of the compressed file',
    sha256          CHAR(64)     NOT NULL COMMENT 'of the compressed file, as read back',
    state           VARCHAR(12)  NOT NULL COMMENT 'archived (sources may still be there), settled (they are gone), expiring, expired',
    run_id          VARCHAR(250) NOT NULL,
    archived_at     DATETIME(3)  NOT NULL COMMENT 'when it was read back and its objects were marked',
    settled_at      DATETIME(3)  NULL COMMENT 'when the last of the sources was deleted',
    expired_at      DATETIME(3)  NULL,
    expiry_reason   VARCHAR(255) NULL,
    PRIMARY KEY (bundle_id),
    UNIQUE KEY by_object (object_key),
    KEY by_state (state, date)
    """,
    "expired_spans": f"""{_SERIES}
    from_time       DATETIME(3)  NOT NULL,
    to_time         DATETIME(3)  NOT NULL COMMENT 'exclusive; rows of the span were deleted on purpose',
    updated_at      DATETIME(3)  NOT NULL,
    PRIMARY KEY (exchange, symbol, data_type, interval_code, from_time)
    """,
    "lifecycle_events": """
    event_id        BIGINT       NOT NULL AUTO_INCREMENT,
    occurred_at     DATETIME(3)  NOT NULL,
    run_id          VARCHAR(250) NOT NULL,
    step            VARCHAR(16)  NOT NULL COMMENT 'archive, expire, retention, care, sweep, backup',
    action          VARCHAR(24)  NOT NULL COMMENT 'candlewick.warehouse.lifecycle.Action',
    store           VARCHAR(16)  NOT NULL COMMENT 'raw, archive, backup, warehouse',
    subject         VARCHAR(255) NOT NULL COMMENT 'an object key, or a table',
    symbol          VARCHAR(50)  NOT NULL DEFAULT '' COMMENT 'empty: of several',
    from_time       DATETIME(3)  NULL,
    to_time         DATETIME(3)  NULL COMMENT 'exclusive',
    object_count    BIGINT       NOT NULL DEFAULT 0,
    row_count       BIGINT       NOT NULL DEFAULT 0,
    byte_count      BIGINT       NOT NULL DEFAULT 0,
    reason          VARCHAR(1000) NOT NULL,
    PRIMARY KEY (event_id),
    KEY by_time (occurred_at),
    KEY by_run (run_id)
    """,
    "storage_samples": """
    sampled_at      DATETIME(3)  NOT NULL,
    store           VARCHAR(16)  NOT NULL COMMENT 'raw, archive, backup (objects); warehouse (tables); disk (paths)',
    name            VARCHAR(191) NOT NULL COMMENT 'a bucket, schema.table, or a path',
    object_count    BIGINT       NULL,
    row_count       BIGINT       NULL COMMENT 'as the server estimates it',
    byte_count      BIGINT       NOT NULL,
    capacity_bytes  BIGINT       NULL COMMENT 'what the store can hold; NULL: nobody said',
    oldest          DATETIME(3)  NULL COMMENT 'time of the oldest row or object',
    newest          DATETIME(3)  NULL,
    PRIMARY KEY (sampled_at, store, name),
    KEY by_name (store, name, sampled_at)
    """,
}

COLUMNS = {
    "processed_files": {
        "bundle_id": "BIGINT NULL COMMENT 'the bundle its object lies in, when it is archived: archive_bundles.bundle_id'",
        "archived_at": "DATETIME(3) NULL COMMENT 'when its object was marked as archived'",
        "expired_at": "DATETIME(3) NULL COMMENT 'when its object was deleted for good'",
        "expiry_reason": "VARCHAR(255) NULL COMMENT 'by which rule'",
    },
    "extraction_outcomes": {
        "bundle_id": "BIGINT NULL COMMENT 'the bundle its object was found in by a rebuild: archive_bundles.bundle_id'",
    },
}
INDEXES = {
    "processed_files": {"by_bundle": "(bundle_id, captured_at)"},
    "loads": {"by_time": "(loaded_at)"},
}


def upgrade() -> None:
    """Create the tables; add the columns and indexes that are missing."""
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) {_OPTIONS}")
    for table, added in COLUMNS.items():
        present = _names("columns", "column_name", table)
        for column, definition in added.items():
            if column not in present:
                op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")
    for table, indexes in INDEXES.items():
        present = _names("statistics", "index_name", table)
        for index, columns in indexes.items():
            if index not in present:
                op.execute(f"ALTER TABLE {table} ADD INDEX {index} {columns}")


def downgrade() -> None:
    """Drop what was added, and all it holds."""
    for table, indexes in INDEXES.items():
        for index in _names("statistics", "index_name", table) & set(indexes):
            op.execute(f"ALTER TABLE {table} DROP INDEX {index}")
    for table, columns in COLUMNS.items():
        for column in _names("columns", "column_name", table) & set(columns):
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE IF EXISTS {name}")


def _names(view: str, column: str, table: str) -> set[str]:
    rows = op.get_bind().execute(
        text(f"SELECT {column} FROM information_schema.{view} WHERE table_schema = DATABASE() AND table_name = :table"),
        {"table": table},
    )
    return {row[0] for row in rows}
