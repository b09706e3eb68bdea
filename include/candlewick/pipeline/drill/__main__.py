"""A drill by hand: ``python -m candlewick.pipeline.drill --from 2026-01-01 --to 2026-01-02``; ends with 0 only when all is the same."""

from __future__ import annotations

import argparse
import logging
import sys

from candlewick import connections
from candlewick.lake.store import LakeError
from candlewick.pipeline.drill.rehearse import DrillSummary, rehearse
from candlewick.pipeline.drill.request import DrillRefused, DrillRequest
from candlewick.pipeline.transform import TransformError
from candlewick.warehouse.database import WarehouseError, utc_now

EQUAL, DIFFERENT, NOT_PROVEN, REFUSED = 0, 1, 2, 3


def main(argv: list[str]) -> int:
    """Run a drill and tell what was found; what is in the way is one sentence."""
    options = _options(argv)
    params = {"from": options.start, "to": options.end, "symbols": options.symbols}
    logging.basicConfig(level=logging.WARNING)
    try:
        request = DrillRequest.read(params, utc_now().date())
        with connections.lake() as lake:
            summary = rehearse(connections.warehouse(), lake, request, "drill", utc_now(), keep=options.keep)
    except (DrillRefused, LakeError, WarehouseError, TransformError) as error:
        sys.stderr.write(f"error: {error}\n")
        return REFUSED
    sys.stdout.write("".join(f"{line}\n" for line in (*summary.lines, summary.sentence)))
    return exit_code(summary)


def exit_code(summary: DrillSummary) -> int:
    """Return 0 only for what is proven to be the same."""
    if summary.is_different:
        return DIFFERENT
    return EQUAL if summary.is_equal else NOT_PROVEN


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m candlewick.pipeline.drill", description=__doc__)
    parser.add_argument("--from", dest="start", default="", help="the first day, UTC: 2026-01-31")
    parser.add_argument("--to", dest="end", default="", help="the last day, all of it")
    parser.add_argument("--symbols", default="", help="BTCUSDT,ETHUSDT; without it all")
    parser.add_argument("--keep", action="store_true", help="leave the schemas for a look; the next drill empties them")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
