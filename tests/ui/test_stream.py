"""A candle reaches every listener within two seconds of its commit, and listeners cost the warehouse nothing."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal

import httpx
import MySQLdb
import pytest
from sqlalchemy import event

from candlewick_ui.database import Reader
from candlewick_ui.stream.feed import Feed, Kind
from candlewick_ui.stream.hub import Hub

STREAM = "/candlewick/api/v1/stream"
WITHIN_SECONDS = 2.0


@pytest.fixture
def writer(platform_ui):
    """A connection that writes as loader and dbt do."""
    address = platform_ui.warehouse.address
    connection = MySQLdb.connect(
        host=address.host, port=address.port, user=address.user, password=address.password, database=platform_ui.marts
    )
    yield connection
    connection.close()


class Life:
    """Loads and candles as they come, one transaction each."""

    def __init__(self, platform, connection):
        self.platform, self.connection = platform, connection
        self.before, self.loads = {}, []

    def run(self, statement, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(statement.replace("{raw}", self.platform.raw), values or None)
            return cursor.lastrowid

    def load(self, lane="live"):
        """Commit a load that waits for dbt, and return its number."""
        number = self.run(
            "INSERT INTO {raw}.loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) "
            "VALUES (%s, 'test', 1, 1, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            lane,
        )
        self.run("INSERT INTO {raw}.pending_loads (model, load_id) VALUES ('fact_klines', %s)", number)
        self.connection.commit()
        self.loads.append(number)
        return number

    def build(self, number, symbol, price):
        """Commit what dbt does of a load: the symbol's newest candle changes, the load leaves the queue."""
        newest = "exchange = 'binance' AND symbol = %s AND interval_code = '1m' ORDER BY open_time DESC LIMIT 1"
        was = self.platform.sql(f"SELECT load_id, close_price FROM fact_klines WHERE {newest}", symbol)[0]
        self.before.setdefault(symbol, (was["load_id"], was["close_price"]))
        self.run(f"UPDATE fact_klines SET load_id = %s, close_price = %s WHERE {newest}", number, price, symbol)
        self.run("DELETE FROM {raw}.pending_loads WHERE model = 'fact_klines' AND load_id = %s", number)
        self.connection.commit()

    def event(self, message):
        """Commit an event of the pipeline."""
        self.run(
            "INSERT INTO {raw}.pipeline_events (occurred_at, kind, severity, subject, message) "
            "VALUES (UTC_TIMESTAMP(3), 'room_again', 'info', 'test', %s)",
            message,
        )
        self.connection.commit()

    def take_back(self):
        """Leave the warehouse as other tests know it; events stay, as they would."""
        self.connection.rollback()
        for symbol, (number, price) in self.before.items():
            self.run(
                "UPDATE fact_klines SET load_id = %s, close_price = %s WHERE exchange = 'binance' AND symbol = %s "
                "AND interval_code = '1m' ORDER BY open_time DESC LIMIT 1",
                number, price, symbol,
            )  # fmt: skip
        for number in self.loads:
            self.run("DELETE FROM {raw}.pending_loads WHERE load_id = %s", number)
            self.run("DELETE FROM {raw}.loads WHERE load_id = %s", number)
        self.connection.commit()


@pytest.fixture
def life(platform_ui, writer):
    """The warehouse lives on."""
    lives = Life(platform_ui, writer)
    yield lives
    lives.take_back()


class Ear:
    """A connection that listens."""

    def __init__(self, response):
        self.response, self.lines = response, response.aiter_lines()

    async def next(self, *kinds):
        """Return the next message of these kinds as (kind, content, number)."""
        fields = {}
        while True:
            line = await asyncio.wait_for(anext(self.lines), 20)
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields.get("event") in kinds:
                return fields["event"], json.loads(fields["data"]), fields.get("id")
            else:
                fields = {}


