"""Every knob of the platform, in one typed object.

Each field is read from the environment as ``CANDLEWICK_<NAME>`` (or from ``.env`` by the launcher); endpoints and
secrets are not here but in Airflow connections. A relative path is meant from the repository, wherever the process runs.
``docs/configuration.md`` is generated from this class.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parents[2]
SYMBOL_PATTERN = re.compile(r"^[^\Wa-z][^\sa-z/\\]{0,49}$")


class Settings(BaseSettings):
    """The platform's configuration; every value has a working default."""

    # A line without a value in .env is no value: Path("") would be the current folder.
    model_config = SettingsConfigDict(env_prefix="CANDLEWICK_", env_ignore_empty=True, extra="ignore", frozen=True)

    # --- where things live -------------------------------------------------------------------------------------------
    home: Path = Field(
        REPOSITORY / ".candlewick", description="Folder of all local state: virtualenvs, data, logs, secrets."
    )
    dbt_project_dir: Path = Field(REPOSITORY / "dbt_project", description="Folder of the dbt project.")
    dags_dir: Path = Field(REPOSITORY / "dags", description="Folder of the DAG files.")
    plugins_dir: Path = Field(REPOSITORY / "plugins", description="Folder of the Airflow plugin.")
    dbt_executable: Path | None = Field(
        None, description="The dbt command; empty: `venvs/dbt/bin/dbt` under the home folder."
    )
    raw_schema: str = Field("candlewick_raw", description="Schema Airflow writes: staging and ledgers.")
    marts_schema: str = Field("candlewick", description="Schema dbt writes: facts, aggregates and marts.")
    raw_bucket: str = Field("crypto-raw", description="Bucket of payloads as received.")
    archive_bucket: str = Field("crypto-archive", description="Bucket payloads age into.")
    backup_bucket: str = Field("crypto-backup", description="Bucket of the warehouse's backups.")

    # --- what is tracked ---------------------------------------------------------------------------------------------
    symbols: Annotated[tuple[str, ...], NoDecode] = Field(
        ("BTCUSDT", "ETHUSDT", "BNBUSDT"),
        description="Symbols that seed the table of tracked symbols (comma separated); afterwards the table rules.",
    )
    exchange: str = Field("binance", description="Name of the exchange in every key.")
    first_fetch_minutes: int = Field(
        100, ge=1, description="Minutes of candles to fetch when a symbol has no watermark yet."
    )
    reread_candles: int = Field(
        5, ge=1, le=500, description="Newest candles asked for again each cycle, to catch late revisions."
    )
    depth_levels: int = Field(20, ge=1, le=5000, description="Order-book levels per side.")
    exchange_info_minutes: int = Field(
        10, ge=1, description="Age in minutes at which symbol states and limits are asked again."
    )

    # --- how the exchange is asked -----------------------------------------------------------------------------------
    shard_size: int = Field(100, ge=1, description="Symbols per mapped extract task.")
    shard_budget_seconds: float = Field(
        180.0,
        gt=0,
        description="Time after which a shard asks for no further page, in seconds; the next cycle goes on.",
    )
    request_concurrency: int = Field(8, ge=1, le=64, description="Requests in flight inside one extract task.")
    connect_timeout_seconds: float = Field(5.0, gt=0, description="Time to establish a connection, in seconds.")
    read_timeout_seconds: float = Field(15.0, gt=0, description="Time to wait for an answer, in seconds.")
    answer_timeout_seconds: float = Field(
        60.0, gt=0, description="Time in which an answer has to be whole, however steadily it comes, in seconds."
    )
    retry_attempts: int = Field(
        5, ge=1, description="Tries of one request (time-outs, 5xx and lost connections are tried again)."
    )
    retry_initial_seconds: float = Field(
        0.5, gt=0, description="First pause between tries, in seconds; doubles, with jitter."
    )
    retry_max_seconds: float = Field(20.0, gt=0, description="Longest pause between tries, in seconds.")
    retry_after_max_seconds: float = Field(
        90.0, gt=0, description="Longest Retry-After of a 429 that is waited for, in seconds."
    )
    weight_share: float = Field(
        0.8, gt=0, le=1, description="Share of the exchange's weight limit all processes stay under."
    )
    breaker_failures: int = Field(5, ge=1, description="Failures in a row that open a host's circuit breaker.")
    breaker_reset_seconds: float = Field(
        60.0, gt=0, description="Time until an open breaker lets one request try, in seconds."
    )

    # --- how objects are loaded --------------------------------------------------------------------------------------
    load_batch_objects: int = Field(1000, ge=1, description="Most objects of one load (one transaction, one load_id).")
    load_batch_megabytes: int = Field(
        16, ge=1, description="Most payload of one load, in MiB (1 MiB is about 6,000 candles)."
    )
    lake_concurrency: int = Field(16, ge=1, le=64, description="Object reads or writes in flight per task.")
    lock_wait_seconds: int = Field(60, ge=1, description="Longest wait for another writer, in seconds.")

    # --- history -----------------------------------------------------------------------------------------------------
    files_dir: Path = Field(
        Path(".candlewick/files"),
        description="Folder under which market_backfill may read local files (source `files`).",
    )
    backfill_parts_per_task: int = Field(
        12, ge=1, description="Months, days or REST spans one mapped backfill task works through."
    )
    backfill_weight_share: float = Field(
        0.4, gt=0, le=1, description="Share of the exchange's weight limit backfills and gap fetches stay under."
    )
    archive_concurrency: int = Field(4, ge=1, le=32, description="Archive files asked for at once inside one task.")
    archive_delay_hours: int = Field(
        12,
        ge=0,
        description="Hours after a day or month before its archive file is asked for; until then REST answers.",
    )
    gap_attempts: int = Field(5, ge=1, description="Times a gap is asked for before people are told.")
    gap_retry_minutes: int = Field(60, ge=1, description="First pause between two tries of a gap; doubles.")
    gap_settle_minutes: int = Field(
        5, ge=1, description="Minutes younger than this are not missing yet, they are on their way."
    )
    gap_pages_per_run: int = Field(500, ge=1, description="Most REST pages one run of market_gaps asks for.")
    outage_witnesses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"),
        description="Symbols asked, beside the tracked ones, whether they were silent too (an outage of the exchange).",
    )
    reconcile_days: int = Field(
        30,
        ge=1,
        description="Days with facts that one run of market_reconcile compares, the newest unreconciled first.",
    )

    # --- analytics ---------------------------------------------------------------------------------------------------
    correlation_min_observations: int = Field(
        12, ge=2, description="Returns two symbols must both have in a window; with fewer they have no correlation."
    )

    # --- ageing (market_maintenance; the params of a run overrule) ---------------------------------------------------
    archive_after_days: int = Field(
        7,
        ge=1,
        description="Days after its capture an object moves into the archive, in one file a symbol, type and day.",
    )
    archived_keep_days: int = Field(
        30, ge=2, description="Days after its capture an archived object is deleted for good."
    )
    retention_klines_days: int = Field(
        90,
        ge=0,
        description="Days 1m candles stay in fact_klines, by open time; 0: for ever. Hours and days always stay.",
    )
    retention_klines_by_symbol: Annotated[dict[str, int], NoDecode] = Field(
        {}, description="Other days for some symbols' 1m candles and indicators: `BTCUSDT=365,ETHUSDT=0`; 0: for ever."
    )
    retention_orderbook_days: int = Field(
        90, ge=0, description="Days order books stay in fact_orderbook; 0: for ever. Their metrics always stay."
    )
    retention_indicators_days: int = Field(90, ge=0, description="Days rows stay in indicators_1m; 0: for ever.")
    retention_staging_days: int = Field(
        7, ge=1, description="Days staged rows stay after every model has consumed their load."
    )
    retention_outcomes_days: int = Field(90, ge=8, description="Days the outcomes of requests stay.")
    retention_processed_days: int = Field(
        0, ge=0, description="Days rows stay in processed_files after their object was deleted for good; 0: for ever."
    )
    guard_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Share of anything above which a maintenance run asks a person before it deletes.",
    )
    approval_hours: int = Field(
        24, ge=1, description="Hours a maintenance run waits for that approval; afterwards it deletes nothing."
    )
    backup_keep_days: int = Field(
        35, ge=1, description="Days backups of the warehouse stay; the newest one that was verified always stays."
    )

    # --- room (in a set order: backfills stop, people are warned, order books stop) ----------------------------------
    warehouse_capacity_gigabytes: float = Field(
        0, ge=0, description="Size the warehouse may grow to, in GB; 0: as large as the disk of a private server."
    )
    lake_capacity_gigabytes: float = Field(
        0, ge=0, description="Size the lake may grow to, in GB; 0: as large as the disk of a private store."
    )
    disk_room_gigabytes: float = Field(
        50,
        gt=0,
        description="Free space, in GB, at which a private disk counts as empty: its fill level is the share of this (or of "
        "the disk, where smaller) that is gone.",
    )
    stop_backfills_share: float = Field(
        0.8, gt=0, le=1, description="Fill level at which backfills and gap fetches stop."
    )
    warn_share: float = Field(0.85, gt=0, le=1, description="Fill level at which people are warned.")
    stop_depth_share: float = Field(
        0.92, gt=0, le=1, description="Fill level at which no order books are captured any more; candles go on."
    )

    # --- schedules ---------------------------------------------------------------------------------------------------
    minute_schedule: str = Field(
        "* * * * *", description="Cron of market_minute (UTC); Variable `candlewick_schedules` overrides."
    )
    hourly_schedule: str = Field(
        "5 * * * *", description="Cron of market_hourly (UTC); Variable `candlewick_schedules` overrides."
    )

    gaps_schedule: str = Field(
        "20 * * * *", description="Cron of market_gaps (UTC); Variable `candlewick_schedules` overrides."
    )
    reconcile_schedule: str = Field(
        "30 4 * * *", description="Cron of market_reconcile (UTC); Variable `candlewick_schedules` overrides."
    )
    maintenance_schedule: str = Field(
        "0 2 * * 0", description="Cron of market_maintenance (UTC); Variable `candlewick_schedules` overrides."
    )
    minute_deadline_minutes: int = Field(
        10, ge=1, description="Minutes after which an unfinished run of market_minute raises an alert."
    )

    # --- alerts ------------------------------------------------------------------------------------------------------
    alert_email: str = Field(
        "", description="Address alerts go to through the `alerts_smtp` connection; empty: no e-mail."
    )
    alert_webhook: bool = Field(False, description="Send alerts to the `alerts_webhook` connection.")
    stale_after_minutes: int = Field(
        5, ge=1, description="Age of a symbol's newest final candle that raises an alert, in minutes."
    )
    alert_repeat_minutes: int = Field(
        60, ge=1, description="The same alert leaves the machine once in this many minutes."
    )

    # --- the API of the web UI ----------------------------------------------------------------------------------------
    api_requests_per_minute: int = Field(
        1200, ge=0, description="Requests one login may make in a minute, in each process of the api-server; 0: any."
    )

    # --- the local launcher ------------------------------------------------------------------------------------------
    bind_host: str = Field(
        "127.0.0.1", description="Address the web UI listens on; all other servers of the launcher stay on 127.0.0.1."
    )
    airflow_port: int = Field(8080, ge=1, le=65535, description="Port of the Airflow UI and API.")
    database_port: int = Field(13306, ge=1, le=65535, description="Port of the private MariaDB.")
    s3_port: int = Field(19000, ge=1, le=65535, description="Port of the private S3 endpoint.")
    exchange_port: int = Field(18080, ge=1, le=65535, description="Port of the simulated exchange.")
    airflow_parallelism: int = Field(
        4, ge=1, description="Tasks that run at once (worker processes, about 120 MB each)."
    )
    pool_binance_slots: int = Field(
        4, ge=1, description="Tasks that talk to the exchange at once, when pools are created."
    )
    pool_backfill_slots: int = Field(
        2,
        ge=1,
        description="Backfill tasks that run at once, when pools are created; live tasks have pools of their own.",
    )
    demo_wait_seconds: int = Field(600, ge=1, description="Longest wait for data after a start, in seconds.")
    stop_grace_seconds: float = Field(20.0, gt=0, description="Time services get to end by themselves, in seconds.")
    database_memory_megabytes: int = Field(512, ge=64, description="Buffer pool of the private MariaDB, in MiB.")
    demo_seed: int = Field(7, description="Seed of the simulated market.")
    demo_latency_milliseconds: int = Field(
        0, ge=0, description="Latency of each answer of the simulated exchange, in ms."
    )
    demo_replay: Path | None = Field(
        None,
        description="Folder of recorded archive files to replay; its newest day becomes today: track symbols it holds.",
    )

    @field_validator("home", "dbt_project_dir", "dags_dir", "plugins_dir", "dbt_executable", "demo_replay", "files_dir")
    @classmethod
    def _from_the_repository(cls, value: Path | None) -> Path | None:
        return value and REPOSITORY / value.expanduser()

    @field_validator("symbols", "outage_witnesses", mode="before")
    @classmethod
    def _split_symbols(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("symbols", "outage_witnesses")
    @classmethod
    def _known_shape(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        bad = [symbol for symbol in value if not SYMBOL_PATTERN.fullmatch(symbol)]
        if bad:
            raise ValueError(
                f"expected symbols as the exchange writes them (BTCUSDT), got {bad}; correct CANDLEWICK_SYMBOLS or CANDLEWICK_OUTAGE_WITNESSES"
            )
        return tuple(dict.fromkeys(value))

    @field_validator("retention_klines_by_symbol", mode="before")
    @classmethod
    def _days_by_symbol(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = {}
        for part in filter(None, map(str.strip, value.split(","))):
            symbol, _, days = part.partition("=")
            if not SYMBOL_PATTERN.fullmatch(symbol.strip()) or not re.fullmatch(r"[0-9]{1,5}", days.strip()):
                raise ValueError(
                    f"expected symbols with days as BTCUSDT=365, got {part!r}; correct CANDLEWICK_RETENTION_KLINES_BY_SYMBOL"
                )
            found[symbol.strip()] = int(days)
        return found

    @model_validator(mode="after")
    def _ages_in_order(self) -> Self:
        if self.archived_keep_days <= self.archive_after_days:
            raise ValueError(
                f"expected CANDLEWICK_ARCHIVED_KEEP_DAYS ({self.archived_keep_days}) above CANDLEWICK_ARCHIVE_AFTER_DAYS "
                f"({self.archive_after_days}): an object is archived before it is deleted; correct one of them"
            )
        if not self.stop_backfills_share <= self.warn_share <= self.stop_depth_share:
            raise ValueError(
                f"expected CANDLEWICK_STOP_BACKFILLS_SHARE ({self.stop_backfills_share}) ≤ CANDLEWICK_WARN_SHARE "
                f"({self.warn_share}) ≤ CANDLEWICK_STOP_DEPTH_SHARE ({self.stop_depth_share}); correct their order"
            )
        return self

    @field_validator("raw_schema", "marts_schema")
    @classmethod
    def _plain_identifier(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", value):
            raise ValueError(f"expected a schema name of a-z, 0-9 and _ that starts with a letter, got {value!r}")
        return value

    @property
    def dbt(self) -> Path:
        """Path of the dbt command."""
        return self.dbt_executable or self.home / "venvs" / "dbt" / "bin" / "dbt"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return this process's settings, read from the environment once."""
    return Settings()
