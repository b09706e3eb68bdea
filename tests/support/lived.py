"""Three days of a warehouse that has seen all roads: live minutes, a late revision, REST spans, archive files, one published again."""

from __future__ import annotations

from contextlib import closing
from datetime import date

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.archive import from_connection as open_archive
from candlewick.market import Interval
from candlewick.pipeline.archive_fetch import fetch_file
from candlewick.pipeline.backfill.tools import Tools
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.gaps.aside import ask_aside
from candlewick.pipeline.listing import first_open_time
from candlewick.pipeline.rest_span import fetch_span
from support.minute_path import cycle

MODELS = ("tag:minute", "kline_revisions")
BACKFILL = ("--vars", "{lane: backfill}")
MAY_30 = ArchiveFile.of_day("BTCUSDT", Interval.MINUTE_1, date(2024, 5, 30))
MAY_31 = ArchiveFile.of_day("BTCUSDT", Interval.MINUTE_1, date(2024, 5, 31))


def live_through(market, binance, lake, warehouse, dbt):
    """Live minutes with a late revision, a span by REST, an archive file over it, and that file published again."""
    market.set_clock("2024-06-01T11:55:30Z")
    market.add_faults({"kind": "late_revision", "path": "/api/v3/klines", "seconds": 120})
    cycle(binance, lake, warehouse)
    market.control("DELETE", "faults")
    with binance() as exchange:
        fetch_span(exchange, lake, warehouse, "BTCUSDT", Interval.MINUTE_1, MAY_31.start_ms - 21_600_000,
                   MAY_31.start_ms + 43_200_000, "run", label="span")  # fmt: skip
        # Evidence: nobody asked to load these minutes, and a rebuild must not.
        assert first_open_time(exchange, lake, warehouse, "BTCUSDT", "run")
        tools = Tools(exchange, None, lake, warehouse, "run")
        assert len(ask_aside(tools, "BTCUSDT", Interval.MINUTE_1, 0, MAY_30.start_ms).open_times_ms) == 1000
    load_backlog(lake, warehouse, "run")
    with closing(open_archive(market.url, {}, warehouse.config)) as archive:
        for file in (MAY_30, MAY_31):
            fetch_file(archive, lake, warehouse, file, "run")
        load_backlog(lake, warehouse, "run")
        dbt("run", "--select", *MODELS)
        market.add_faults({"kind": "republished", "path": MAY_31.name})
        assert fetch_file(archive, lake, warehouse, MAY_31, "run").state == "stored"
    load_backlog(lake, warehouse, "run")
    dbt("run", "--select", *MODELS, *BACKFILL)
    market.set_clock("2024-06-01T12:00:30Z")
    cycle(binance, lake, warehouse)
    dbt("run", "--select", *MODELS)
