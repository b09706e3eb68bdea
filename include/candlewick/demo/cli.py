"""``python -m candlewick.demo``: run the simulated exchange until SIGTERM or Ctrl-C."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from candlewick.demo.app import ExchangeApp
from candlewick.demo.exchange import Exchange, Settings
from candlewick.demo.limits import Limiter
from candlewick.demo.server import bind, serve
from candlewick.demo.source import Generated, Source
from candlewick.demo.symbols import symbols_from


def main(arguments: Sequence[str] | None = None) -> None:
    """Bind, say where in one line, serve."""
    options = _parser().parse_args(arguments)
    exchange = build(options)
    sockets = bind(options.host, options.port or [18080])
    urls = " ".join(f"http://{options.host}:{socket.getsockname()[1]}" for socket in sockets)
    print(f"simulated exchange at {urls} ({len(exchange.markets)} symbols, seed {exchange.seed})", flush=True)
    serve(ExchangeApp(exchange), sockets)


def build(options: argparse.Namespace) -> Exchange:
    """The exchange the options describe."""
    source: Source = Generated(options.seed)
    exchange = Exchange(
        options.seed,
        source,
        symbols_from(options.symbols),
        Settings(options.latency_ms, options.archive_delay_seconds),
        Limiter(options.weight_limit),
    )
    if options.faults:
        exchange.faults.add(json.loads(options.faults.read_text()))
    return exchange


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
    parser.add_argument(
        "--faults", type=Path, help="JSON file with a list of faults, as POST /_control/faults takes it"
    )
    return parser
