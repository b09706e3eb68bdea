"""Freshness through the real scheduler: candle close → facts committed, and trigger → facts committed.

A whole platform on ports and a home of its own, the simulated exchange answering after 100 ms. A polling reader sees
each minute's facts appear: what it measures is what a reader of the warehouse gets.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil
import requests

from support.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

MINUTES = 6
POLL_SECONDS = 0.2
SAMPLE_SECONDS = 5.0
MINUTE_SECONDS = 300
LATENCY_MS = 100
WARM_UP_SECONDS = 600
BACKFILLED_YEARS = range(2018, 2025)
BACKFILLED_SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT")


@dataclass
class Seen:
    """What was measured, in seconds, MiB and weight."""

    from_close: list[float] = field(default_factory=list)
    from_trigger: list[float] = field(default_factory=list)
    largest_process: dict[str, float] = field(default_factory=dict)
    weight: int = 0
    weight_limit: int = 0


def measure(home: Path, symbols: int, aim_seconds: int, *, backfill: bool = False) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines for a number of symbols."""
    beside: Seen | None = None
    brought = ""
    with _platform(home, symbols) as platform:
        seen = _watch(platform, symbols)
        if backfill:
            _start_backfills(platform)
            beside = _watch(platform, symbols)
            brought = _brought(platform)
    lines = _lines(f"{symbols} symbols", seen, aim_seconds)
    if beside:
        lines += _lines(f"{symbols} symbols, backfill beside it", beside, aim_seconds)
        for what in ("from_close", "from_trigger"):
            ratio = statistics.median(getattr(beside, what)) / statistics.median(getattr(seen, what))
            lines.append((f"{symbols} symbols, backfill beside it: {what}, as a multiple", f"{ratio:.2f}", "≤ 1.50"))
        lines.append((f"{symbols} symbols, backfill beside it: brought meanwhile", brought, "still running"))
    return lines


def _lines(name: str, seen: Seen, aim_seconds: int) -> list[tuple[str, str, str]]:
    close, trigger = statistics.median(seen.from_close), statistics.median(seen.from_trigger)
    process, largest = max(seen.largest_process.items(), key=lambda item: item[1])
    share = seen.weight / seen.weight_limit
    return [
        (f"{name}: candle close → facts", f"{close:.1f} s (worst {max(seen.from_close):.1f})", f"≤ {aim_seconds} s"),
        (f"{name}: trigger → facts", f"{trigger:.1f} s (worst {max(seen.from_trigger):.1f})", f"≤ {aim_seconds} s"),
        (f"{name}: most weight in a minute", f"{seen.weight} of {seen.weight_limit} ({share:.0%})", "≤ 80 %"),
        (f"{name}: largest process", f"{largest:.0f} MiB ({process})", "≤ 500 MB"),
    ]  # fmt: skip


def _start_backfills(platform) -> None:
    """Queue a run for each year: three at a time work, load and build."""
    for year in BACKFILLED_YEARS:
        conf = {"symbols": list(BACKFILLED_SYMBOLS), "start": f"{year}-01-01", "end": f"{year}-12-31"}
        run = {"dag_run_id": f"bench_{year}", "logical_date": None, "conf": conf}
        platform.airflow.call("POST", "/dags/market_backfill/dagRuns", run)


def _brought(platform) -> str:
    """Say what the backfills did while the minutes were measured, and whether any still ran at their end."""
    from candlewick.local.database import open_account

    raw = platform.settings.raw_schema
    with closing(open_account(platform.wiring.account("WAREHOUSE_READ"))) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*), SUM(state <> 'pending'), SUM(row_count), SUM(seconds) FROM {raw}.backfill_parts"
        )
        parts, done, rows, seconds = cursor.fetchone()
        cursor.execute(f"SELECT COUNT(*), SUM(state = 'running') FROM {raw}.backfills")
        runs, running = cursor.fetchone()
    return f"{done} of {parts} parts, {int(rows):,} rows in {seconds:.0f} s of work; {running} of {runs} begun runs still at it"


