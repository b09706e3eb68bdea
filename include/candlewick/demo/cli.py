"""``python -m candlewick.demo``: run the simulated exchange until SIGTERM or Ctrl-C."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from candlewick.demo.app import ExchangeApp
from candlewick.demo.exchange import Exchange
from candlewick.demo.recordings import read
from candlewick.demo.replay import Recorded, days_to_end_today
from candlewick.demo.server import bind, serve
from candlewick.demo.settings import Settings
from candlewick.demo.source import Generated, Source
from candlewick.demo.symbols import Symbol, symbols_from


def main(arguments: Sequence[str] | None = None) -> None:
    """Bind, say where in one line, serve."""
    options = _parser().parse_args(arguments)
    exchange = build(options)
    sockets = bind(options.host, options.port or [18080])
    urls = " ".join(f"http://{options.host}:{socket.getsockname()[1]}" for socket in sockets)
    print(f"simulated exchange at {urls} ({len(exchange.markets)} symbols, seed {exchange.seed})", flush=True)  # noqa: T201 - its one line for the operator
    serve(ExchangeApp(exchange), sockets)


def build(options: argparse.Namespace) -> Exchange:
    """The exchange the options describe."""
    source, symbols = _market(options)
    exchange = Exchange(
        options.seed,
        source,
        symbols,
        Settings(options.latency_ms, options.archive_delay_seconds, options.weight_limit),
    )
    if options.faults:
        exchange.faults.add(json.loads(options.faults.read_text()))
    return exchange


def _market(options: argparse.Namespace) -> tuple[Source, list[Symbol]]:
    if options.replay is None:
        return Generated(), symbols_from(options.symbols)
    recordings = read(options.replay)
    days = days_to_end_today(recordings) if options.shift_days == "today" else int(options.shift_days)
    source = Recorded(recordings, days)
    return source, source.symbols()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m candlewick.demo", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback only)")
    parser.add_argument("--port", type=int, action="append", help="repeatable; 0 picks a free one (default 18080)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another market")
    parser.add_argument(
        "--symbols", default="default", help='comma-separated: names, a number of made-up symbols ("300"), "default"'
    )
    parser.add_argument("--latency-ms", type=int, default=0, help="added to every answer")
    parser.add_argument("--weight-limit", type=int, default=6000, help="request weight per minute and client")
    parser.add_argument("--archive-delay-seconds", type=int, default=7200, help="from a file's last candle to the file")
    parser.add_argument("--replay", type=Path, help="folder of recorded archive files to serve instead of a market")
    parser.add_argument(
        "--shift-days", default="0", help='move the recordings by so many days, or "today" to end today'
    )
    parser.add_argument("--faults", type=Path, help="JSON file with a list of faults, as the control API takes it")
    return parser
