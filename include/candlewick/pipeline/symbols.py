"""Which symbols a cycle asks for: seeding, states from the exchange, and shards."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.settings import SYMBOL_PATTERN
from candlewick.warehouse import symbols as table
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from candlewick.exchange.port import Exchange
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.symbols import StateChange


def seed(warehouse: Warehouse) -> list[str]:
    """Fill an empty table of tracked symbols from ``CANDLEWICK_SYMBOLS``; afterwards the table rules."""
    with warehouse.session() as session:
        if not table.is_empty(session, warehouse.config.exchange):
            return []
        table.add(session, warehouse.config.exchange, warehouse.config.symbols, utc_now())
    return list(warehouse.config.symbols)


def refresh_states(exchange: Exchange, warehouse: Warehouse) -> list[StateChange] | None:
    """Ask the exchange for the symbols' states when what we know is too old.

    Returns:
        The symbols whose status changed; None when nothing was asked.
    """
    config = warehouse.config
    oldest_allowed = utc_now() - timedelta(minutes=config.exchange_info_minutes)
    with warehouse.session() as session:
        known = table.active(session, config.exchange)
    if all(symbol.status_at and symbol.status_at > oldest_allowed for symbol in known):
        return None
    info = exchange.exchange_info()
    with warehouse.session() as session:
        return table.record_states(session, config.exchange, info.symbols, utc_now())


def plan_shards(warehouse: Warehouse, config: Settings | None = None) -> list[dict[str, object]]:
    """Split the symbols to ask for into shards ``{"name", "symbols", "closing"}``.

    Halted and delisted symbols are not asked for; one that stopped trading while we followed it is asked once more for
    the candles (not the book) it had until then: those are ``closing``.
    """
    config = config or warehouse.config
    now = utc_now()
    with warehouse.session() as session:
        tracked = table.active(session, config.exchange)
    names = [symbol.symbol for symbol in tracked if symbol.is_polled]
    closing = [symbol.symbol for symbol in tracked if symbol.needs_closing(now)]
    shards = [names[start : start + config.shard_size] for start in range(0, len(names), config.shard_size)]
    planned: list[dict[str, object]] = [
        {"name": shard_name(shard), "symbols": shard, "closing": []} for shard in shards
    ]
    if closing:
        planned.append({"name": f"closing {shard_name(closing)}", "symbols": [], "closing": closing})
    return planned


def shard_name(symbols: list[str]) -> str:
    """Name a shard so that people find a symbol in it."""
    if len(symbols) <= 3:  # noqa: PLR2004 -- that many still read well
        return " ".join(symbols)
    return f"{symbols[0]} … {symbols[-1]} ({len(symbols)})"


def main() -> int:
    """``python -m candlewick.pipeline.symbols seed | list | add SYMBOL… | remove SYMBOL…`` on the `warehouse` connection."""
    from candlewick import connections
    from candlewick.warehouse.database import WarehouseError

    command, names = (sys.argv[1:2] or [""])[0], [name.upper() for name in sys.argv[2:]]
    if command not in ("seed", "list", "add", "remove") or (command in ("add", "remove")) != bool(names):
        sys.stderr.write("usage: python -m candlewick.pipeline.symbols seed | list | add SYMBOL… | remove SYMBOL…\n")
        return 2
    if bad := [name for name in names if not SYMBOL_PATTERN.fullmatch(name)]:
        sys.stderr.write(f"expected symbols as the exchange writes them (BTCUSDT), got {' '.join(bad)}\n")
        return 2
    try:
        sys.stdout.write(_command(connections.warehouse(), command, names) + "\n")
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _command(warehouse: Warehouse, command: str, names: list[str]) -> str:
    """Do one of the commands; return the sentence to print."""
    exchange = warehouse.config.exchange
    if command == "seed":
        return f"symbols seeded: {', '.join(seed(warehouse)) or 'none, the table has some'}"
    with warehouse.session() as session:
        if command == "add":
            table.add(session, exchange, names, utc_now())
            return f"tracked from the next cycle on: {', '.join(names)}"
        if command == "remove":
            gone = [name for name in names if table.remove(session, exchange, name, utc_now())]
            return f"no longer tracked, their data stays: {', '.join(gone) or 'none, they were not tracked'}"
        return "\n".join(
            f"{found.symbol} {found.status or 'not asked yet'}" for found in table.active(session, exchange)
        )


if __name__ == "__main__":
    sys.exit(main())
