"""Binance's market-data endpoints under /api/v3."""

from collections.abc import Callable
from typing import Any

from candlewick.demo import corruption, depth, parameters
from candlewick.demo.answers import Answer, Refusal, as_json
from candlewick.demo.exchange import Exchange, Market
from candlewick.demo.faults import Fault
from candlewick.demo.intervals import FIXED_MS, MINUTE_MS
from candlewick.demo.rows import Row, decimal
from candlewick.demo.source import page

Query = dict[str, str]
Handler = Callable[[Exchange, Query, list[Fault]], Answer]
_SLOW_MINUTES = 20_000


def ping(exchange: Exchange, query: Query, faults: list[Fault]) -> Answer:
    return as_json({})


def server_time(exchange: Exchange, query: Query, faults: list[Fault]) -> Answer:
    return as_json({"serverTime": exchange.clock.now_ms()})


def exchange_info(exchange: Exchange, query: Query, faults: list[Fault]) -> Answer:
    parameters.only(query, "symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
    names = parameters.symbols(query)
    markets = [_market(exchange, name) for name in names] if names is not None else _listed(exchange)
    wanted_status = query.get("symbolStatus")
    return as_json(
        {
            "timezone": "UTC",
            "serverTime": exchange.clock.now_ms(),
            "rateLimits": [_limit("REQUEST_WEIGHT", "MINUTE", 1, exchange.limiter.weight_limit)]
            + [_limit("RAW_REQUESTS", "MINUTE", 5, 61_000)],
            "exchangeFilters": [],
            "symbols": [_described(market) for market in markets if wanted_status in (None, market.status)],
        }
    )


def klines(exchange: Exchange, query: Query, faults: list[Fault]) -> Answer:
    parameters.only(query, "symbol", "interval", "startTime", "endTime", "timeZone", "limit")
    name, interval = parameters.symbol(query), parameters.interval(query)
    limit = parameters.limit(query, 500, 1000)
    start, end = parameters.number(query, "startTime"), parameters.number(query, "endTime")
    offset = parameters.zone_offset_ms(query)
    market, now = _market(exchange, name), exchange.clock.now_ms()
    rows = page(exchange.source, market.symbol, exchange.gaps(market), interval, start, end, limit, now, offset)
    return as_json(corrupted(rows, faults, now))


def order_book(exchange: Exchange, query: Query, faults: list[Fault]) -> Answer:
    parameters.only(query, "symbol", "limit", "symbolStatus")
    name, limit = parameters.symbol(query), parameters.limit(query, 100, depth.MOST_LEVELS)
    market = _market(exchange, name)
    # While nothing trades the book stands still.
    at = exchange.clock.now_ms() if market.halted_ms is None else market.halted_ms
    recorded = exchange.source.recorded_book(name)
    if recorded is not None:
        return as_json({**recorded, "bids": recorded["bids"][:limit], "asks": recorded["asks"][:limit]})
    ticks = exchange.source.price_ticks(market.symbol, at // 1000 * 1000)
    return as_json(depth.book(exchange.seed, market.symbol, ticks, at, limit))


ENDPOINTS: dict[str, Handler] = {
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


def corrupted(rows: list[Row], faults: list[Fault], now_ms: int) -> list[Row]:
    """The rows after all faults that concern rows."""
    for fault in faults:
        if fault.kind == "late_revision":
            rows = corruption.late_revision(rows, now_ms, fault.seconds)
        elif fault.kind == "bad_rows":
            rows = corruption.bad_rows(rows, fault.variants, now_ms)
        elif fault.kind == "duplicates":
            rows = corruption.duplicates(rows)
        elif fault.kind == "shuffled":
            rows = corruption.shuffled(rows, fault.seed)
    return rows


def _market(exchange: Exchange, name: str) -> Market:
    market = exchange.market(name)
    if market is None:
        raise Refusal(-1121, "Invalid symbol.")
    return market


def _listed(exchange: Exchange) -> list[Market]:
    found = (exchange.market(name) for name in exchange.markets)
    return [market for market in found if market]


def _limit(kind: str, interval: str, number: int, most: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most}


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
