"""The tables of the minute pipeline: staging, ledgers, shared state.

Stamps are UTC. DDL commits implicitly on MySQL and MariaDB, so every statement can be run again after a crash.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_OPTIONS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"

_SERIES = """
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    data_type       VARCHAR(16)  NOT NULL COMMENT 'klines, depth',
    interval_code   VARCHAR(8)   NOT NULL DEFAULT '' COMMENT '1m, 1h, ...; empty for depth',
"""

TABLES = {
    "tracked_symbols": """
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    active          TINYINT      NOT NULL DEFAULT 1 COMMENT '0: removed, its data stays',
    status          VARCHAR(32)  NULL COMMENT 'as the exchange says: TRADING, HALT, BREAK, ...; NOT_LISTED when it knows no such symbol',
    base_asset      VARCHAR(32)  NULL,
    quote_asset     VARCHAR(32)  NULL,
    status_at       DATETIME(3)  NULL COMMENT 'when the exchange was asked last',
    status_since    DATETIME(3)  NULL COMMENT 'when this status was first heard',
    first_open_time DATETIME(3)  NULL COMMENT 'open time of the first 1m candle the exchange has; NULL until it was asked',
    first_open_object_id BIGINT  NULL COMMENT 'the answer that says so: extraction_outcomes.outcome_id',
    added_at        DATETIME(3)  NOT NULL,
    removed_at      DATETIME(3)  NULL,
    PRIMARY KEY (exchange, symbol)
    """,
    "extraction_metadata": f"""{_SERIES}
    last_fetch_time DATETIME(3)  NOT NULL COMMENT 'capture of the newest loaded payload',
    last_open_time  DATETIME(3)  NULL COMMENT 'the watermark: last final open_time; for depth the captured_at',
    record_count    BIGINT       NOT NULL COMMENT 'rows of the newest load',
    updated_at      DATETIME(3)  NOT NULL,
    PRIMARY KEY (exchange, symbol, data_type, interval_code)
    """,
    "extraction_outcomes": f"""
    outcome_id      BIGINT       NOT NULL AUTO_INCREMENT COMMENT 'also the object_id of the payload',{_SERIES}
    lane            VARCHAR(16)  NOT NULL DEFAULT 'live' COMMENT 'live, backfill: which loader takes the object off the queue',
    run_id          VARCHAR(250) NOT NULL,
    shard           VARCHAR(120) NOT NULL,
    page            INT          NOT NULL DEFAULT 1,
    status          VARCHAR(16)  NOT NULL COMMENT 'stored, failed',
    source          VARCHAR(24)  NOT NULL COMMENT 'rest, archive_daily, archive_monthly',
    bucket          VARCHAR(63)  NULL,
    object_key      VARCHAR(255) NULL,
    payload_bytes   BIGINT       NULL,
    sha256          CHAR(64)     NULL,
    row_count       INT          NULL,
    first_open_time DATETIME(3)  NULL,
    last_open_time  DATETIME(3)  NULL,
    host            VARCHAR(191) NULL,
    http_status     INT          NULL,
    weight          INT          NULL,
    latency_ms      INT          NULL,
    captured_at     DATETIME(3)  NOT NULL,
    exchange_time   DATETIME(3)  NULL COMMENT 'lower bound of the clock of the exchange when asked',
    error_kind      VARCHAR(64)  NULL,
    error_message   VARCHAR(1000) NULL,
    load_state      VARCHAR(12)  NOT NULL COMMENT 'pending, loaded, quarantined, none',
    load_id         BIGINT       NULL,
    PRIMARY KEY (outcome_id),
    UNIQUE KEY by_object (object_key),
    KEY by_load_state (lane, load_state, outcome_id),
    KEY by_time (captured_at)
    """,
    "loads": """
    load_id         BIGINT       NOT NULL AUTO_INCREMENT,
    lane            VARCHAR(16)  NOT NULL COMMENT 'live, backfill',
    run_id          VARCHAR(250) NOT NULL,
    objects         INT          NOT NULL,
    rows_staged     BIGINT       NOT NULL,
    rows_rejected   BIGINT       NOT NULL,
    started_at      DATETIME(3)  NOT NULL,
    loaded_at       DATETIME(3)  NOT NULL,
    PRIMARY KEY (load_id)
    """,
    "processed_files": f"""
    object_id       BIGINT       NOT NULL COMMENT 'extraction_outcomes.outcome_id',
    bucket          VARCHAR(63)  NOT NULL,
    object_key      VARCHAR(255) NOT NULL,{_SERIES}
    source          VARCHAR(24)  NOT NULL,
    captured_at     DATETIME(3)  NOT NULL,
    record_count    INT          NOT NULL COMMENT 'rows staged',
    rejected_count  INT          NOT NULL COMMENT 'rows in quarantine',
    payload_bytes   BIGINT       NULL,
    sha256          CHAR(64)     NULL,
    load_id         BIGINT       NOT NULL COMMENT 'the newest load of this object',
    status          VARCHAR(16)  NOT NULL COMMENT 'loaded, partial, quarantined',
    reason          VARCHAR(500) NULL,
    processed_at    DATETIME(3)  NOT NULL,
    PRIMARY KEY (object_id),
    UNIQUE KEY by_object (object_key),
    KEY by_load (load_id),
    KEY by_status (status, processed_at)
    """,
    "staging_klines": """
    load_id         BIGINT       NOT NULL,
    row_number_in_load BIGINT    NOT NULL,
    object_id       BIGINT       NOT NULL,
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    interval_code   VARCHAR(8)   NOT NULL,
    open_time       DATETIME(3)  NOT NULL,
    open_price      DECIMAL(20,8) NOT NULL,
    high_price      DECIMAL(20,8) NOT NULL,
    low_price       DECIMAL(20,8) NOT NULL,
    close_price     DECIMAL(20,8) NOT NULL,
    volume          DECIMAL(30,8) NOT NULL,
    close_time      DATETIME(3)  NOT NULL,
    quote_volume    DECIMAL(30,8) NOT NULL,
    trade_count     BIGINT       NOT NULL,
    taker_buy_volume DECIMAL(30,8) NOT NULL,
    taker_buy_quote_volume DECIMAL(30,8) NOT NULL,
    source          VARCHAR(24)  NOT NULL,
    captured_at     DATETIME(3)  NOT NULL,
    exchange_time   DATETIME(3)  NOT NULL COMMENT 'lower bound of the clock of the exchange when asked; decides finality',
    PRIMARY KEY (load_id, row_number_in_load)
    """,
    "staging_orderbook": """
    load_id         BIGINT       NOT NULL,
    row_number_in_load BIGINT    NOT NULL,
    object_id       BIGINT       NOT NULL,
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    captured_at     DATETIME(3)  NOT NULL,
    last_update_id  BIGINT       NOT NULL,
    side            VARCHAR(3)   NOT NULL COMMENT 'bid, ask',
    level           INT          NOT NULL COMMENT '1 is the best',
    price           DECIMAL(20,8) NOT NULL,
    quantity        DECIMAL(30,8) NOT NULL,
    source          VARCHAR(24)  NOT NULL,
    exchange_time   DATETIME(3)  NOT NULL,
    PRIMARY KEY (load_id, row_number_in_load)
    """,
    "quarantined_rows": f"""
    quarantine_id   BIGINT       NOT NULL AUTO_INCREMENT,
    object_id       BIGINT       NOT NULL,
    row_number_in_object INT     NOT NULL COMMENT 'from 1; 0 is the whole payload',
    load_id         BIGINT       NOT NULL COMMENT 'the load that rejected it last',{_SERIES}
    open_time       DATETIME(3)  NULL,
    reason          VARCHAR(32)  NOT NULL COMMENT 'candlewick.market.RejectReason',
    offending       VARCHAR(1000) NOT NULL COMMENT 'the values as received',
    quarantined_at  DATETIME(3)  NOT NULL,
    resolved_load_id BIGINT      NULL COMMENT 'the later load that accepted it',
    PRIMARY KEY (quarantine_id),
    UNIQUE KEY by_row (object_id, row_number_in_object, reason),
    KEY by_series (exchange, symbol, interval_code, open_time),
    KEY by_load (load_id),
    KEY by_time (quarantined_at)
    """,
    "pending_loads": """
    model           VARCHAR(64)  NOT NULL COMMENT 'the dbt model that has yet to consume the load',
    load_id         BIGINT       NOT NULL,
    PRIMARY KEY (model, load_id)
    """,
    "kline_revisions": """
    exchange        VARCHAR(32)  NOT NULL,
    symbol          VARCHAR(50)  NOT NULL,
    interval_code   VARCHAR(8)   NOT NULL,
    open_time       DATETIME(3)  NOT NULL,
    lost_source     VARCHAR(24)  NOT NULL,
    lost_fingerprint CHAR(32)    NOT NULL COMMENT 'of the lost values: the same loss is kept once',
    lost_open_price DECIMAL(20,8) NOT NULL,
    lost_high_price DECIMAL(20,8) NOT NULL,
    lost_low_price  DECIMAL(20,8) NOT NULL,
    lost_close_price DECIMAL(20,8) NOT NULL,
    lost_volume     DECIMAL(30,8) NOT NULL,
    lost_close_time DATETIME(3)  NOT NULL,
    lost_quote_volume DECIMAL(30,8) NOT NULL,
    lost_trade_count BIGINT      NOT NULL,
    lost_taker_buy_volume DECIMAL(30,8) NOT NULL,
    lost_taker_buy_quote_volume DECIMAL(30,8) NOT NULL,
    lost_captured_at DATETIME(3) NOT NULL,
    lost_load_id    BIGINT       NOT NULL,
    kept_source     VARCHAR(24)  NOT NULL,
    kept_open_price DECIMAL(20,8) NOT NULL,
    kept_high_price DECIMAL(20,8) NOT NULL,
    kept_low_price  DECIMAL(20,8) NOT NULL,
    kept_close_price DECIMAL(20,8) NOT NULL,
    kept_volume     DECIMAL(30,8) NOT NULL,
    kept_close_time DATETIME(3)  NOT NULL,
    kept_quote_volume DECIMAL(30,8) NOT NULL,
    kept_trade_count BIGINT      NOT NULL,
    kept_taker_buy_volume DECIMAL(30,8) NOT NULL,
    kept_taker_buy_quote_volume DECIMAL(30,8) NOT NULL,
    kept_captured_at DATETIME(3) NOT NULL,
    kept_load_id    BIGINT       NOT NULL,
    recorded_at     DATETIME(3)  NOT NULL,
    PRIMARY KEY (exchange, symbol, interval_code, open_time, lost_source, lost_fingerprint)
    """,
    "host_state": """
    host            VARCHAR(191) NOT NULL,
    window_minute   BIGINT       NOT NULL DEFAULT 0 COMMENT 'unix minute the used weight belongs to',
    used_weight     INT          NOT NULL DEFAULT 0,
    weight_limit    INT          NULL COMMENT 'per minute, as the exchange says; NULL until known',
    banned_until    DATETIME(3)  NULL,
    paused_until    DATETIME(3)  NULL COMMENT 'Retry-After of a 429, shared by all workers',
    ban_reason      VARCHAR(500) NULL,
    breaker_state   VARCHAR(16)  NOT NULL DEFAULT 'closed' COMMENT 'closed, open, half_open',
    breaker_failures INT         NOT NULL DEFAULT 0,
    breaker_opened_at DATETIME(3) NULL,
    clock_offset_ms BIGINT       NOT NULL DEFAULT 0 COMMENT 'the clock of the exchange less our wall clock',
    updated_at      DATETIME(3)  NOT NULL,
    PRIMARY KEY (host)
    """,
    "pipeline_events": """
    event_id        BIGINT       NOT NULL AUTO_INCREMENT,
    occurred_at     DATETIME(3)  NOT NULL,
    kind            VARCHAR(32)  NOT NULL COMMENT 'task_failed, ip_banned, stale, quarantined, symbol_failed, ...',
    severity        VARCHAR(8)   NOT NULL COMMENT 'info, warning, error',
    subject         VARCHAR(191) NOT NULL COMMENT 'what it is about: the same subject is not announced twice within a while',
    message         VARCHAR(2000) NOT NULL,
    dag_id          VARCHAR(250) NULL,
    task_id         VARCHAR(250) NULL,
    run_id          VARCHAR(250) NULL,
    map_index       INT          NULL,
    try_number      INT          NULL,
    notified_at     DATETIME(3)  NULL,
    notified_via    VARCHAR(64)  NULL,
    notify_error    VARCHAR(1000) NULL,
    PRIMARY KEY (event_id),
    KEY by_time (occurred_at),
    KEY by_subject (kind, subject, occurred_at)
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