@contextmanager
def _platform(home: Path, symbols: int):
    """A running demo platform, taken down and left without data at the end."""
    from candlewick.local.platform import DEMO, Platform
    from candlewick.settings import Settings

    names = ["BTCUSDT", "ETHUSDT", "BNBUSDT", *(f"S{number:03d}USDT" for number in range(symbols - 3))]
    dbt = os.environ.get("CANDLEWICK_DBT_EXECUTABLE", str(Settings().dbt))
    for name in [name for name in os.environ if name.startswith(("AIRFLOW", "CANDLEWICK"))]:
        del os.environ[name]  # nothing set outside is measured, or written to
    os.environ |= {
        "CANDLEWICK_HOME": str(home),
        "CANDLEWICK_DBT_EXECUTABLE": dbt,
        "CANDLEWICK_SYMBOLS": ",".join(names),
        "CANDLEWICK_DEMO_LATENCY_MILLISECONDS": str(LATENCY_MS),
        **{f"CANDLEWICK_{what}_PORT": str(free_port()) for what in ("AIRFLOW", "DATABASE", "S3", "EXCHANGE")},
    }
    platform = Platform.create(DEMO, os.environ)
    try:
        platform.up()
        yield platform
    finally:
        platform.down()


def _watch(platform, symbols: int) -> Seen:
    """Wait until the first minutes are through, then measure ``MINUTES`` minutes in a row."""
    from candlewick.local.database import open_account

    seen = Seen()
    marts = platform.settings.marts_schema
    with closing(open_account(platform.wiring.account("WAREHOUSE_READ"))) as connection:
        minute = _first_complete(connection, marts, symbols)
        while len(seen.from_close) < MINUTES:
            minute += timedelta(minutes=1)
            closed = minute + timedelta(minutes=1)
            deadline = time.monotonic() + MINUTE_SECONDS
            sampled = 0.0
            while not _is_there(connection, marts, minute, symbols):
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"the minute {minute} of {symbols} symbols did not arrive; logs: {platform.home.logs}"
                    )
                if time.monotonic() - sampled > SAMPLE_SECONDS:
                    _sample(platform, seen)
                    sampled = time.monotonic()
                time.sleep(POLL_SECONDS)
            now = datetime.now(UTC).replace(tzinfo=None)
            seen.from_close.append((now - closed).total_seconds())
            seen.from_trigger.append((now - _newest_run(platform)).total_seconds())
    return seen


def _first_complete(connection, marts: str, symbols: int) -> datetime:
    """Wait until a minute is complete; return a minute that has not closed yet, so that measuring starts fresh."""
    deadline = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < deadline:
        now = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
        if any(_is_there(connection, marts, now - timedelta(minutes=back), symbols) for back in (1, 2)):
            return now
        time.sleep(1)
    raise TimeoutError(f"no complete minute of {symbols} symbols within {WARM_UP_SECONDS} s")


def _is_there(connection, marts: str, minute: datetime, symbols: int) -> bool:
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                f"SELECT COUNT(*) FROM {marts}.fact_klines WHERE exchange = 'binance' AND interval_code = '1m' "
                f"AND open_time = %s AND is_final = 1 AND symbol IN (SELECT symbol FROM {marts}_raw.tracked_symbols)",
                (minute,),
            )
        except connection.ProgrammingError:  # before the first build there is no table
            return False
        return cursor.fetchone()[0] >= symbols


def _newest_run(platform) -> datetime:
    """When the newest run that started was queued, naive UTC: one runs at a time, so it is the one that brought the facts."""
    path = platform.home.airflow / "airflow.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as metadata:
        (queued,) = metadata.execute(
            "SELECT MAX(queued_at) FROM dag_run WHERE dag_id = 'market_minute' AND start_date IS NOT NULL"
        ).fetchone()
    return datetime.fromisoformat(queued).replace(tzinfo=None)


def _sample(platform, seen: Seen) -> None:
    """Note the largest resident size by kind of process, and the exchange's own count of our weight."""
    for record in platform.processes.records():
        for process in platform.processes.family(record):
            try:
                size = process.memory_info().rss / 2**20
                name = "dbt" if "dbt" in " ".join(process.cmdline()[:3]) else record.name
            except psutil.NoSuchProcess:
                continue
            seen.largest_process[name] = max(size, seen.largest_process.get(name, 0.0))
    state = requests.get(f"{platform.exchange.base}/_control/state", timeout=5).json()
    seen.weight = max(seen.weight, *state["used_weight"].values(), 0)
    seen.weight_limit = state["settings"]["weight_limit"]
