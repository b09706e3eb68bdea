"""A backfill without Airflow: plan, work, dbt's merge and report, on the parts a test has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from candlewick.exchange.archive import from_connection as open_archive
from candlewick.exchange.binance import from_connection as open_exchange
from candlewick.pipeline.backfill.begin import begin
from candlewick.pipeline.backfill.report import report
from candlewick.pipeline.backfill.request import BackfillRequest
from candlewick.pipeline.backfill.tools import Tools
from candlewick.pipeline.backfill.work import work_through
from candlewick.pipeline.dbt_project import profile
from candlewick.warehouse.database import to_ms
from candlewick.warehouse.host_state import HostStateStore
from support.warm import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from candlewick.demo.testing import RunningExchange
    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse

CANDLE = (
    "open_time, open_price, high_price, low_price, close_price, volume, close_time, quote_volume, trade_count, "
    "taker_buy_volume, taker_buy_quote_volume, is_final"
)


class Backfilling:
    """Backfills on one warehouse; the clock is the simulated exchange's."""

    def __init__(self, market: RunningExchange, lake: Lake, warehouse: Warehouse, now: datetime) -> None:
        self.market, self.lake, self.warehouse, self.now = market, lake, warehouse, now
        self.config = warehouse.config
        self.runs = 0

    @contextmanager
    def tools(self, run_id: str) -> Iterator[Tools]:
        states = HostStateStore(self.warehouse.open, self.config.raw_schema)
        exchange = open_exchange(self.market.url, {}, states, self.config)
        archive = open_archive(self.market.url, {}, self.config)
        yield Tools(exchange, archive, self.lake, self.warehouse, run_id)
        archive.close()
        exchange.close()

    def plan(self, run_id: str | None = None, **params: object) -> tuple[str, list[dict[str, Any]]]:
        """Begin a run; return its id and tasks."""
        self.runs += 1
        run_id = run_id or f"run {self.runs}"
        request = BackfillRequest.read({"symbols": ["BTCUSDT"], **params}, self.now)
        with self.tools(run_id) as tools:
            return run_id, begin(tools, request, to_ms(self.now))

    def work(self, run_id: str, tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            with self.tools(run_id) as tools:
                work_through(tools, task["backfill_id"], task["first"], task["last"], task["folder"])

    def run(self, **params: object) -> list[tuple[Any, ...]]:
        """Plan and work; return (method, state, rows) of every part."""
        run_id, tasks = self.plan(**params)
        self.work(run_id, tasks)
        return self.parts(run_id)

    def parts(self, run_id: str, columns: str = "method, p.state, row_count") -> list[tuple[Any, ...]]:
        return self.ask(
            f"SELECT {columns} FROM backfill_parts AS p JOIN backfills AS b ON b.backfill_id = p.backfill_id "
            "WHERE run_id = %s ORDER BY part_number",
            run_id,
        )

    def report(self, run_id: str | None = None) -> str:
        return report(self.warehouse, run_id or f"run {self.runs}")

    def facts(self, symbol: str = "BTCUSDT", interval: str = "1m", columns: str = CANDLE) -> list[tuple[Any, ...]]:
        return self.ask(
            f"SELECT {columns} FROM {self.config.marts_schema}.fact_klines WHERE symbol = %s AND interval_code = %s "
            "ORDER BY open_time",
            symbol, interval,
        )  # fmt: skip

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.all(query, parameters)

    def asked(self) -> list[str]:
        """What the exchange and its archive were asked for since the last look, without clock and symbols."""
        found = [request["path"] for request in self.market.requests()]
        self.market.forget_requests()
        return [path for path in found if not path.endswith(("/time", "/exchangeInfo"))]


class WarmDbt:
    """dbt's imports take seconds: they are done once, and each invocation is a fork."""

    def __init__(self, dbt: Path, folder: Path) -> None:
        self.folder = folder
        self.worker = Worker(str(dbt.with_name("python")), "support.dbt_actor", folder / "dbt.log")

    def run(self, database: Any, config: Any, lane: str = "backfill", *arguments: str) -> None:
        project = str(config.dbt_project_dir)
        job = {
            "failpoint": {},
            "environment": profile(database, config) | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            "arguments": [
                "--quiet", "run", *(arguments or ("--select", "+fact_klines")), "--vars", f"{{lane: {lane}}}",
                "--project-dir", project, "--profiles-dir", project, "--target-path", str(self.folder / "target"),
                "--log-path", str(self.folder / "logs"),
            ],
        }  # fmt: skip
        self.worker.start(job)
        ended = self.worker.finish()
        assert ended.answer.get("success"), ended

    def stop(self) -> None:
        self.worker.stop()
