"""The ASGI application: every request is charged, logged, perhaps struck by a fault, and answered."""

import asyncio
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from candlewick.demo import archive, rest, striking
from candlewick.demo.answers import Answer, RefusedError
from candlewick.demo.archive_paths import PREFIX
from candlewick.demo.control import ControlApp
from candlewick.demo.exchange import Exchange
from candlewick.demo.faults import Fault


class ExchangeApp:
    """REST, archive and control API of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._control = ControlApp(exchange)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self._control(scope, receive, send)
            return
        path = scope["path"]
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        client = (scope.get("client") or ("unknown",))[0]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = await self._answer(path, query, client, headers)
        await _send(answer, send)

    async def _answer(self, path: str, query: dict[str, str], client: str, headers: dict[str, str]) -> Answer:
        exchange, host = self._exchange, headers.get("host", "")
        if exchange.settings.latency_ms:
            await asyncio.sleep(exchange.settings.latency_ms / 1000)
        faults = exchange.faults.striking(path, query, host)
        for fault in faults:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
        now = exchange.clock.now_ms()
        is_rest = path.startswith("/api/")
        weight = rest.weight(path, query) if is_rest else 0
        used, refused = exchange.limiter.charge(client, weight, now, exchange.settings) if is_rest else (0, None)
        answer = refused or striking.refusal(faults, path, now)
        if answer is None:
            if not is_rest or rest.is_slow(path, query):
                answer = await asyncio.to_thread(self._handle, path, query, faults, headers.get("if-none-match", ""))
            else:
                answer = self._handle(path, query, faults)
            striking.spoil(answer, faults)
        if is_rest:
            answer.headers |= {"x-mbx-used-weight": str(used), "x-mbx-used-weight-1m": str(used)}
        exchange.requests.append(
            {
                "time": now,
                "path": path,
                "params": query,
                "client": client,
                "host": host,
                "status": answer.status,
                "weight": weight,
                "used_weight": used,
                "faults": [fault.kind for fault in faults],
            }
        )
        return answer

    def _handle(self, path: str, query: dict[str, str], faults: list[Fault], known: str = "") -> Answer:
        if path.startswith(PREFIX):
            return archive.answer(self._exchange, path, faults, known)
        handler = rest.ENDPOINTS.get(path)
        if handler is None:
            return Answer(b"<html><body><h2>404 Not found</h2></body></html>", 404, "text/html")
        try:
            return handler(rest.Call(self._exchange, query, faults, self._exchange.clock.now_ms()))
        except RefusedError as refusal:
            return refusal.answer


async def _send(answer: Answer, send: Send) -> None:
    headers = {"content-type": answer.media_type, "content-length": str(len(answer.body)), **answer.headers}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if answer.cut_off:
        # Returning with the body unfinished makes the server close the connection.
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": answer.body})
