"""One poller for all who listen: numbers, memory, slow readers, an unanswering warehouse, the end."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import asynccontextmanager

import pytest

from candlewick_ui.database import DatabaseDown
from candlewick_ui.problems import begin_request, request_id
from candlewick_ui.stream import hub as of_hub
from candlewick_ui.stream.feed import Kind, News
from candlewick_ui.stream.hub import Hub

BTC, ETH = (News(Kind.CANDLE, {"symbol": symbol, "close_price": "1.5"}, symbol) for symbol in ("BTCUSDT", "ETHUSDT"))
EVENT = News(Kind.PIPELINE, {"message": "a task failed"})


class Script:
    """A feed that tells what the test puts in; an exception is raised."""

    def __init__(self):
        self.news, self.begins = [], 0

    def begin(self):
        self.begins += 1

    def look(self):
        told, self.news = self.news, []
        for one in told:
            if isinstance(one, Exception):
                raise one
        return told


class Ear:
    """A listener that reads frame by frame."""

    def __init__(self, hub, **wishes):
        self.frames, self.heard = hub.listen(**wishes), []

    async def next(self):
        """Return the next frame's messages as (kind, content, number), or those of the last one not looked at yet."""
        if self.heard:
            heard, self.heard = self.heard, []
            return heard
        frame = await asyncio.wait_for(anext(self.frames), 5)
        return [self._message(part) for part in frame.decode().split("\n\n") if "event:" in part]

    @staticmethod
    def _message(part):
        fields = dict(line.split(": ", 1) for line in part.splitlines() if ": " in line)
        return fields["event"], json.loads(fields["data"]), fields.get("id")

    async def ready(self):
        while not (messages := await self.next()):
            pass
        (kind, _, number), *self.heard = messages
        assert kind == "ready"
        return number


@asynccontextmanager
async def running(hub):
    """A hub whose poller is ended with the test."""
    try:
        yield hub
    finally:
        if hub._task:
            hub._task.cancel()


def play(scene, **settings):
    """Run a scene with a hub that looks every hundredth of a second."""

    async def all_of_it():
        feed = Script()
        async with running(Hub(feed, look_seconds=0.01, **settings)) as hub:
            await scene(hub, feed)

    asyncio.run(all_of_it())


def test_everybody_hears_what_the_one_poller_finds():
    async def scene(hub, feed):
        ears = [Ear(hub) for _ in range(200)]
        for ear in ears:
            await ear.ready()
        feed.news = [BTC, EVENT]
        heard = [await ear.next() for ear in ears]
        assert {tuple(kind for kind, _, _ in messages) for messages in heard} == {("candle", "pipeline")}
        assert feed.begins == 1
        assert hub.listeners == 200

    play(scene)


def test_a_listener_hears_only_the_symbols_and_kinds_it_asked_for():
    async def scene(hub, feed):
        of_ether, of_events = Ear(hub, symbols=["ETHUSDT"]), Ear(hub, kinds=[Kind.PIPELINE])
        await of_ether.ready()
        await of_events.ready()
        feed.news = [BTC, ETH, EVENT]
        assert [content.get("symbol") for _, content, _ in await of_ether.next()] == ["ETHUSDT", None]
        assert [kind for kind, _, _ in await of_events.next()] == ["pipeline"]

    play(scene)


def test_who_comes_back_with_the_last_number_misses_nothing():
    async def scene(hub, feed):
        first, stays = Ear(hub), Ear(hub)
        await first.ready()
        await stays.ready()
        feed.news = [BTC]
        ((_, _, last),) = await first.next()
        await first.frames.aclose()
        await stays.next()
        feed.news = [ETH, EVENT]
        await stays.next()
        again = Ear(hub, last=last)
        assert await again.ready() is None  # its connection may break here: it would come back with that number
        assert [kind for kind, _, _ in await again.next()] == ["candle", "pipeline"]

    play(scene)


@pytest.mark.parametrize("last", ["of-another-process", "0-0", "0-1", "", "nonsense", "99999999-99"])
def test_who_comes_back_with_a_number_nobody_knows_is_told_to_ask_again(last):
    async def scene(hub, _):
        ear = Ear(hub, last=last)
        kinds = {}
        while "resync" not in kinds:
            kinds |= {kind: (content, number) for kind, content, number in await ear.next()}
        kind, (content, number) = "resync", kinds["resync"]
        assert number is not None
        assert list(kinds).index("resync") == 0 or kinds["ready"][1] is None
        assert (kind, content["detail"]) == ("resync", "messages were missed; ask for what you show again")

    play(scene)


def test_a_number_that_is_forgotten_is_not_taken_for_the_whole(monkeypatch):
    monkeypatch.setattr(of_hub, "REMEMBERED", 2)

    async def scene(hub, feed):
        stays = Ear(hub)
        number = await stays.ready()
        feed.news = [BTC, ETH, EVENT]
        await stays.next()
        again = Ear(hub, last=number)
        await again.ready()
        assert [kind for kind, _, _ in await again.next()] == ["resync"]

    play(scene)


def test_a_reader_that_takes_nothing_holds_no_memory_and_is_told_to_ask_again(monkeypatch):
    monkeypatch.setattr(of_hub, "QUEUE_LENGTH", 3)

    async def scene(hub, _):
        slow = Ear(hub)
        await slow.ready()
        for _ in range(10):
            hub.publish([BTC])
        (listener,) = hub._listeners
        assert listener.queue.qsize() <= 3
        heard = []
        while "resync" not in heard:
            heard += [kind for kind, _, _ in await slow.next()]

    play(scene)


