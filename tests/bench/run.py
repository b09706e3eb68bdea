"""Measure the platform and print a table: ``make bench``; ``make bench ARGS="loading"`` for one part.

Parts: ``loading`` (lake → staging), ``archiving`` (lake → bundles, and back), ``expiring`` (a day of 300 symbols out
of 90), ``history`` (years from an archive server into the facts), ``increments`` (a minute on a long history), ``indicators`` (their full build, and a minute on a long history), ``marts`` (each
market mart, or those of ``--models``), ``gaps`` (detection over all of it), ``api`` (requests through a real api-server), ``minute`` (freshness through the real scheduler).
Ratios are taken inside one run, medians are shown; a figure is worth what the machine is worth.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "include")]

from bench import (  # noqa: E402 -- the path comes first
    api,
    archiving,
    expiring,
    gaps,
    history,
    increments,
    indicators,
    loading,
    marts,
    minute,
)
from candlewick.lake.store import Lake  # noqa: E402
from candlewick.pipeline.dbt_project import profile  # noqa: E402
from candlewick.pipeline.transform import run_dbt  # noqa: E402
from candlewick.settings import Settings  # noqa: E402
from candlewick.warehouse import schema  # noqa: E402
from candlewick.warehouse.database import Warehouse  # noqa: E402
from support.servers import GivenMySQL, MariaDB, ObjectStore  # noqa: E402

PARTS = ("loading", "archiving", "expiring", "history", "increments", "indicators", "marts", "gaps", "api", "minute")


def main() -> int:
    """Measure the parts asked for."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    reader.add_argument("--rows", type=int, nargs=2, default=(100_000, 10_000_000), help="numbers of facts compared")
    reader.add_argument(
        "--years", type=int, nargs="*", default=(1, 5), help="numbers of symbol-years of the history part, at most 10"
    )
    reader.add_argument(
        "--symbols", type=int, nargs="*", default=(3, 300), help="numbers of symbols of the minute part"
    )
    reader.add_argument(
        "--days", type=int, nargs=2, default=expiring.SIZES, help="days of minutes one of which is expired, compared"
    )
    reader.add_argument("--models", nargs="*", default=marts.MODELS, help="models of the marts part")
    reader.add_argument(
        "--mysql", metavar="HOST:PORT:USER:PASSWORD", help="a MySQL server instead of a private MariaDB"
    )
    reader.add_argument(
        "--backfill", action="store_true", help="measure the minute part again while history is brought, and the ratio"
    )
    asked = reader.parse_args()
    table = Table("what", "figure", "aim", title=machine(), title_justify="left")
    with tempfile.TemporaryDirectory(prefix="candlewick-bench-") as folder:
        scratch = Path(folder)
        if set(asked.parts) - {"minute"}:
            with a_warehouse(scratch, asked.mysql) as (server, warehouse, lake, dbt):
                ways = {
                    "loading": lambda: loading.measure(warehouse, lake, scratch),
                    "archiving": lambda: archiving.measure(warehouse, lake),
                    "expiring": lambda: expiring.measure(server, warehouse, dbt, tuple(asked.days)),
                    "history": lambda: history.measure(server, warehouse, lake, dbt, scratch, tuple(asked.years)),
                    "increments": lambda: increments.measure(server, warehouse, dbt, tuple(asked.rows)),
                    "indicators": lambda: indicators.measure(server, warehouse, dbt),
                    "marts": lambda: marts.measure(server, warehouse, dbt, tuple(asked.models)),
                    "gaps": lambda: gaps.measure(warehouse, dbt, asked.rows[1]),
                    "api": lambda: api.measure(server, warehouse, dbt, scratch),
                }
                for part in (name for name in ways if name in asked.parts):
                    show(table, f"{part} ({server.name})", ways[part]())
        if "minute" in asked.parts:
            for symbols in asked.symbols:
                aim = 15 if symbols <= 3 else 45
                show(
                    table,
                    "minute path",
                    minute.measure(scratch / f"platform-{symbols}", symbols, aim, backfill=asked.backfill),
                )
    Console().print(table)
    return 0


def show(table: Table, title: str, lines: list[tuple[str, str, str]]) -> None:
    """Print lines as they come and keep them for the table."""
    for line in lines:
        table.add_row(*line)


def machine() -> str:
    """Name the machine the figures belong to."""
    memory = psutil.virtual_memory().total / 2**30
    busy = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}, Python {platform.python_version()}, load {busy:.1f}"


@contextmanager
def a_warehouse(scratch: Path, mysql: str | None):
    """An empty warehouse and lake on servers of their own."""
    folders = {name: scratch / name for name in ("database", "s3")}
    for folder in folders.values():
        folder.mkdir()
    server = GivenMySQL(mysql) if mysql else MariaDB(folders["database"], buffer_pool="2G", log_file="512M")
    store = ObjectStore(folders["s3"])
    dbt_executable = os.environ.get("CANDLEWICK_DBT_EXECUTABLE", str(Settings().dbt))
    config = Settings(
        home=scratch / "home",
        raw_schema="candlewick_bench_raw",
        marts_schema="candlewick_bench",
        dbt_executable=dbt_executable,
    )
    schemas = (config.raw_schema, config.marts_schema)
    if isinstance(server, MariaDB):
        server.start()
    store.start()
    try:
        with closing(server.connect()) as root, root.cursor() as cursor:
            for name in schemas:
                cursor.execute(f"DROP DATABASE IF EXISTS {name}")
                cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        warehouse = Warehouse(lambda: server.connect(config.raw_schema), config)
        schema.upgrade(warehouse)
        lake = Lake(store.client(), config)
        lake.ensure_buckets()
        environment = profile(server, config)
        yield server, warehouse, lake, lambda *words: run_dbt(words, environment, name="bench", config=config)
        with closing(server.connect()) as root, root.cursor() as cursor:
            for name in schemas:
                cursor.execute(f"DROP DATABASE {name}")
    finally:
        store.stop()
        if isinstance(server, MariaDB):
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