@asynccontextmanager
async def listening(platform, **request):
    """Open a stream and wait until it is there."""
    headers = {"Authorization": platform.client().headers["authorization"], **request.pop("headers", {})}
    async with (
        httpx.AsyncClient(base_url=platform.url, headers=headers, timeout=30, trust_env=False) as client,
        client.stream("GET", STREAM, **request) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        ear = Ear(response)
        ear.begin = (await ear.next("ready"))[2]
        yield ear


def test_a_candle_is_told_within_two_seconds_of_its_commit(platform_ui, life):
    symbol = platform_ui.config.symbols[0]

    async def scene():
        async with listening(platform_ui) as ear:
            await asyncio.sleep(0)
            number = await asyncio.to_thread(life.load)
            waits = []
            for price in ("101.00000000", "101.10000000", "101.20000001"):
                await asyncio.to_thread(life.build, number, symbol, price)
                committed = time.monotonic()
                _, candle, _ = await ear.next("candle")
                waits.append(time.monotonic() - committed)
                assert (candle["symbol"], candle["close_price"]) == (symbol, price)
                number = await asyncio.to_thread(life.load)
            return waits

    waits = asyncio.run(scene())
    assert max(waits) <= WITHIN_SECONDS, waits


def test_a_load_that_waits_for_dbt_is_no_news_yet_and_history_never_is(platform_ui, life):
    symbols = platform_ui.config.symbols

    async def scene():
        async with listening(platform_ui) as ear:
            await asyncio.to_thread(life.load)
            history = await asyncio.to_thread(life.load, "backfill")
            await asyncio.to_thread(life.build, history, symbols[0], "102")
            number = await asyncio.to_thread(life.load)
            await asyncio.to_thread(life.build, number, symbols[1], "103")
            return await ear.next("candle")

    _, candle, _ = asyncio.run(scene())
    assert (candle["symbol"], Decimal(candle["close_price"])) == (symbols[1], Decimal(103))


def test_an_event_of_the_pipeline_is_told_and_symbols_can_be_chosen(platform_ui, life):
    first, second = platform_ui.config.symbols[:2]

    async def scene():
        async with listening(platform_ui, params={"symbols": second}) as ear:
            number = await asyncio.to_thread(life.load)
            await asyncio.to_thread(life.build, number, first, "104")
            await asyncio.to_thread(life.event, "there is room again")
            return await ear.next("candle", "pipeline")

    kind, content, _ = asyncio.run(scene())
    assert (kind, content["message"]) == ("pipeline", "there is room again")


def test_a_listener_that_comes_back_gets_what_it_missed(platform_ui, life):
    async def scene():
        async with listening(platform_ui) as stays:
            async with listening(platform_ui) as ear:
                last = ear.begin
            await asyncio.to_thread(life.event, "while you were away")
            await stays.next("pipeline")
            async with listening(platform_ui, headers={"Last-Event-ID": last}) as again:
                return await again.next("pipeline", "resync")

    kind, content, _ = asyncio.run(scene())
    assert (kind, content["message"]) == ("pipeline", "while you were away")


@contextmanager
def counted(reader):
    """Count the statements of a reader."""
    statements = []
    event.listen(reader._engine, "before_cursor_execute", lambda *words: statements.append(words[2]))
    yield statements
    reader.close()


def test_two_hundred_listeners_add_no_queries(platform_ui, life):
    address = platform_ui.warehouse.address
    reader = Reader(
        lambda: MySQLdb.connect(
            host=address.host, port=address.port, user=address.user, password=address.password,
            database=platform_ui.marts, charset="utf8mb4",
        ),
        raw_schema=platform_ui.raw,
    )  # fmt: skip

    async def rate(hub, statements, count):
        """Return the statements a look takes with so many listeners, after each heard the same event."""
        ears = [hub.listen() for _ in range(count)]
        for ear in ears:
            while b"event: ready" not in await asyncio.wait_for(anext(ear), 20):
                pass

        async def tell(number):
            await asyncio.to_thread(life.event, f"{count} listen, {number}")
            for ear in ears:
                assert f"{count} listen, {number}".encode() in await asyncio.wait_for(anext(ear), 20)

        await tell(0)
        before, looks = len(statements), hub.looks
        for number in range(1, 11):
            await tell(number)
        seen = (len(statements) - before) / (hub.looks - looks)
        for ear in ears:
            await ear.aclose()
        return seen

    async def scene(statements):
        hub = Hub(Feed(reader, "binance"), look_seconds=0.05)
        try:
            return await rate(hub, statements, 1), await rate(hub, statements, 200)
        finally:
            hub._task.cancel()

    with counted(reader) as statements:
        alone, together = asyncio.run(scene(statements))
    assert together <= alone * 1.1 <= 2.5, (alone, together)


def test_two_hundred_connections_hear_a_candle_in_time(platform_ui, life):
    symbol = platform_ui.config.symbols[2]

    async def scene():
        async with AsyncExitStack() as stack:
            ears = [
                await stack.enter_async_context(listening(platform_ui, params={"kinds": "candle"})) for _ in range(200)
            ]
            number = await asyncio.to_thread(life.load)
            await asyncio.to_thread(life.build, number, symbol, "105")
            committed = time.monotonic()

            async def hear(ear):
                _, candle, _ = await ear.next("candle")
                return time.monotonic() - committed, candle["symbol"]

            return await asyncio.gather(*(hear(ear) for ear in ears))

    heard = asyncio.run(scene())
    assert {one[1] for one in heard} == {symbol}
    assert max(one[0] for one in heard) <= WITHIN_SECONDS, max(heard)


def test_numbers_that_become_visible_late_are_told_all_the_same(platform_ui, life, writer):
    address = platform_ui.warehouse.address
    reader = Reader(
        lambda: MySQLdb.connect(
            host=address.host, port=address.port, user=address.user, password=address.password,
            database=platform_ui.marts, charset="utf8mb4",
        ),
        raw_schema=platform_ui.raw,
    )  # fmt: skip
    feed = Feed(reader, "binance")
    life.load()
    feed.begin()
    life.run(
        "INSERT INTO {raw}.pipeline_events (occurred_at, kind, severity, subject, message) "
        "VALUES (UTC_TIMESTAMP(3), 'room_again', 'info', 'test', 'numbered first, committed last')"
    )
    with platform_ui.database.cursor() as other:
        other.execute(
            f"INSERT INTO {platform_ui.raw}.pipeline_events (occurred_at, kind, severity, subject, message) "
            "VALUES (UTC_TIMESTAMP(3), 'room_again', 'info', 'test', 'committed first')"
        )
    first = [one.content["message"] for one in feed.look() if one.kind is Kind.PIPELINE]
    writer.commit()
    second = [one.content["message"] for one in feed.look() if one.kind is Kind.PIPELINE]
    assert (first, second) == (["committed first"], ["numbered first, committed last"])
    assert feed.look() == []
    reader.close()
