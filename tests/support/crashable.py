"""The whole road from the exchange to the facts on servers of its own, every part of which can be killed."""

from __future__ import annotations

import itertools
import sys
import time
from typing import TYPE_CHECKING, Any

from candlewick.lake.store import Lake
from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.transform import NodeResult, TransformBusy, failure
from candlewick.settings import Settings
from candlewick.warehouse import schema
from candlewick.warehouse.database import Warehouse
from support.failpoint import Failpoint
from support.servers import MariaDB, ObjectStore, Server
from support.warm import Ended, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from candlewick.demo.testing import RunningExchange

MINUTE_MS = 60_000
MIDNIGHT = "2024-06-01T00:00:00Z"
FIRST_MINUTES = 30
STEPS = ("extract", "load", "dbt")
MERGE, FIRST_BUILD, FULL_REFRESH = "merge", "first build", "full refresh"


def is_dead(server: Server) -> bool:
    return server.process is None or server.process.poll() is not None


class Crashable:
    """Two symbols from midnight on; the exchange's clock stands and is moved by the test."""

    symbols = ("BTCUSDT", "ETHUSDT")

    def __init__(self, folder: Path, exchange: RunningExchange, dbt: Path) -> None:
        self.exchange, self.dbt_executable, self.folder = exchange, dbt, folder
        for name in ("mariadb", "s3"):
            (folder / name).mkdir()
        self.database, self.object_store = MariaDB(folder / "mariadb"), ObjectStore(folder / "s3")
        self.config = Settings(
            home=folder / "home", dbt_executable=dbt, raw_schema="chaos_raw", marts_schema="chaos",
            raw_bucket="chaos-raw", archive_bucket="chaos-archive", backup_bucket="chaos-backup", first_fetch_minutes=FIRST_MINUTES, depth_levels=5,
            load_batch_objects=3, request_concurrency=2, lake_concurrency=4, retry_attempts=2,
            retry_initial_seconds=0.01, retry_max_seconds=0.05, lock_wait_seconds=30,
        )  # fmt: skip
        self.warehouse = Warehouse(lambda: self.database.connect(self.config.raw_schema), self.config)
        self.lake = Lake(self.object_store.client(), self.config)
        self.seconds: dict[str, float] = {}
        self._workers: dict[str, Worker] = {}

    def start(self) -> None:
        self.exchange.set_clock(MIDNIGHT)
        self.exchange.advance(FIRST_MINUTES * MINUTE_MS + 30_000)
        ours = Worker(sys.executable, "support.actor", self.folder / "actor.log")
        dbts = Worker(str(self.dbt_executable.with_name("python")), "support.dbt_actor", self.folder / "dbt.log")
        self._workers = {"extract": ours, "load": ours, "dbt": dbts}
        self.object_store.start()
        self.database.start()
        self.lake.ensure_buckets()
        with self.database.connect() as root, root.cursor() as cursor:
            for name in (self.config.raw_schema, self.config.marts_schema):
                cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        schema.upgrade(self.warehouse)

    def mend(self) -> None:
        """Start the servers that are dead."""
        for server in (self.database, self.object_store):
            if is_dead(server):
                server.start()

    def stop(self) -> None:
        for worker in set(self._workers.values()):
            worker.stop()
        self.database.stop()
        self.object_store.stop()

    def advance(self, minutes: int) -> None:
        """More minutes than are read again each cycle (5): what a crash lost must not come back by that alone."""
        self.exchange.advance(minutes * MINUTE_MS)

    def run(
        self, step: str, failpoint: Failpoint | None = None, kill_after: float | None = None, build: str = MERGE
    ) -> Ended:
        """Run one step in a process of its own until it ends or is killed."""
        self._workers[step].start(self._job(step, failpoint or Failpoint(), build), kill_after)
        return self._finish(step)

    def run_while_server_dies(self, step: str, server: Server, delay: float, *, back_at_once: bool) -> Ended:
        """Kill a server in the middle of a step; it is back while the step may still run, or when that has ended."""
        self._workers[step].start(self._job(step, Failpoint()))
        time.sleep(delay)
        server.kill()
        if back_at_once:
            server.start()
        ended = self._finish(step)
        if not back_at_once:
            server.start()
        return ended

    def succeed(self, *steps: str) -> None:
        """Run steps that nobody disturbs."""
        for step in steps:
            ended = self.run(step)
            assert ended.status == 0, f"{step}: {ended}"
            assert "error" not in ended.answer, f"{step}: {ended.answer['error']}"
            self.seconds[step] = ended.seconds

    def cycle(self) -> None:
        """A whole cycle that nobody disturbs."""
        self.succeed(*STEPS)

    def points(
        self, step: str, what: str, side: str, server: Server | None = None, minutes: int = 7, build: str = MERGE
    ) -> Iterator[int]:
        """Kill a step (or a server) at the step's 1st, 2nd, … thing of a kind until one gets through; yield after each."""
        for nth in itertools.count(1):
            self.before(step, minutes, build)
            ended = self.run(step, Failpoint(what, nth, side, server.process.pid if server else 0), build=build)
            if not ended.was_killed and ended.answer["seen"].get(what, 0) < nth:
                assert (ended.status, ended.answer.get("error")) == (0, None), ended
                return
            if server:
                server.process.wait()
            self.mend()
            yield nth

    def before(self, step: str, minutes: int = 7, build: str = MERGE) -> None:
        """Give a step something to do."""
        self.advance(minutes)
        self.succeed(*STEPS[: STEPS.index(step)])
        if build == FIRST_BUILD:
            self.forget_marts()

    def forget_marts(self) -> None:
        """As before the first dbt run: no tables, and every load still to be consumed."""
        marts = self.config.marts_schema
        with self.database.connect(self.config.raw_schema) as root, root.cursor() as cursor:
            # Not the schema itself: a MariaDB killed while it created a partitioned table leaves files that forbid it.
            cursor.execute(
                "SELECT table_type, table_name FROM information_schema.tables WHERE table_schema = %s", (marts,)
            )
            for kind, name in cursor.fetchall():
                cursor.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {marts}.{name}")
            cursor.execute("DELETE FROM pending_loads")
            for table in ("klines", "orderbook"):
                cursor.execute(
                    f"INSERT INTO pending_loads (model, load_id) SELECT DISTINCT 'fact_{table}', load_id FROM staging_{table}"
                )

    def _finish(self, step: str) -> Ended:
        """Wait; a dead server may be an error that passes, never one that Airflow would not try again."""
        ended = self._workers[step].finish()
        assert ended.was_killed or ended.status == 0, f"{step} crashed: {ended}; see {self.folder}"
        if ended.answer.get("success") is False:  # dbt; what run_dbt would have raised
            nodes = [NodeResult(name, status, 0, None, message) for name, status, message in ended.answer["nodes"]]
            error = failure("dbt", 1, ended.answer["exception"].splitlines(), nodes)
            ended.answer.update(error=str(error), lasting=not isinstance(error, TransformBusy))
        assert not ended.answer.get("lasting"), f"not worth another try: {ended.answer['error']}"
        return ended

    def _job(self, step: str, failpoint: Failpoint, build: str = MERGE) -> dict[str, Any]:
        point = {"what": failpoint.what, "nth": failpoint.nth, "side": failpoint.side, "pid": failpoint.pid}
        if step == "dbt":
            return {"failpoint": point, "environment": self.dbt_environment, "arguments": self._dbt_arguments(build)}
        return {
            "failpoint": point, "step": step, "settings": self.config.model_dump(mode="json"),
            "database": f"{self.database.host}:{self.database.port}:{self.database.user}:{self.database.password}",
            "object_store": self.object_store.port, "exchange": self.exchange.url, "symbols": list(self.symbols),
        }  # fmt: skip

    @property
    def dbt_environment(self) -> dict[str, str]:
        return profile(self.database, self.config) | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

    def _dbt_arguments(self, build: str) -> list[str]:
        project = str(self.config.dbt_project_dir)
        return [
            "--quiet", "run", "--selector", "minute", "--project-dir", project, "--profiles-dir", project,
            "--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs"),
            *(["--full-refresh", "--vars", "{rebuild_by_swap: true}"] if build == FULL_REFRESH else []),
        ]  # fmt: skip
