"""Requests are answered a few at a time, in the order they came; none keeps the others waiting for ever."""

from __future__ import annotations

import asyncio

import pytest

from candlewick_ui.turns import Turns

API = "/candlewick/api/v1"


def scope(path, method="GET"):
    return {"type": "http", "method": method, "path": path, "headers": []}


class Work:
    """An app whose answers are begun, and ended, when the test says so."""

    def __init__(self):
        self.begun, self.answered, self.ended = [], {}, {}

    async def __call__(self, scope, _receive, send):
        path = scope["path"].removeprefix(f"{API}/")
        self.begun.append(path)
        await self.answered.setdefault(path, asyncio.Event()).wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.ended.setdefault(path, asyncio.Event()).wait()
        await send({"type": "http.response.body", "body": b""})


class Asked:
    """Requests that are under way."""

    def __init__(self, at_once=2, quick_at_once=2, wait_seconds=60.0, quick_seconds=60.0):
        self.work = Work()
        self.turns = Turns(self.work, at_once, quick_at_once, wait_seconds, quick_seconds)
        self.tasks, self.statuses = [], []

    async def ask(self, *paths, method="GET"):
        async def send(message):
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])

        asked = [f"{API}/{path}" if path.isalpha() else path for path in paths]
        self.tasks += [asyncio.create_task(self.turns(scope(path, method), None, send)) for path in asked]
        await self.settle()

    async def answer(self, path):
        """Have an answer begun, but not ended."""
        self.work.answered[path].set()
        await self.settle()

    @staticmethod
    async def settle():
        for _ in range(20):
            await asyncio.sleep(0)

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def run(story, **limits):
    async def told():
        asked = Asked(**limits)
        try:
            await story(asked)
        finally:
            await asked.close()

    asyncio.run(told())


def test_so_many_are_worked_on_and_the_next_one_is_the_one_that_came_first():
    async def story(asked):
        await asked.ask("a", "b", "c", "d")
        assert asked.work.begun == ["a", "b"]
        await asked.answer("b")
        assert asked.work.begun == ["a", "b", "c"]

    run(story)


def test_who_takes_long_goes_on_beside_those_that_are_quick_until_there_are_too_many():
    async def story(asked):
        await asked.ask("a", "b", "c")
        assert asked.work.begun == ["a", "b"]
        await asked.answer("a")
        assert asked.work.begun == ["a", "b", "c"]

    run(story, quick_at_once=1, quick_seconds=0)


def test_the_quick_wait_for_each_other():
    async def story(asked):
        await asked.ask("a", "b", "c")
        await asked.answer("a")
        assert asked.work.begun == ["a", "b"]
        asked.tasks[1].cancel()
        await asked.settle()
        assert asked.work.begun == ["a", "b", "c"]

    run(story, quick_at_once=1)


def test_who_goes_away_while_it_waits_keeps_no_place():
    async def story(asked):
        await asked.ask("a", "b")
        asked.tasks[1].cancel()
        await asked.settle()
        await asked.ask("c")
        await asked.answer("a")
        assert asked.work.begun == ["a", "c"]
        await asked.answer("c")
        await asked.ask("d")
        assert asked.work.begun == ["a", "c", "d"]

    run(story, quick_at_once=1)


def test_an_answer_that_is_read_slowly_keeps_nobody_waiting():
    async def story(asked):
        await asked.ask("a", "b", "c")
        await asked.answer("a")
        assert asked.work.begun == ["a", "b", "c"]

    run(story)


def test_a_turn_is_given_back_by_a_caller_that_went_away():
    async def story(asked):
        await asked.ask("a", "b", "c")
        asked.tasks[0].cancel()
        await asked.settle()
        assert asked.work.begun == ["a", "b", "c"]
        await asked.answer("b")
        await asked.ask("d", "e")
        assert asked.work.begun == ["a", "b", "c", "d"]

    run(story)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (f"{API}/stream", "GET"),
        (f"{API}/health/live", "GET"),
        (f"{API}/health/ready", "GET"),
        (f"{API}/health/freshness", "GET"),
        (f"{API}/metrics", "GET"),
        ("/candlewick/market", "GET"),
        ("/candlewick/static/1/frame.js", "GET"),
        (f"{API}/symbols", "POST"),
        (f"{API}/symbols/X", "DELETE"),
    ],
)
def test_streams_monitors_pages_and_changes_do_not_wait(path, method):
    async def story(asked):
        await asked.ask("a", "b")
        await asked.ask(path, method=method)
        assert asked.work.begun[-1] == path.removeprefix(f"{API}/")

    run(story)


@pytest.mark.parametrize("path", ["dashboard/metrics", "orderbook/BTCUSDT/metrics", "analytics/data/rsi/stream"])
def test_whoever_asks_for_data_waits_whatever_the_path_ends_with(path):
    async def story(asked):
        await asked.ask("a", "b", f"{API}/{path}")
        assert asked.work.begun == ["a", "b"]

    run(story)


def test_whoever_has_no_turn_in_time_is_told_to_come_again():
    async def story(asked):
        await asked.ask("a", "b")
        await asyncio.wait(asked.tasks, return_when=asyncio.FIRST_COMPLETED)
        assert asked.statuses == [503]
        assert asked.work.begun == ["a"]

    run(story, at_once=1, wait_seconds=0.01)


def test_changes_leave_the_turns_as_they_were():
    async def story(asked):
        await asked.ask("symbols", method="POST")
        await asked.answer("symbols")
        await asked.ask("a", "b", "c")
        assert asked.work.begun[1:] == ["a", "b"]

    run(story)
