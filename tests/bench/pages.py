"""When the first page is there in a real browser, and how long a new candle takes from its commit to a listener."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from support.browsers import chromium

if TYPE_CHECKING:
    from support.api_server import ApiServer

VISITS, CANDLES = 10, 10
# When the text of the page is painted (the cards are in it: the server makes them), as the browser itself notes it.
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
Line = tuple[str, str, str]


def first_page(api: ApiServer) -> Line:
    """Open the market as for the first time: nothing of it is in the browser's cache."""
    with chromium() as browser:
        token = api.token("viewer")
        seconds = [_visit(browser, api.url, token) for _ in range(VISITS)]
    return ("api: first page visible, 300 cards", _told(seconds), "≤ 1.5 s")


def _visit(browser, url: str, token: str) -> float:
    context = browser.new_context()
    with closing(context):
        context.add_cookies([{"name": "_token", "value": token, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/candlewick/market")
        page.locator("#market .card").first.wait_for()
        return float(page.evaluate(PAINTED)) / 1000


def stream(api: ApiServer, warehouse, symbol: str) -> Line:
    """Commit one candle after another; a listener notes when it hears of it."""
    connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=30)
    with closing(connection):
        headers = {"Authorization": f"Bearer {api.token('viewer')}"}
        connection.request("GET", "/candlewick/api/v1/stream", headers=headers)
        answer = connection.getresponse()
        _next(answer, "ready")
        seconds = []
        for number in range(CANDLES):
            price = f"{200 + number}.00000000"
            _commit(warehouse, symbol, price)
            committed = time.perf_counter()
            while _next(answer, "candle")["close_price"] != price:
                pass
            seconds.append(time.perf_counter() - committed)
    return ("api: a new candle is told after its commit", _told(seconds), "≤ 2 s")


def _commit(warehouse, symbol: str, price: str) -> None:
    with warehouse.session() as session:
        session.run(
            "INSERT INTO loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) "
            "VALUES ('live', 'bench', 1, 1, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))"
        )
        session.run(
            f"UPDATE {warehouse.config.marts_schema}.fact_klines SET close_price = %s, load_id = LAST_INSERT_ID() "
            "WHERE exchange = 'binance' AND symbol = %s AND interval_code = '1m' ORDER BY open_time DESC LIMIT 1",
            (price, symbol),
        )
        session.commit()


def _next(answer: http.client.HTTPResponse, kind: str) -> dict[str, object]:
    """Read on to the next message of a kind."""
    event = ""
    for line in iter(answer.readline, b""):
        name, _, value = line.decode().rstrip().partition(": ")
        if name == "event":
            event = value
        elif name == "data" and event == kind:
            return dict(json.loads(value))
    raise RuntimeError("expected the stream to go on, it ended; the api-server's log tells why")


def _told(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s of {len(seconds)}"
