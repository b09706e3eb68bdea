"""The control API of the simulated exchange, under ``/_control/`` on the same port. Bodies are JSON, times epoch ms.

``GET /_control/state``
    Seed, clock, settings, limits, weight used by client in this minute, symbols with status, faults with ``struck``.
``POST /_control/reset``
    Real time, no faults, empty log, no bans, symbols and settings as at the start.
``POST /_control/clock``
    ``{"now": ms or "2024-01-01T00:00:00Z", "rate": 0}`` sets the clock (without ``rate`` a set clock stands still);
    ``{"advance_ms": 60000}`` moves it and keeps its rate; ``{"rate": 60}`` changes the speed;
    ``{"real": true}`` returns to real time. Answers ``{"now": ms, "rate": r}``.
``POST /_control/settings``
    Any of ``latency_ms``, ``archive_delay_seconds``, ``weight_limit``, ``patience`` (429s before a ban),
    ``ban_seconds``; ``{"forget": true}`` lifts bans and forgets weights.
``POST /_control/symbols``
    List of ``{"symbol": "XUSDT", "status": "HALT", "listed": ms}``: creates or changes it, now. Any status but TRADING
    stops new minutes; DELISTED answers -1121 (its archive stays).
``GET | DELETE /_control/requests``
    The last requests, oldest first: ``time path params client host status weight used_weight faults``. DELETE forgets.
``GET | POST | DELETE /_control/faults``
    POST adds a list of faults ``{"kind": …}``. All kinds take the filters ``path`` and ``host`` (contained in),
    ``symbol``, ``interval``, and ``count`` (times) or ``probability`` with ``seed``. Kinds:

    * ``"429" "418"`` (``retry_after`` seconds), ``"451" "403" "500" "503" "504"``: that answer instead.
    * ``slow`` (``seconds``), ``cutoff`` (half of the body, then the connection closes), ``garbage``, ``html``, ``empty``.
    * ``duplicates``, ``shuffled``, ``bad_rows`` (``variants``, see ``corruption``), ``late_revision`` (``seconds`` after
      close): REST rows and archive files alike.
    * ``republished`` (an archive file with other content and its right checksum), ``bad_checksum``.
    * ``outage``, ``flat``, ``hole`` from ``start`` to ``end``, of one ``symbol`` or all: see ``gaps.Gap``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from candlewick.demo.exchange import Exchange

_LIMITS = ("weight_limit", "patience", "ban_seconds")
_SETTINGS = ("latency_ms", "archive_delay_seconds")
Action = Callable[[Request], Awaitable[JSONResponse]]


def control_routes(exchange: Exchange) -> Starlette:
    """The control API as an application of its own."""

    async def state(request: Request) -> JSONResponse:
        return JSONResponse(_state(exchange))

    async def reset(request: Request) -> JSONResponse:
        exchange.reset()
        return JSONResponse(_state(exchange))

    async def clock(request: Request) -> JSONResponse:
        _set_clock(exchange, await request.json())
        return JSONResponse(_clock(exchange))

    async def settings(request: Request) -> JSONResponse:
        _change_settings(exchange, await request.json())
        return JSONResponse(_settings(exchange))

    async def symbols(request: Request) -> JSONResponse:
        for item in await request.json():
            exchange.change_symbol(item["symbol"], item.get("status"), item.get("listed"))
        return JSONResponse(_symbols(exchange))

    async def requests(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            exchange.requests.clear()
        return JSONResponse(list(exchange.requests))

    async def faults(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            exchange.faults.clear()
        if request.method == "POST":
            exchange.faults.add(await request.json())
        return JSONResponse([fault.as_dict() for fault in exchange.faults.all])

    return Starlette(
        routes=[
            Route("/_control/state", state),
            Route("/_control/reset", _checked(reset), methods=["POST"]),
            Route("/_control/clock", _checked(clock), methods=["POST"]),
            Route("/_control/settings", _checked(settings), methods=["POST"]),
            Route("/_control/symbols", _checked(symbols), methods=["POST"]),
            Route("/_control/requests", requests, methods=["GET", "DELETE"]),
            Route("/_control/faults", _checked(faults), methods=["GET", "POST", "DELETE"]),
        ]
    )


def _checked(action: Action) -> Action:
    """Answer 400 with the reason to a body that makes no sense."""

    async def answer(request: Request) -> JSONResponse:
        try:
            return await action(request)
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            return JSONResponse({"error": f"{type(problem).__name__}: {problem}"}, status_code=400)

    return answer


def _set_clock(exchange: Exchange, order: dict[str, Any]) -> None:
    clock = exchange.clock
    if unknown := set(order) - {"now", "rate", "advance_ms", "real"}:
        raise ValueError(f"now, rate, advance_ms or real, not {', '.join(sorted(unknown))}")
    if order.get("real"):
        clock.reset()
    elif "now" in order:
        clock.set(_ms(order["now"]), float(order.get("rate", 0)))
    else:
        clock.set(clock.now_ms() + int(order.get("advance_ms", 0)), float(order.get("rate", clock.rate)))


def _ms(moment: int | str) -> int:
    if isinstance(moment, int):
        return moment
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError(f"a time with its zone is wanted, as 2024-01-01T00:00:00Z, not {moment!r}")
    return int(parsed.timestamp() * 1000)


def _change_settings(exchange: Exchange, order: dict[str, Any]) -> None:
    if unknown := set(order) - {*_LIMITS, *_SETTINGS, "forget"}:
        raise ValueError(f"{', '.join((*_LIMITS, *_SETTINGS))} or forget, not {', '.join(sorted(unknown))}")
    for name, value in order.items():
        if name == "forget":
            exchange.limiter.forget()
        else:
            setattr(exchange.limiter if name in _LIMITS else exchange.settings, name, int(value))


def _state(exchange: Exchange) -> dict[str, Any]:
    return {
        "seed": exchange.seed,
        "clock": _clock(exchange),
        "settings": _settings(exchange),
        "used_weight": exchange.limiter.used(exchange.clock.now_ms()),
        "symbols": _symbols(exchange),
        "faults": [fault.as_dict() for fault in exchange.faults.all],
        "requests": len(exchange.requests),
    }


def _clock(exchange: Exchange) -> dict[str, Any]:
    return {"now": exchange.clock.now_ms(), "rate": exchange.clock.rate}


def _settings(exchange: Exchange) -> dict[str, Any]:
    return {**asdict(exchange.settings), **{name: getattr(exchange.limiter, name) for name in _LIMITS}}


def _symbols(exchange: Exchange) -> list[dict[str, Any]]:
    return [
        {"symbol": name, "status": market.status, "listed": market.symbol.listed_ms}
        for name, market in exchange.markets.items()
    ]
