"""What the API takes: candles and every provider on a year of three symbols, the dashboard of 300, through a real api-server.

Symbols, spans, intervals and periods are drawn anew for each request, and the database is started again before: nothing
of an answer, and little of its rows, is in a cache. Requests arrive evenly, whether those before are answered or not, and
are timed from the moment they were due; then 20 clients ask one request after another. A browser opens the first page,
and a listener of the stream waits for candles.
"""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import local
from urllib.parse import urlencode, urlsplit

import psutil

from bench import pages
from bench.marts import Marts
from candlewick.pipeline.correlate import correlate
from support.api_server import ApiServer

LARGE, SYMBOLS = 3, 300
YEAR, DAY = 525_600, 1440
RATE, SECONDS, CLIENTS, LOOP_SECONDS = 20, 30, 20, 20
LAST = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0) - timedelta(minutes=2)
INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}
CANDLES, PROVIDERS, DASHBOARD = "candles", "providers", "dashboard"
PARAMETERS = {
    "candlestick": lambda dice: {"limit": dice.randrange(150, 250)},
    "volume": lambda dice: {"limit": dice.randrange(150, 250)},
    "rsi": lambda dice: {"period": dice.randrange(5, 60)},
    "atr": lambda dice: {"period": dice.randrange(5, 60)},
    "macd": lambda dice: {"fast_period": dice.randrange(5, 13), "slow_period": dice.randrange(20, 40)},
    "bollinger": lambda dice: {"period": dice.randrange(10, 60), "std_dev": dice.choice([1.5, 2, 2.5])},
    "orderbook": lambda dice: {"limit": dice.randrange(5, 20)},
    "correlation": lambda dice: {"limit": dice.randrange(100, 300)},
    "price_distribution": lambda dice: {"bins": dice.randrange(20, 80)},
    "return_distribution": lambda dice: {"bins": dice.randrange(20, 80)},
    "volume_profile": lambda dice: {"bins": dice.randrange(20, 80)},
}


