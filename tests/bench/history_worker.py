"""A backfill task as Airflow runs it, in a process of its own, with a clock at each step and its own peak memory."""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

from candlewick.exchange.archive import Archive
from candlewick.exchange.archive import from_connection as open_archive
from candlewick.exchange.binance import from_connection as open_exchange
from candlewick.lake.store import Lake
from candlewick.pipeline.backfill.tools import Tools
from candlewick.pipeline.backfill.work import work_through
from candlewick.pipeline.load_summary import BulkSummary
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse
from candlewick.warehouse.host_state import HostStateStore
from support.servers import GivenMySQL
from support.watched import StoreAt

SECONDS: Counter[str] = Counter()
LOCK = threading.Lock()


@contextmanager
def timed(step):
    started = time.perf_counter()
    try:
        yield
    finally:
        with LOCK:
            SECONDS[step] += time.perf_counter() - started


def watch(owner, name, step):
    """Count the time a method takes."""
    plain = getattr(owner, name)

    def watched(*arguments, **named):
        with timed(step):
            return plain(*arguments, **named)

    setattr(owner, name, watched)


def main() -> None:
    """Read a job, say so, wait for the word; then do the tasks that come line by line."""
    job = json.loads(sys.stdin.readline())
    watch(Archive, "checksum", "download and verify")
    watch(Archive, "download", "download and verify")
    watch(Lake, "put", "put into the lake")
    watch(Lake, "put_file", "put into the lake")
    BulkSummary.timed = lambda _, step: timed("read from the lake" if step == "lake" else step)
    config = Settings(**job["settings"])
    warehouse = Warehouse(lambda: GivenMySQL(job["database"]).connect(config.raw_schema), config)
    lake = Lake(StoreAt(job["object_store"]).client(), config)
    exchange = open_exchange(job["exchange"], {}, HostStateStore(warehouse.open, config.raw_schema), config)
    archive = open_archive(job["archive"], {}, config)
    print("ready", flush=True)  # noqa: T201  # the answer
    for line in sys.stdin:
        task = json.loads(line)
        tools = Tools(exchange, archive, lake, warehouse, job["run_id"])
        work_through(tools, task["backfill_id"], task["first"], task["last"], task["folder"])
        print("done", flush=True)  # noqa: T201  # the answer
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": SECONDS, "peak_bytes": peak}), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
