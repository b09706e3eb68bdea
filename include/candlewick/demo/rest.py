"""Binance's market-data endpoints under /api/v3."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from candlewick.demo import corruption, depth, parameters
from candlewick.demo.answers import Answer, RefusedError, as_json
from candlewick.demo.exchange import Exchange, Market
from candlewick.demo.faults import Fault
from candlewick.demo.intervals import FIXED_MS, MINUTE_MS
from candlewick.demo.rows import decimal
from candlewick.demo.source import Page, page

Query = dict[str, str]
_SLOW_MINUTES = 20_000


@dataclass(frozen=True)
class Call:
    """One request and the faults that strike it."""

    exchange: Exchange
    query: Query
    faults: list[Fault]
    now_ms: int


def ping(_call: Call) -> Answer:
    """Nothing, quickly."""
    return as_json({})


def server_time(call: Call) -> Answer:
    """The exchange's clock."""
    return as_json({"serverTime": call.now_ms})


def exchange_info(call: Call) -> Answer:
    """Limits and symbols: one, some, or all that are listed."""
    parameters.only(call.query, "symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
    names = parameters.symbols(call.query)
    markets = [_market(call, name) for name in names] if names is not None else _listed(call.exchange)
    wanted_status = call.query.get("symbolStatus")
    return as_json(
        {
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "rateLimits": [
                _limit("REQUEST_WEIGHT", 1, call.exchange.settings.weight_limit),
                _limit("RAW_REQUESTS", 5, 61_000),
            ],
            "exchangeFilters": [],
            "symbols": [_described(market) for market in markets if wanted_status in (None, market.status)],
        }
    )


def klines(call: Call) -> Answer:
    """Up to 1000 candles; nothing marks the last one while it is forming."""
    query, exchange = call.query, call.exchange
    parameters.only(query, "symbol", "interval", "startTime", "endTime", "timeZone", "limit")
    name, interval = parameters.symbol(query), parameters.interval(query)
    wanted = Page(
        interval,
        parameters.number(query, "startTime"),
        parameters.number(query, "endTime"),
        parameters.limit(query, 500, 1000),
        parameters.zone_offset_ms(query),
    )
    rows = page(exchange.source, exchange.tape(_market(call, name)), wanted, call.now_ms)
    return as_json(corruption.corrupted(rows, call.faults, call.now_ms))


def order_book(call: Call) -> Answer:
    """The book as recorded where it was, else a synthetic one."""
    parameters.only(call.query, "symbol", "limit", "symbolStatus")
    name, limit = parameters.symbol(call.query), parameters.limit(call.query, 100, depth.MOST_LEVELS)
    market, source = _market(call, name), call.exchange.source
    recorded = source.recorded_book(name)
    if recorded is not None:
        return as_json({**recorded, "bids": recorded["bids"][:limit], "asks": recorded["asks"][:limit]})
    # While nothing trades the book stands still.
    at = call.now_ms if market.halted_ms is None else market.halted_ms
    tape = call.exchange.tape(market)
    return as_json(depth.book(tape, source.price_ticks(tape, at // 1000 * 1000), at, limit))


ENDPOINTS: dict[str, Callable[[Call], Answer]] = {
    "/api/v3/ping": ping,
    "/api/v3/time": server_time,
    "/api/v3/exchangeInfo": exchange_info,
    "/api/v3/klines": klines,
    "/api/v3/depth": order_book,
}


def weight(path: str, query: Query) -> int:
    """Request weight, known before the request is understood (a bad limit weighs as the default one)."""
    if path == "/api/v3/depth":
        limit = query.get("limit", "")
        return depth.weight(min(int(limit), depth.MOST_LEVELS) if limit.isascii() and limit.isdigit() else 100)
    return {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20}.get(path, 1)


def is_slow(path: str, query: Query) -> bool:
    """Whether to leave the event loop for it: a page that is rolled up from very many minutes."""
    if path != "/api/v3/klines":
        return False
    length = FIXED_MS.get(query.get("interval", ""), FIXED_MS["1w"]) // MINUTE_MS
    limit = query.get("limit", "500")
    return length * (int(limit) if limit.isascii() and limit.isdigit() else 1) > _SLOW_MINUTES


def _market(call: Call, name: str) -> Market:
    market = call.exchange.market(name)
    if market is None:
        raise RefusedError(-1121, "Invalid symbol.")
    return market


def _listed(exchange: Exchange) -> list[Market]:
    found = (exchange.market(name) for name in exchange.markets)
    return [market for market in found if market]


def _limit(kind: str, minutes: int, most: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": "MINUTE", "intervalNum": minutes, "limit": most}


def _described(market: Market) -> dict[str, Any]:
    symbol = market.symbol
    tick, lot = decimal(10 ** (8 - symbol.price_decimals)), decimal(10 ** (8 - symbol.quantity_decimals))
    most = "9000000000.00000000"
    return {
        "symbol": symbol.name,
        "status": market.status,
        "baseAsset": symbol.base,
        "baseAssetPrecision": 8,
        "quoteAsset": symbol.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": most, "avgPriceMins": 5},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
