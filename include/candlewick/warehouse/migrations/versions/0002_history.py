"""The tables of history: backfills, archive files, gaps, coverage, life of symbols.

Stamps are UTC; spans are [from, to). DDL commits implicitly on MySQL and MariaDB, so every statement can be run again
after a crash.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_OPTIONS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"

_SYMBOL = """
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
"""

TABLES = {
    "archive_files": f"""{_SYMBOL}
    interval_code   VARCHAR(8)   NOT NULL,
    granularity     VARCHAR(8)   NOT NULL COMMENT 'monthly, daily',
    period_start    DATE         NOT NULL COMMENT 'first day of the file',
    path            VARCHAR(255) NOT NULL COMMENT 'below the base URL of the archive',
    state           VARCHAR(12)  NOT NULL COMMENT 'stored (in the lake, queued), loaded, missing (404), refused (checksum or zip is wrong)',
    checksum        CHAR(64)     NULL COMMENT 'sha256 as published with the newest edition seen',
    object_id       BIGINT       NULL COMMENT 'newest edition in the lake: extraction_outcomes.outcome_id',
    editions        INT          NOT NULL DEFAULT 0 COMMENT 'editions that were put into the lake',
    payload_bytes   BIGINT       NULL,
    attempts        INT          NOT NULL DEFAULT 0 COMMENT 'downloads since the last good one',
    reason          VARCHAR(500) NULL,
    published_at    DATETIME(3)  NULL COMMENT 'Last-Modified of the newest edition',
    checked_at      DATETIME(3)  NOT NULL COMMENT 'when the archive was asked last',
    PRIMARY KEY (exchange, symbol, interval_code, granularity, period_start),
    KEY by_object (object_id),
    KEY by_check (state, checked_at)
    """,
    "backfills": """
    backfill_id     BIGINT       NOT NULL AUTO_INCREMENT,
    run_id          VARCHAR(250) NOT NULL COMMENT 'of the DAG run',
    exchange        VARCHAR(32)  NOT NULL,
    symbols         TEXT         NOT NULL COMMENT 'comma separated',
    interval_code   VARCHAR(8)   NOT NULL,
    from_time       DATETIME(3)  NOT NULL,
    to_time         DATETIME(3)  NOT NULL,
    source          VARCHAR(16)  NOT NULL COMMENT 'auto, archive, rest, files',
    is_forced       TINYINT      NOT NULL COMMENT '1: what is there already is loaded again',
    is_kept         TINYINT      NOT NULL COMMENT '1: retention leaves the span',
    state           VARCHAR(12)  NOT NULL COMMENT 'running, finished, incomplete (some parts failed)',
    requested_at    DATETIME(3)  NOT NULL,
    updated_at      DATETIME(3)  NOT NULL,
    finished_at     DATETIME(3)  NULL,
    PRIMARY KEY (backfill_id),
    UNIQUE KEY by_run (run_id)
    """,
    "backfill_parts": f"""
    backfill_id     BIGINT       NOT NULL,
    part_number     INT          NOT NULL COMMENT 'from 1',{_SYMBOL}
    interval_code   VARCHAR(8)   NOT NULL,
    method          VARCHAR(16)  NOT NULL COMMENT 'archive_monthly, archive_daily, rest, files: how it was planned',
    from_time       DATETIME(3)  NOT NULL,
    to_time         DATETIME(3)  NOT NULL,
    state           VARCHAR(12)  NOT NULL COMMENT 'pending, done, unchanged (was there already), missing (nobody has it), failed',
    object_count    INT          NOT NULL DEFAULT 0 COMMENT 'objects put into the lake',
    row_count       BIGINT       NOT NULL DEFAULT 0 COMMENT 'rows loaded',
    payload_bytes   BIGINT       NOT NULL DEFAULT 0,
    seconds         DOUBLE       NOT NULL DEFAULT 0,
    reason          VARCHAR(500) NULL,
    finished_at     DATETIME(3)  NULL,
    PRIMARY KEY (backfill_id, part_number),
    KEY by_series (exchange, symbol, interval_code, from_time)
    """,
    "gap_ledger": f"""
    gap_id          BIGINT       NOT NULL AUTO_INCREMENT,{_SYMBOL}
    data_type       VARCHAR(16)  NOT NULL COMMENT 'klines, depth',
    interval_code   VARCHAR(8)   NOT NULL DEFAULT '' COMMENT '1m; empty for depth',
    from_time       DATETIME(3)  NOT NULL,
    to_time         DATETIME(3)  NOT NULL COMMENT 'exclusive',
    minutes         INT          NOT NULL,
    reason          VARCHAR(24)  NOT NULL COMMENT 'candlewick.market.GapReason',
    evidence        VARCHAR(2000) NULL COMMENT 'JSON: which answer, which file, which higher candle says so',
    status          VARCHAR(12)  NOT NULL COMMENT 'open (will be tried again), explained, unexplained (given up), closed (there now)',
    attempts        INT          NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(3)  NULL COMMENT 'NULL: not tried again',
    detected_at     DATETIME(3)  NOT NULL,
    updated_at      DATETIME(3)  NOT NULL,
    closed_at       DATETIME(3)  NULL,
    closed_by       VARCHAR(255) NULL COMMENT 'what closed it: a load, or the rows it was split into',
    PRIMARY KEY (gap_id),
    KEY by_series (exchange, symbol, data_type, interval_code, from_time),
    KEY by_status (status, next_attempt_at)
    """,
    "coverage_counts": f"""{_SYMBOL}
    date            DATE         NOT NULL,
    expected_minutes INT         NOT NULL COMMENT 'minutes of the day somebody asked for, within the symbol''s life',
    present_minutes INT          NOT NULL,
    final_minutes   INT          NOT NULL,
    counted_at      DATETIME(3)  NOT NULL,
    PRIMARY KEY (exchange, symbol, date),
    KEY by_count (counted_at)
    """,
    "gap_checks": f"""{_SYMBOL}
    data_type       VARCHAR(16)  NOT NULL,
    checked_until   DATETIME(3)  NOT NULL COMMENT 'minutes before it were looked at',
    full_check_at   DATETIME(3)  NULL COMMENT 'when all of history was looked at last',
    PRIMARY KEY (exchange, symbol, data_type)
    """,
    "symbol_states": f"""{_SYMBOL}
    valid_from      DATETIME(3)  NOT NULL COMMENT 'when the state was first heard',
    valid_to        DATETIME(3)  NULL COMMENT 'when another one was heard; NULL: it holds',
    status          VARCHAR(32)  NOT NULL COMMENT 'as the exchange says; NOT_LISTED when it knows no such symbol',
    base_asset      VARCHAR(32)  NULL,
    quote_asset     VARCHAR(32)  NULL,
    PRIMARY KEY (exchange, symbol, valid_from)
    """,
    "retention_horizons": f"""{_SYMBOL}
    data_type       VARCHAR(16)  NOT NULL,
    interval_code   VARCHAR(8)   NOT NULL DEFAULT '',
    horizon         DATETIME(3)  NOT NULL COMMENT 'rows before it were expired on purpose, unless a kept backfill holds them',
    updated_at      DATETIME(3)  NOT NULL,
    PRIMARY KEY (exchange, symbol, data_type, interval_code)
    """,
}


def upgrade() -> None:
    """Create the tables."""
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) {_OPTIONS}")


def downgrade() -> None:
    """Drop the tables and all they hold."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE IF EXISTS {name}")
