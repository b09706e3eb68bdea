"""Years of minutes from an archive server on this machine into the facts: all steps, two tasks side by side.

The files are made before and not timed; one symbol-year is generated, the others are the same candles under other
names. Airflow's start is not part of it, dbt's run (the candles rolled up from minutes) is told apart.
"""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import psutil

from candlewick.archive_file import ArchiveFile
from candlewick.demo.market import candles
from candlewick.demo.testing import RunningExchange
from candlewick.exchange.archive import from_connection as open_archive
from candlewick.exchange.binance import from_connection as open_exchange
from candlewick.market import Interval
from candlewick.pipeline.backfill.begin import begin
from candlewick.pipeline.backfill.request import BackfillRequest
from candlewick.pipeline.backfill.tools import Tools
from candlewick.warehouse import staging
from candlewick.warehouse.database import from_ms, to_ms, utc_now
from candlewick.warehouse.host_state import HostStateStore

YEAR = 2023
SYMBOLS = (
    "BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "LTCUSDT", "LINKUSDT", "AVAXUSDT",
)  # fmt: skip
WORKERS, PARTS_PER_TASK = 2, 6
ROLLED_UP = ("klines_5m", "klines_15m", "hourly_klines", "klines_4h", "daily_klines")
TESTS = Path(__file__).resolve().parents[1]
AIMS = {"mariadb": "≥ 80,000 rows/s", "mysql": "≥ 45,000 rows/s"}


