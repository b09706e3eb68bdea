"""From Airflow connections to the platform's ports: the one place that knows both.

Inside a task Airflow resolves the connection (environment, secrets backend or metadata database); on the command line
the ``AIRFLOW_CONN_…`` variables of the environment are enough, no Airflow database is asked.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from candlewick.settings import settings
from candlewick.warehouse.database import Address, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Connection

    from candlewick.exchange.archive import Archive
    from candlewick.exchange.port import Exchange
    from candlewick.lake.store import Lake
    from candlewick.pipeline.backfill.tools import Tools

WAREHOUSE, WAREHOUSE_TRANSFORM, WAREHOUSE_READ = "warehouse", "warehouse_transform", "warehouse_read"


def connection(conn_id: str) -> Connection:
    """Return an Airflow connection; `warehouse_transform` and `warehouse_read` fall back to `warehouse`."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found: Connection = Connection.get(conn_id)
    except AirflowNotFoundException:
        if conn_id not in (WAREHOUSE_TRANSFORM, WAREHOUSE_READ):
            raise
        found = Connection.get(WAREHOUSE)
    return found


def warehouse(conn_id: str = WAREHOUSE, schema: str | None = None, answer_seconds: int | None = None) -> Warehouse:
    """Return the warehouse as the account of this connection sees it.

    Its sessions are in the raw schema, or in another one; with an empty name in none, as long as there may be none. With
    ``answer_seconds`` it is a reader's: a server that says nothing for so long is lost, and nothing of ours is sent to be
    loaded.
    """
    conn = connection(conn_id)
    address = Address(conn.host or "127.0.0.1", conn.port or 3306, conn.login or "", conn.password or "")
    is_loader = answer_seconds is None

    def connect() -> Any:
        import MySQLdb

        limits = {} if is_loader else {"read_timeout": answer_seconds, "write_timeout": answer_seconds}
        return MySQLdb.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=settings().raw_schema if schema is None else schema,
            charset="utf8mb4",
            connect_timeout=10,
            local_infile=int(is_loader),
            **limits,
        )

    return Warehouse(connect, address=address)


@contextmanager
def lake() -> Iterator[Lake]:
    """Open the object store of the `lake` connection."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.config import Config

    from candlewick.lake.store import Lake

    defaults = Config(
        max_pool_connections=settings().lake_concurrency,
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=5,
        read_timeout=30,
        # Plain S3 servers answer on one host name and know only the classic checksums.
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    own = Config(**connection("lake").extra_dejson.get("config_kwargs", {}))
    store = Lake(S3Hook(aws_conn_id="lake", config=defaults.merge(own)).get_conn())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def exchange(weight_share: float | None = None) -> Iterator[Exchange]:
    """Open the exchange of the `binance` connection; its shared state lives in the warehouse.

    ``weight_share`` keeps this caller under a smaller share of the weight limit than the fresh candles have.
    """
    from candlewick.exchange.binance import from_connection
    from candlewick.warehouse.host_state import HostStateStore

    conn = connection("binance")
    states = HostStateStore(warehouse().open)
    config = settings() if weight_share is None else settings().model_copy(update={"weight_share": weight_share})
    client = from_connection(_base_url(conn), conn.extra_dejson, states, config)
    try:
        yield client
    finally:
        client.close()
        states.close()


@contextmanager
def archive() -> Iterator[Archive]:
    """Open the exchange's public archive, the `binance_archive` connection; its host may have a path behind it."""
    from candlewick.exchange.archive import from_connection

    conn = connection("binance_archive")
    client = from_connection(_base_url(conn), conn.extra_dejson, settings())
    try:
        yield client
    finally:
        client.close()


@contextmanager
def backfill_tools(run_id: str) -> Iterator[Tools]:
    """Open what a task of a backfill works with; at the exchange it has a smaller share than the fresh candles."""
    from candlewick.pipeline.backfill.tools import Tools

    with exchange(settings().backfill_weight_share) as market, archive() as files, lake() as store:
        yield Tools(market, files, store, warehouse(), run_id)


def _base_url(conn: Connection) -> str:
    """Return where an http connection points to: its host may be a URL, and its port stands apart."""
    host = conn.host or ""
    parts = urlsplit(host if "://" in host else f"{conn.schema or 'https'}://{host}")
    return parts._replace(netloc=parts.netloc + (f":{conn.port}" if conn.port else "")).geturl()
