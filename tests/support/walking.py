"""A platform whose clock is moved by the test: minutes come in, dbt builds, maintenance runs in processes that may die."""

from __future__ import annotations

import io
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from candlewick.exchange.binance import from_connection
from candlewick.exchange.clock import Clock
from candlewick.lake.bundle import members
from candlewick.market import Interval
from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.load import load_pending
from candlewick.pipeline.maintenance import steps
from candlewick.pipeline.maintenance.plan import Plan
from candlewick.pipeline.rest_span import fetch_span
from candlewick.warehouse.database import to_ms
from candlewick.warehouse.host_state import HostStateStore
from support.warm import Worker

if TYPE_CHECKING:
    from pathlib import Path

ANN = {"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "ann"}}
ROLL_UPS = {
    "klines_5m": "open_time", "klines_15m": "open_time", "hourly_klines": "hour_start", "klines_4h": "open_time",
    "daily_klines": "date",
}  # fmt: skip


class Walk:
    """The clock (naive UTC) is this object's: exchange, captures, loads and maintenance all show it."""

    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")

    def __init__(self, market: Any, lake: Any, warehouse: Any, database: Any, object_store: Any, folder: Path) -> None:
        self.market, self.lake, self.warehouse = market, lake, warehouse
        self.database, self.object_store = database, object_store
        self.config = warehouse.config
        self.now = datetime(2024, 1, 1)
        self.worker = Worker(sys.executable, "support.maintenance_actor", folder / "maintenance.log")
        self.runs = count(1)
        self.kills = 0
        self.payloads: dict[str, bytes] = {}

    def stop(self) -> None:
        self.worker.stop()

    def set_clock(self, now: datetime) -> None:
        self.now = now
        self.market.set_clock(f"{now:%Y-%m-%dT%H:%M:%S}Z")

    # --- data ------------------------------------------------------------------------------------------------------

    def exchange(self) -> Any:
        clock = Clock(time_ms=lambda: to_ms(self.now), monotonic=time.monotonic, sleep=time.sleep)
        states = HostStateStore(self.warehouse.open, self.config.raw_schema)
        return closing(from_connection(self.market.url, {}, states, self.config, clock=clock))

    def capture(self) -> None:
        """One cycle: ask, keep, load."""
        with self.exchange() as exchange:
            extract_shard(exchange, self.lake, self.warehouse, {"name": "all", "symbols": list(self.symbols)}, "minute")
        self.remember()
        load_pending(self.lake, self.warehouse, "minute")
        self.date_loads()

    def capture_without_load(self, symbol: str, start: datetime, end: datetime) -> None:
        """An answer of the backfill lane that nobody loads."""
        with self.exchange() as exchange:
            fetch_span(
                exchange, self.lake, self.warehouse, symbol, Interval.MINUTE_1, to_ms(start), to_ms(end), "span", label="span"
            )  # fmt: skip
        self.remember()

    def date_loads(self) -> None:
        """Loads are dated by the machine's clock: give the new ones ours."""
        with self.warehouse.session() as session:
            session.run("UPDATE loads SET loaded_at = %s WHERE loaded_at > '2025-01-01'", (self.now,))

    def remember(self) -> None:
        """Note every payload there is in the raw bucket: from now on it must be somewhere."""
        bucket = self.config.raw_bucket
        for key in self.lake.keys(bucket):
            self.payloads.setdefault(key, self.lake.get(bucket, key))

    # --- maintenance -----------------------------------------------------------------------------------------------

    def begin(self, **params: Any) -> dict[str, Any]:
        return self._job("begin", params=params)["planned"]

    def maintain(self, side: str | None, check: Any, **params: Any) -> dict[str, str]:
        """A whole run, with an approval if it asks; each step is killed at its 1st, 2nd, … act until it gets through.

        ``check`` is called after every kill and every step. Returns what the steps said.
        """
        self.run_id = f"maintenance {next(self.runs)}"
        planned = self.begin(care=False, sweep=False, **params)
        plan = Plan.read(planned["plan"])
        given = steps.consent(planned, ANN if planned["question"] else None, hours=24)
        said = {}
        for step in ("archive", "expire", "retention"):
            if getattr(plan.request, step):
                said[step] = self.through(step, planned, given, side, check)
                check()
        return said

    def through(self, step: str, planned: dict[str, Any], given: Any, side: str | None, check: Any) -> str:
        for nth in count(1):
            failpoint = {"what": "anything", "nth": nth, "side": side} if side else {}
            answer = self._job(step, failpoint=failpoint, planned=planned, consent=given)
            if answer:
                return answer.get("said") or f"refused: {answer['refused']}"
            self.kills += 1
            check()
        raise AssertionError("never")

    def _job(self, step: str, **more: Any) -> dict[str, Any]:
        """Do a step in a process of its own; nothing is returned of one that was killed."""
        given = f"{self.database.host}:{self.database.port}:{self.database.user}:{self.database.password}"
        self.worker.start(
            {
                "failpoint": {}, "step": step, "run_id": getattr(self, "run_id", "plan"), "now": self.now.isoformat(),
                "settings": self.config.model_dump(mode="json"), "object_store": self.object_store.port, "database": given,
                **more,
            }
        )  # fmt: skip
        ended = self.worker.finish()
        assert ended.was_killed or ended.status == 0, (step, ended)
        return {} if ended.was_killed else ended.answer

    # --- looks -----------------------------------------------------------------------------------------------------

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.all(query.format(marts=self.config.marts_schema), parameters)

    def raw(self) -> set[str]:
        return set(self.lake.keys(self.config.raw_bucket))

    def bundles(self) -> list[str]:
        return list(self.lake.keys(self.config.archive_bucket))

    def archived(self) -> dict[str, bytes]:
        """Every answer that can be read out of the archive."""
        found = {}
        for key in self.bundles():
            found.update(members(io.BytesIO(self.lake.get(self.config.archive_bucket, key))))
        return found

    def roll_ups(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every roll-up: what may come is more, what there is stays."""
        return {
            table: self.ask(f"SELECT symbol, {key}, open_price, high_price, low_price, close_price, volume, trade_count, "
                            f"candle_count, is_final FROM {{marts}}.{table} ORDER BY 1, 2")
            for table, key in ROLL_UPS.items()
        }  # fmt: skip

    def facts(self, start: datetime, days: int = 1) -> dict[str, int]:
        """Minutes of each symbol in a span."""
        return dict(
            self.ask(
                "SELECT symbol, COUNT(*) FROM {marts}.fact_klines WHERE interval_code = '1m' AND open_time >= %s "
                "AND open_time < %s GROUP BY symbol ORDER BY symbol",
                start, start + timedelta(days=days),
            )
        )  # fmt: skip

    def indicators(self, start: datetime) -> list[tuple[Any, ...]]:
        """Minute indicators from a moment on."""
        return self.ask("SELECT * FROM {marts}.indicators_1m WHERE open_time >= %s ORDER BY symbol, open_time", start)

    def rows(self, table: str, where: str = "TRUE") -> int:
        return self.ask(f"SELECT COUNT(*) FROM {table} WHERE {where}")[0][0]

    def events(self, step: str, action: str) -> list[tuple[Any, ...]]:
        return self.ask(
            "SELECT subject, symbol, reason FROM lifecycle_events WHERE step = %s AND action = %s ORDER BY event_id",
            step, action,
        )  # fmt: skip

    def approved_by(self) -> set[str]:
        return {row[0].split()[0] for row in self.ask("SELECT reason FROM lifecycle_events WHERE action = 'approved'")}
