"""How fast answers age into the archive with read-back, in how much memory, and how fast they are loaded out of it again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import psutil

from candlewick.demo.market import candles
from candlewick.lake.envelope import wrap
from candlewick.lake.keys import raw_key
from candlewick.market import DataType, Interval, Source
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.load import load_pending
from candlewick.pipeline.maintenance import archive
from candlewick.pipeline.rebuild import queue_from_lake
from candlewick.pipeline.rebuild_request import RebuildRequest
from candlewick.warehouse import outcomes
from candlewick.warehouse.database import from_ms

DAY = 1_717_200_000_000  # 2024-06-01 00:00:00 UTC
DAY_MS = 86_400_000
EACH = 1440
"""Answers of a series and day: one a minute."""
CANDLES = 5  # of an answer of the minute path
WARM_UP, SYMBOLS = 1, 4


def measure(warehouse, lake) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines. A day of one symbol is archived first: what it takes is no growth."""
    small, grown = _archived(warehouse, lake, 0, WARM_UP), _archived(warehouse, lake, 1, SYMBOLS)
    rate, peak, share = grown
    started = time.perf_counter()
    queue_from_lake(lake, warehouse, "bench", RebuildRequest(force=True))
    queued = time.perf_counter()
    loaded = load_backlog(lake, warehouse, "bench")
    assert loaded.objects == 2 * EACH * (WARM_UP + SYMBOLS), loaded.sentence
    back = loaded.objects / (time.perf_counter() - queued)
    return [
        ("objects archived, read back, sources deleted", f"{rate:,.0f} objects/s", "≥ 1,000"),
        (f"peak memory, {WARM_UP} and then {SYMBOLS} symbols' day", f"{small[1]:,.0f} and {peak:,.0f} MiB", "the same"),
        ("size of bundles to that of the answers", f"{share:.0%}", ""),
        ("bundles queued again by a forced rebuild", f"{loaded.objects / (queued - started):,.0f} objects/s", ""),
        ("objects loaded again out of bundles", f"{back:,.0f} objects/s", ""),
    ]


def _archived(warehouse, lake, number: int, symbols: int) -> tuple[float, float, float]:
    """Archive a day of some symbols; return objects/s, peak of memory in MiB, and bundles' share of bytes."""
    _captured(warehouse, lake, number, symbols)
    now = from_ms(DAY + number * DAY_MS) + timedelta(days=8)
    with _peak() as peak:
        started = time.perf_counter()
        summary = archive.run(lake, warehouse, "bench", now, 7)
        seconds = time.perf_counter() - started
    assert summary.objects == 2 * EACH * symbols, summary.sentence
    assert not list(lake.keys(lake.config.raw_bucket)), "sources are left"
    return summary.objects / seconds, peak[0] / 2**20, summary.bundle_bytes / summary.source_bytes


def _captured(warehouse, lake, number: int, symbols: int) -> None:
    """Put a day's answers into the lake and load them, as the minute path does; symbol by symbol, to take no memory."""
    for place in range(symbols):
        _capture(warehouse, lake, number, f"BENCH{place}USDT")
    load_pending(lake, warehouse, "bench")


def _capture(warehouse, lake, number: int, symbol: str) -> None:
    waiting = []
    for minute in range(EACH):
        stamp = DAY + number * DAY_MS + minute * 60_000 + 1_500
        waiting.append((symbol, stamp, DataType.KLINES, Interval.MINUTE_1, _candles(symbol, stamp)))
        waiting.append((symbol, stamp, DataType.DEPTH, None, _book(stamp, lake.config.depth_levels)))

    def put(one) -> outcomes.Outcome:
        symbol, stamp, data_type, interval, body = one
        payload = wrap(
            body, exchange="binance", symbol=symbol, data_type=data_type, interval=interval, source=Source.REST,
            captured_at_ms=stamp, exchange_time_ms=stamp,
        )  # fmt: skip
        key = raw_key(symbol, data_type, interval, stamp)
        lake.put(lake.config.raw_bucket, key, payload)
        return outcomes.Outcome(
            exchange="binance", symbol=symbol, data_type=data_type, interval_code=interval.value if interval else "",
            run_id="bench", shard="bench", page=1, status="stored", source=Source.REST, captured_at=from_ms(stamp),
            load_state="pending", bucket=lake.config.raw_bucket, object_key=key, payload_bytes=len(payload),
        )  # fmt: skip

    with ThreadPoolExecutor(16) as pool, warehouse.session() as session:
        outcomes.record(session, list(pool.map(put, waiting)))


def _candles(symbol: str, stamp: int) -> bytes:
    last = stamp // 60_000 * 60_000
    return msgspec.json.encode(candles(7, symbol, "1m", last - CANDLES * 60_000, last - 1, stamp))


def _book(stamp: int, levels: int) -> bytes:
    bids, asks = (
        [
            [f"{64000 + side * (n + 1) * 0.01 + stamp % 977:.8f}", f"{(stamp * (n + 3)) % 99991 / 1e4:.8f}"]
            for n in range(levels)
        ]
        for side in (-1, 1)
    )
    return msgspec.json.encode({"lastUpdateId": stamp, "bids": bids, "asks": asks})


@contextmanager
def _peak():
    """Watch this process's memory; the list's one number is the most that was resident, in bytes."""
    process, most, done = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()