def measure(server, warehouse, lake, dbt, scratch: Path, years: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines; ``years`` are the numbers of symbol-years that are brought one after another."""
    folder = scratch / "published"
    texts = _publish(folder, SYMBOLS[: max(years)])
    dbt("run", "--selector", "minute")
    lines = []
    with _archive(folder) as archive_url, RunningExchange(symbols=",".join(SYMBOLS)) as exchange:
        for number in years:
            lines += _bring(server, warehouse, lake, dbt, archive_url, exchange.url, SYMBOLS[:number])
            if number == 5:
                lines += _bare(warehouse, texts, number, AIMS[server.name])
            _forget(warehouse)
    return lines


def _bring(server, warehouse, lake, dbt, archive_url, exchange_url, symbols) -> list[tuple[str, str, str]]:
    config = warehouse.config.model_copy(update={"backfill_parts_per_task": PARTS_PER_TASK})
    run_id = f"history-{len(symbols)}-{time.monotonic_ns()}"
    exchange = open_exchange(exchange_url, {}, HostStateStore(warehouse.open, config.raw_schema), config)
    archive = open_archive(archive_url, {}, config)
    request = BackfillRequest.read(
        {"symbols": list(symbols), "start": f"{YEAR}-01-01", "end": f"{YEAR}-12-31", "source": "archive"}, utc_now()
    )
    now = utc_now()
    warehouse.config = config
    tasks = begin(Tools(exchange, archive, lake, warehouse, run_id), request, to_ms(now))
    job = {
        "settings": config.model_dump(mode="json"), "run_id": run_id, "exchange": exchange_url, "archive": archive_url,
        "database": f"{server.host}:{server.port}:{server.user}:{server.password}",
        "object_store": int(lake._client.meta.endpoint_url.rpartition(":")[2]),
    }  # fmt: skip
    workers = [_worker(job) for _ in range(WORKERS)]
    before, started = _cpu(), time.perf_counter()
    _share(workers, tasks)
    seconds, after = time.perf_counter() - started, _cpu()
    told = [_end(worker) for worker in workers]
    spent_cpu = {name: after[name] - before.get(name, 0) for name in after if after[name] - before.get(name, 0) >= 0.1}
    whose = ", ".join(f"{name} {cpu:.1f} s" for name, cpu in sorted(spent_cpu.items(), key=lambda item: -item[1]))
    with warehouse.session() as session:
        (rows,) = session.one(f"SELECT COUNT(*) FROM {config.marts_schema}.fact_klines")
    assert rows == 525_600 * len(symbols), rows
    dbt_started = time.perf_counter()
    summary = dbt("run", "--selector", "minute", "--vars", "{lane: backfill}")
    dbt_seconds = time.perf_counter() - dbt_started
    models = ", ".join(f"{n.name} {n.seconds:.1f} s" for n in summary.nodes if n.name in ROLLED_UP)
    steps: dict[str, float] = {}
    for one in told:
        for step, spent in one["seconds"].items():
            steps[step] = steps.get(step, 0) + spent
    where = ", ".join(f"{step} {spent:.1f} s" for step, spent in steps.items())
    peak = max(one["peak_bytes"] for one in told)
    title = f"{len(symbols)} symbol-years"
    is_the_aim = len(symbols) == 5
    return [
        (f"{title}, all steps", f"{rows / seconds:,.0f} rows/s, {seconds:.1f} s", AIMS[server.name] if is_the_aim else ""),
        (f"{title}, where the time goes", f"{where} (sums over {WORKERS} tasks; steps overlap)", ""),
        (f"{title}, processor time", f"{whose}: {rows / sum(spent_cpu.values()):,.0f} rows per second of one core", ""),
        (f"{title}, peak memory of a task", f"{peak / 2**20:.0f} MiB", "≤ 300 MB"),
        (f"{title}, roll-ups", f"{dbt_seconds:.1f} s of dbt: {models}", ""),
    ]  # fmt: skip


def _cpu() -> dict[str, float]:
    """Return the processor time of our child processes by name; what a busy machine takes away does not show in it."""
    found: dict[str, float] = {}
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            name = child.name() if "python" not in child.name() else child.cmdline()[2].rpartition(".")[2]
            found[name] = found.get(name, 0) + times.user + times.system
    return found


def _share(workers, tasks) -> None:
    """Give each worker the next task when it is done with one."""
    waiting = list(tasks)
    ready = selectors.DefaultSelector()
    for worker in workers:
        ready.register(worker.stdout, selectors.EVENT_READ, worker)
        if waiting:
            _tell(worker, waiting.pop(0))
    busy = min(len(tasks), len(workers))
    while busy:
        for key, _ in ready.select():
            worker = key.data
            assert worker.stdout.readline() == "done\n", "a task failed; its error is above"
            if waiting:
                _tell(worker, waiting.pop(0))
            else:
                busy -= 1


def _end(worker) -> dict[str, object]:
    """Let a worker end; return what it says at the end."""
    worker.stdin.close()
    told = json.loads(worker.stdout.readline())
    worker.wait(30)
    return told


def _tell(worker, task) -> None:
    worker.stdin.write(json.dumps(task) + "\n")
    worker.stdin.flush()


def _worker(job) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "include")])
    made = subprocess.Popen(
        [sys.executable, "-m", "bench.history_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path}, bufsize=1,
    )  # fmt: skip
    made.stdin.write(json.dumps(job) + "\n")
    made.stdin.flush()
    assert made.stdout.readline() == "ready\n"
    return made


@contextmanager
def _archive(folder: Path):
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.history_archive", str(folder)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait(30)


def _publish(folder: Path, symbols: tuple[str, ...]) -> list[Path]:
    """Write a year's zips and checksums for each symbol; return the CSV of each month."""
    texts = []
    for number in range(1, 13):
        first = ArchiveFile.of_month(symbols[0], Interval.MINUTE_1, date(YEAR, number, 1))
        rows = candles(1, symbols[0], "1m", first.start_ms, first.end_ms - 1, first.end_ms + 1)
        text = folder / f"{number:02}.csv"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
        texts.append(text)
        for symbol in symbols:
            file = ArchiveFile.of_month(symbol, Interval.MINUTE_1, date(YEAR, number, 1))
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                archive.write(text, f"{file.name}.csv")
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")
    return texts


def _bare(warehouse, texts: list[Path], years: int, aim: str) -> list[tuple[str, str, str]]:
    """LOAD DATA of the same rows by one session into an empty twin of staging, and nothing else."""
    rows = 525_600 * years
    with warehouse.session() as session:
        session.run("CREATE TABLE twin LIKE staging_klines")
        session.run("RENAME TABLE staging_klines TO staging_kept, twin TO staging_klines")
        started = time.perf_counter()
        for number in range(len(texts) * years):
            text = texts[number % len(texts)]
            labels = (1, "binance", SYMBOLS[0], "1m", "archive_monthly", from_ms(0), from_ms(0))
            staging.load_csv(session, text, number + 1, labels, text.read_bytes().count(b"\n"))
            session.commit()
        seconds = time.perf_counter() - started
        session.run("DROP TABLE staging_klines")
        session.run("RENAME TABLE staging_kept TO staging_klines")
    return [("bare LOAD DATA of the same rows, one session", f"{rows / seconds:,.0f} rows/s", f"({aim} for all steps)")]


def _forget(warehouse) -> None:
    """Empty the warehouse for the next measurement."""
    marts = warehouse.config.marts_schema
    tables = (
        "staging_klines", "extraction_outcomes", "processed_files", "loads", "pending_loads", "archive_files", "backfills",
        "backfill_parts", f"{marts}.fact_klines", *(f"{marts}.{table}" for table in ROLLED_UP),
    )  # fmt: skip
    with warehouse.session() as session:
        for table in tables:
            session.run(f"TRUNCATE TABLE {table}")
