"""How fast objects of the lake become staged rows, against a bare LOAD DATA of the same rows in the same run."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import msgspec

from candlewick.demo.market import candles
from candlewick.lake.envelope import wrap
from candlewick.lake.keys import raw_key
from candlewick.market import DataType, Interval, Source
from candlewick.pipeline.load import load_pending
from candlewick.warehouse import outcomes, staging
from candlewick.warehouse.database import from_ms

if TYPE_CHECKING:
    from pathlib import Path

START = 1_704_067_200_000  # 2024-01-01 00:00:00 UTC
PAGE, PAGES, SYMBOLS, ROUNDS = 1000, 100, ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT"), 3


def measure(warehouse, lake, scratch: Path) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines: medians of rounds, each round both ways."""
    pages = _pages()
    rows = PAGE * PAGES * len(SYMBOLS)
    pipeline, bare = [], []
    for number in range(ROUNDS):
        _queue(warehouse, lake, pages, number)
        started = time.perf_counter()
        summary = load_pending(lake, warehouse, f"bench-{number}")
        pipeline.append(rows / (time.perf_counter() - started))
        assert (summary.rows, summary.rejected) == (rows, 0), summary.sentence
        bare.append(rows / _bare(warehouse, summary.load_ids, scratch))
    ratio = statistics.median(p / b for p, b in zip(pipeline, bare, strict=True))
    return [
        ("lake objects → staging", f"{statistics.median(pipeline):,.0f} rows/s", ""),
        ("bare LOAD DATA of the same rows", f"{statistics.median(bare):,.0f} rows/s", ""),
        ("ratio", f"{ratio:.0%}", "≥ 50 %"),
    ]


def _pages() -> list[tuple[str, int, bytes]]:
    """Answers as the exchange sends them: 1000 candles a page."""
    end = START + PAGE * PAGES * 60_000
    found = []
    for symbol in SYMBOLS:
        for first in range(START, end, PAGE * 60_000):
            rows = candles(1, symbol, "1m", first, first + PAGE * 60_000 - 1, end + 60_000)
            found.append((symbol, first, msgspec.json.encode(rows)))
    return found


def _queue(warehouse, lake, pages, number: int) -> None:
    """Put the answers into the lake and onto the queue, as an extraction leaves them."""
    queued = []
    for place, (symbol, first, body) in enumerate(pages):
        stamp = START + PAGE * PAGES * 60_000 + 120_000 + number * 100_000 + place
        payload = wrap(
            body, exchange="binance", symbol=symbol, data_type=DataType.KLINES, interval=Interval.MINUTE_1,
            source=Source.REST, captured_at_ms=stamp, exchange_time_ms=stamp,
        )  # fmt: skip
        key = raw_key(symbol, DataType.KLINES, Interval.MINUTE_1, stamp)
        lake.put(lake.config.raw_bucket, key, payload)
        queued.append(
            outcomes.Outcome(
                exchange="binance", symbol=symbol, data_type=DataType.KLINES, interval_code="1m", run_id="bench",
                shard="bench", page=1, status="stored", source=Source.REST, captured_at=from_ms(stamp),
                load_state="pending", bucket=lake.config.raw_bucket, object_key=key, payload_bytes=len(payload),
                row_count=PAGE, first_open_time=from_ms(first),
            )
        )  # fmt: skip
    with warehouse.session() as session:
        outcomes.record(session, queued)


def _bare(warehouse, load_ids: list[int], scratch: Path) -> float:
    """Seconds of one LOAD DATA of the rows just staged into an empty twin of staging."""
    columns = f"load_id, {staging.COLUMNS[staging.KLINES]}"
    file = scratch / "bare.tsv"
    with warehouse.session() as session, file.open("w") as sink:
        marks = ", ".join(["%s"] * len(load_ids))
        for row in session.all(f"SELECT {columns} FROM {staging.KLINES} WHERE load_id IN ({marks})", load_ids):
            sink.write("\t".join(map(str, row)) + "\n")
    with warehouse.session() as session:
        session.run("CREATE TABLE bare_klines LIKE staging_klines")
        started = time.perf_counter()
        session.run(f"LOAD DATA LOCAL INFILE %s INTO TABLE bare_klines ({columns})", (str(file),))
        session.commit()
        seconds = time.perf_counter() - started
        session.run("DROP TABLE bare_klines")
    return seconds