def measure(server, warehouse, dbt, scratch) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines."""
    _fill(warehouse, dbt)
    with _api(server, warehouse, scratch) as api:
        Asker(api).ask(CANDLES, f"/candles/{_symbol(0)}?limit=1")  # connections and imports are there
        _forget(server)
        before = _processor_seconds(api)
        evenly = _evenly(api)
        spent = _processor_seconds(api) - before
        loops = {1: _loop(api)}
        lines = [pages.first_page(api), pages.stream(api, warehouse, _symbol(0))]
    with _api(server, warehouse, scratch, workers=2) as api:
        Asker(api).ask(CANDLES, f"/candles/{_symbol(0)}?limit=1")
        loops[2] = _loop(api)
    for kind, aim in ((CANDLES, "p95 ≤ 50 ms"), (PROVIDERS, "p95 ≤ 50 ms")):
        lines.append((f"api: {kind}, {RATE} requests/s arriving evenly", _told(evenly[kind]), aim))
    lines += [(f"api: {name}, likewise", _told(evenly[name]), "p95 ≤ 50 ms") for name in PARAMETERS]
    lines.append((f"api: dashboard of {SYMBOLS} symbols", _told(evenly[DASHBOARD]), "p95 ≤ 150 ms"))
    # What a busy machine takes away does not show in it.
    lines.append(
        ("api: processor time of a request", f"{1000 * spent / len(evenly['all']):.1f} ms of the api-server", "")
    )
    for workers, loop in loops.items():
        what = f"api: {CLIENTS} clients in a closed loop, {workers} api worker{'s' * (workers > 1)}"
        rate = len(loop["all"]) / LOOP_SECONDS
        lines.append((what, f"{_told(loop['all'])}, {rate:.0f} requests/s", "p95 ≤ 250 ms"))
    return lines


# --- load ------------------------------------------------------------------------------------------------------------


class Asker:
    """Sends requests over connections that stay open, one a thread, and remembers how long each took."""

    def __init__(self, api: ApiServer) -> None:
        self._host = urlsplit(api.url).netloc
        self._headers = {"Authorization": f"Bearer {api.token('viewer')}", "Accept": "application/json"}
        self._mine = local()
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def ask(self, kind: str, path: str, due: float | None = None) -> None:
        """Send one request; timed from when it was due."""
        started = time.perf_counter() if due is None else due
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = http.client.HTTPConnection(self._host, timeout=60)
        connection.request("GET", f"/candlewick/api/v1{path}", headers=self._headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"expected an answer of {path}, got {answer.status}: {body[:500]!r}")
        took = time.perf_counter() - started
        for name in {kind, "all", PROVIDERS if kind in PARAMETERS else kind}:
            self.seconds[name].append(took)


def _evenly(api: ApiServer) -> dict[str, list[float]]:
    """Send requests at their moments, whether those before are answered or not; now and then it is the dashboard."""
    asker, dice = Asker(api), random.Random(1)  # noqa: S311 -- the same requests each time
    begin = time.perf_counter() + 0.5
    with ThreadPoolExecutor(64) as pool:
        waiting = []
        for number in range(RATE * SECONDS):
            due = begin + number / RATE
            time.sleep(max(due - time.perf_counter(), 0))
            request = (DASHBOARD, "/dashboard/metrics") if number % 40 == 1 else _request(dice, number)
            waiting.append(pool.submit(asker.ask, *request, due))
        for one in waiting:
            one.result()
    return asker.seconds


def _loop(api: ApiServer) -> dict[str, list[float]]:
    asker = Asker(api)
    until = time.perf_counter() + LOOP_SECONDS

    def client(seed: int) -> None:
        dice, number = random.Random(seed), seed  # noqa: S311 -- likewise
        while time.perf_counter() < until:
            asker.ask(*_request(dice, number))
            number += 1

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(client, range(CLIENTS)):
            pass
    return asker.seconds


def _request(dice: random.Random, number: int) -> tuple[str, str]:
    """Draw a request: every other one for candles, else for the providers in turn."""
    symbol, interval = _symbol(dice.randrange(LARGE)), dice.choice(list(INTERVALS))
    if number % 2 == 0:
        most = min(1000, YEAR * 60 // INTERVALS[interval] - 1)
        span = YEAR * 60 - most * INTERVALS[interval]
        start = LAST - timedelta(seconds=YEAR * 60 - dice.randrange(span))
        return CANDLES, f"/candles/{symbol}?{urlencode({'interval': interval, 'limit': 1000, 'from': f'{start}Z'})}"
    name = list(PARAMETERS)[number // 2 % len(PARAMETERS)]
    return name, f"/analytics/data/{name}/{symbol}?{urlencode({'interval': interval, **PARAMETERS[name](dice)})}"


def _told(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    places = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else seconds * 19
    return f"p50 {places[9] * 1000:.0f} ms, p95 {places[18] * 1000:.0f} ms, most {max(seconds) * 1000:.0f} ms of {len(seconds)}"


def _processor_seconds(api: ApiServer) -> float:
    assert api.process is not None
    first = psutil.Process(api.process.pid)
    return sum(sum(one.cpu_times()[:2]) for one in (first, *first.children(recursive=True)))


# --- what is asked ---------------------------------------------------------------------------------------------------


def _symbol(number: int) -> str:
    return f"S{number:03d}USDT"


def _fill(warehouse, dbt) -> None:
    """A year of minutes of three symbols, a day of the others, three books of each, and every mart built of them."""
    marts = warehouse.config.marts_schema
    dbt("run", "--selector", "minute")
    with warehouse.session() as session:
        session.run("CREATE TEMPORARY TABLE digits (n INT PRIMARY KEY)")
        session.run_many("INSERT INTO digits VALUES (%s)", [(n,) for n in range(DAY)])
        session.run_many(
            "INSERT INTO tracked_symbols (exchange, symbol, added_at, status) VALUES ('binance', %s, %s, 'TRADING')",
            [(_symbol(number), LAST) for number in range(SYMBOLS)],
        )
        for number in range(SYMBOLS):
            for start in range(0, YEAR if number < LARGE else DAY, DAY):
                session.run(
                    f"INSERT INTO {marts}.fact_klines SELECT 'binance', %s, '1m', t, c, c + 0.5, c - 0.5, c, 5 + n %% 7, "
                    "t + INTERVAL 59999000 MICROSECOND, c * (5 + n %% 7), 7, 2, 20, 1, 'rest', t + INTERVAL 61 SECOND, "
                    "t + INTERVAL 61 SECOND, t + INTERVAL 61 SECOND, -1, 1, t FROM (SELECT n, %s - INTERVAL n MINUTE AS t, "
                    "ROUND(100 + 20 * SIN((%s + n) / 300) + (n * 7919 %% 101) / 100, 2) AS c FROM digits) AS bars",
                    (_symbol(number), LAST - timedelta(minutes=start), start),
                )
            session.commit()
    books = Marts(warehouse)
    for n in range(3):
        books._books(LAST - timedelta(minutes=n), 1)
    dbt("run", "--full-refresh", "--exclude", "fact_klines", "fact_orderbook", "path:models/quality")
    correlate(warehouse)
    with warehouse.session() as session:
        for (name,) in session.all(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
            (marts,),
        ):
            session.all(f"ANALYZE TABLE {marts}.{name}")


def _forget(server) -> None:
    """Empty the database's caches; a server that is given cannot be started again."""
    if hasattr(server, "stop"):
        server.stop()
        server.start()


@contextmanager
def _api(server, warehouse, scratch, workers=1):
    home = scratch / f"airflow-{workers}"
    home.mkdir()
    address = {"host": server.host, "port": server.port, "login": server.user, "password": server.password}
    config = warehouse.config
    api = ApiServer(
        home,
        {
            "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "mysql", **address}),
            "AIRFLOW__API__WORKERS": str(workers),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "CANDLEWICK_HOME": str(config.home),
            "CANDLEWICK_RAW_SCHEMA": config.raw_schema,
            "CANDLEWICK_MARTS_SCHEMA": config.marts_schema,
            "CANDLEWICK_API_REQUESTS_PER_MINUTE": "0",
        },
    )
    api.migrate()
    api.serialize_dags()
    api.start()
    try:
        yield api
    finally:
        api.stop()