def test_a_warehouse_that_does_not_answer_is_said_once_and_so_is_its_return():
    async def scene(hub, feed):
        ear = Ear(hub)
        await ear.ready()
        feed.news = [DatabaseDown("the warehouse does not answer")]
        ((kind, content, _),) = await ear.next()
        assert (kind, content["state"]) == ("status", "delayed")
        ((kind, content, _),) = await ear.next()
        assert (kind, content["state"]) == ("status", "live")

    play(scene)


def test_who_comes_while_the_warehouse_is_silent_is_told_so():
    async def scene(hub, feed):
        first = Ear(hub)
        await first.ready()
        feed.look = lambda: (_ for _ in ()).throw(DatabaseDown("gone"))
        await first.next()
        (ready, _, _), (kind, content, _) = await Ear(hub).next()
        assert (ready, kind, content["state"]) == ("ready", "status", "delayed")

    play(scene)


def test_a_listener_is_ready_only_when_nothing_can_be_missed_any_more():
    async def scene(hub, feed):
        begun = feed.begin
        feed.begin = lambda: (_ for _ in ()).throw(DatabaseDown("not yet"))
        ear = Ear(hub)
        assert await ear.next() == []
        ((kind, content, _),) = await ear.next()
        assert (kind, content["state"]) == ("status", "delayed")
        feed.begin = begun
        assert [kind for kind, _, _ in await ear.next()] == ["ready"]
        assert [kind for kind, _, _ in await ear.next()] == ["status"]

    play(scene)


def test_nobody_foresaw_it_and_the_stream_goes_on():
    async def scene(hub, feed):
        ear = Ear(hub)
        await ear.ready()
        feed.news = [ZeroDivisionError("unforeseen")]
        assert [kind for kind, _, _ in await ear.next()] == ["status"]
        await ear.next()
        feed.news = [BTC]
        assert [kind for kind, _, _ in await ear.next()] == ["candle"]

    play(scene)


def test_the_poller_rests_a_while_after_the_last_listener_left(monkeypatch):
    monkeypatch.setattr(of_hub, "LINGER_SECONDS", 0.05)

    async def scene(hub, _):
        ear = Ear(hub)
        await ear.ready()
        await ear.frames.aclose()
        assert hub.listeners == 0
        await asyncio.wait_for(hub._task, 5)
        again = Ear(hub)
        await again.ready()
        assert not hub._task.done()

    play(scene)


def test_what_the_poller_does_is_not_done_for_its_first_listener():
    async def scene(hub, feed):
        numbers, look = [], feed.look
        feed.look = lambda: numbers.append(request_id()) or look()
        begin_request("the-first-of-them")
        ear = Ear(hub)
        await ear.ready()
        feed.news = [BTC]
        await ear.next()
        assert set(numbers) == {"-"}
        assert request_id() == "the-first-of-them"

    play(scene)


def test_silence_is_broken_by_a_comment(monkeypatch):
    monkeypatch.setattr(of_hub, "HEARTBEAT_SECONDS", 0.02)

    async def scene(hub, _):
        ear = Ear(hub)
        await ear.ready()
        assert await asyncio.wait_for(anext(ear.frames), 5) == b": heartbeat\n\n"

    play(scene)


def test_what_only_others_hear_breaks_no_silence(monkeypatch):
    monkeypatch.setattr(of_hub, "HEARTBEAT_SECONDS", 0.05)

    async def scene(hub, _):
        ear = Ear(hub, symbols=["ETHUSDT"])
        await ear.ready()

        async def others():
            while True:
                hub.publish([BTC])
                await asyncio.sleep(0.01)

        talk = asyncio.create_task(others())
        assert await asyncio.wait_for(anext(ear.frames), 5) == b": heartbeat\n\n"
        talk.cancel()

    play(scene)


def test_one_login_cannot_take_all_streams(monkeypatch):
    monkeypatch.setattr(of_hub, "MOST_OF_ONE", 2)
    monkeypatch.setattr(of_hub, "MOST_LISTENERS", 3)

    async def scene(hub, _):
        ears = [Ear(hub, login="ann"), Ear(hub, login="ann")]
        for ear in ears:
            await ear.ready()
        assert hub.is_full("ann")
        assert not hub.is_full("bob")
        await Ear(hub, login="bob").ready()
        assert hub.is_full("cid")

    play(scene)


def test_a_stream_ends_after_its_time_so_that_a_login_that_is_gone_is_noticed(monkeypatch):
    monkeypatch.setattr(of_hub, "LONGEST_SECONDS", 0.03)

    async def scene(hub, _):
        ear = Ear(hub)
        await ear.ready()
        assert {frame async for frame in ear.frames} <= {b": heartbeat\n\n"}
        assert hub.listeners == 0

    play(scene)


def test_streams_end_when_the_web_server_is_told_to_stop():
    class Server:
        should_exit = False

        def handle_exit(self, *_):
            self.should_exit = True

    server = Server()
    before = signal.signal(signal.SIGTERM, server.handle_exit)

    async def scene(hub, _):
        ear = Ear(hub)
        await ear.ready()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(ear.frames), 5)

    try:
        play(scene)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_decimals_keep_their_digits_and_times_say_that_they_are_utc():
    from datetime import datetime
    from decimal import Decimal

    async def scene(hub, feed):
        ear = Ear(hub)
        await ear.ready()
        feed.news = [News(Kind.CANDLE, {"close_price": Decimal("0.10000000"), "open_time": datetime(2024, 6, 1, 12)})]
        ((_, content, _),) = await ear.next()
        assert content == {"close_price": "0.10000000", "open_time": "2024-06-01T12:00:00.000Z"}

    play(scene)
