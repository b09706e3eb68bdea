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
    ``suffix`` (the path's end), ``symbol``, ``interval``, and ``count`` (times) or ``probability`` with ``seed``. Kinds:

    * ``"429" "418" "503"`` (``retry_after`` seconds), ``"451" "403" "404" "500" "504"``: that answer instead; 404 is the
      archive's, so that a month can be missing while its days are there (``path: "monthly"``), or the reverse.
    * ``slow`` (``seconds``), ``cutoff`` (half of the body, REST or archive, then the connection closes), ``garbage``,
      ``html``, ``empty``.
    * ``duplicates``, ``shuffled``, ``bad_rows`` (``variants``, see ``corruption``), ``late_revision`` (``seconds``
      after close): REST rows and archive files alike.
    * of archive files: ``republished`` (other content and its right checksum; of ``path: "monthly"`` only, months and
      days of a symbol disagree in one row), ``truncated`` (ends after ``rows`` rows), ``header`` (a line of names first),
      ``corrupt_zip`` (damaged bytes; ``checksum_of`` the ``damaged`` or the ``true`` ones), ``bad_checksum``,
      ``bare_checksum`` (no line end). The ``suffix`` ``.zip`` or ``.CHECKSUM`` strikes one of a pair.
    * ``outage``, ``flat``, ``hole`` from ``start`` to ``end``, of one ``symbol`` or all: see ``gaps.Gap``.
"""

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from candlewick.demo.exchange import Exchange
from candlewick.demo.settings import Settings

_SETTINGS = tuple(knob.name for knob in fields(Settings))
Action = Callable[[Exchange, Any], Any]


class ControlApp:
    """The control API of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 to what it does not know and 400, with the reason, to a body that makes no sense."""
        request = Request(scope, receive)
        action = _ACTIONS.get((request.method, request.url.path.removeprefix("/_control/")))
        if action is None:
            await JSONResponse({"error": "see candlewick.demo.control"}, 404)(scope, receive, send)
            return
        try:
            body = await request.json() if request.method == "POST" and await request.body() else None
            answer = JSONResponse(action(self._exchange, body))
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            answer = JSONResponse({"error": f"{type(problem).__name__}: {problem}"}, 400)
        await answer(scope, receive, send)


def _state(exchange: Exchange, _body: None = None) -> dict[str, Any]:
    return {
        "seed": exchange.seed,
        "clock": {"now": exchange.clock.now_ms(), "rate": exchange.clock.rate},
        "settings": asdict(exchange.settings),
        "used_weight": exchange.limiter.used(exchange.clock.now_ms()),
        "symbols": _symbols(exchange),
        "faults": _faults(exchange),
        "requests": len(exchange.requests),
    }


def _reset(exchange: Exchange, _body: None) -> dict[str, Any]:
    exchange.reset()
    return _state(exchange)


def _set_clock(exchange: Exchange, order: dict[str, Any]) -> dict[str, Any]:
    clock = exchange.clock
    _refuse_unknown(order, "now", "rate", "advance_ms", "real")
    if order.get("real"):
        clock.reset()
    elif "now" in order:
        clock.set(_ms(order["now"]), float(order.get("rate", 0)))
    else:
        clock.set(clock.now_ms() + int(order.get("advance_ms", 0)), float(order.get("rate", clock.rate)))
    return {"now": clock.now_ms(), "rate": clock.rate}


def _ms(moment: int | str) -> int:
    if isinstance(moment, int):
        return moment
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError(f"a time with its zone is wanted, as 2024-01-01T00:00:00Z, not {moment!r}")
    return int(parsed.timestamp() * 1000)


def _change_settings(exchange: Exchange, order: dict[str, Any]) -> dict[str, Any]:
    _refuse_unknown(order, "forget", *_SETTINGS)
    if order.pop("forget", False):
        exchange.limiter.forget()
    exchange.settings = replace(exchange.settings, **{name: int(value) for name, value in order.items()})
    return asdict(exchange.settings)


def _change_symbols(exchange: Exchange, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for item in items:
        exchange.change_symbol(item["symbol"], item.get("status"), item.get("listed"))
    return _symbols(exchange)


def _symbols(exchange: Exchange) -> list[dict[str, Any]]:
    return [
        {"symbol": name, "status": market.status, "listed": market.symbol.listed_ms}
        for name, market in exchange.markets.items()
    ]


def _requests(exchange: Exchange, _body: None) -> list[dict[str, Any]]:
    return list(exchange.requests)


def _forget_requests(exchange: Exchange, _body: None) -> list[dict[str, Any]]:
    exchange.requests.clear()
    return []


def _faults(exchange: Exchange, _body: None = None) -> list[dict[str, Any]]:
    return [fault.as_dict() for fault in exchange.faults.all]


def _add_faults(exchange: Exchange, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    exchange.faults.add(items)
    return _faults(exchange)


def _clear_faults(exchange: Exchange, _body: None) -> list[dict[str, Any]]:
    exchange.faults.clear()
    return []


def _refuse_unknown(order: dict[str, Any], *known: str) -> None:
    if unknown := set(order) - set(known):
        raise ValueError(f"expected any of {', '.join(known)}; do not know {', '.join(sorted(unknown))}")


_ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "state"): _state,
    ("POST", "reset"): _reset,
    ("POST", "clock"): _set_clock,
    ("POST", "settings"): _change_settings,
    ("POST", "symbols"): _change_symbols,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _clear_faults,
}
