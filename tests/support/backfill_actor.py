"""The work of a backfill's task as a job of a ``warm`` process, with a failpoint at every put and commit."""

from __future__ import annotations

from typing import Any

from candlewick.exchange.archive import from_connection as open_archive
from candlewick.exchange.binance import from_connection as open_exchange
from candlewick.pipeline.backfill.tools import Tools
from candlewick.pipeline.backfill.work import work_through
from candlewick.warehouse.host_state import HostStateStore
from support.watched import open_watched


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Work through ``job["task"]``; return how many puts and commits there were."""
    with_, task = open_watched(job), job["task"]
    states = HostStateStore(with_.warehouse.open, with_.config.raw_schema)
    exchange = open_exchange(job["exchange"], {}, states, with_.config)
    archive = open_archive(job["exchange"], {}, with_.config)
    tools = Tools(exchange, archive, with_.lake, with_.warehouse, job["run_id"])
    work_through(tools, task["backfill_id"], task["first"], task["last"], task["folder"])
    return {"seen": with_.failpoint.seen}
