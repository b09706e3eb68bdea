"""One extract or load as a job of a ``warm`` process, with a failpoint at every put and commit."""

from __future__ import annotations

from typing import Any

from candlewick.exchange.binance import from_connection
from candlewick.exchange.errors import BadRequest, ExchangeError, HostRefused, IpBanned
from candlewick.lake.store import LakeError, LakeUnavailable
from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.load import load_pending
from candlewick.warehouse.database import WarehouseBusy, WarehouseError
from candlewick.warehouse.host_state import HostStateStore
from support.watched import open_watched

# What Airflow's tasks do not try again (candlewick.wiring.rules): a dead server must never look like one of these.
LASTING = (BadRequest, HostRefused, IpBanned, WarehouseError, LakeError)
PASSING = (WarehouseBusy, LakeUnavailable)


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]`` (extract or load) once; a typed error is an answer, anything else a crash."""
    with_ = open_watched(job)
    config, warehouse, lake = with_.config, with_.warehouse, with_.lake
    said = {}
    try:
        if job["step"] == "extract":
            client = from_connection(job["exchange"], {}, HostStateStore(warehouse.open, config.raw_schema), config)
            summary = extract_shard(client, lake, warehouse, {"name": "all", "symbols": job["symbols"]}, "run")
            client.close()
        else:
            summary = load_pending(lake, warehouse, "run")
        said["summary"] = summary.sentence
    except (WarehouseError, LakeError, ExchangeError) as error:
        lasting = isinstance(error, LASTING) and not isinstance(error, PASSING)
        said = {"error": f"{type(error).__name__}: {error}", "lasting": lasting}
    return {**said, "seen": with_.failpoint.seen}
