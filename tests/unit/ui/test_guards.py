"""Who asks, before anybody knows who that is: what requests are counted by, and what may be read of an answer."""

from __future__ import annotations

import asyncio
import logging

import pytest

from candlewick_ui.guards import LOGINS_OF_AN_ADDRESS, Guards, caller
from candlewick_ui.rate_limit import RateLimit

ADDRESS = "192.0.2.7"


def scope(path="/api/v1/symbols", client=ADDRESS, **headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": named,
        "client": (client, 50_000),
    }  # fmt: skip


async def fine(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def answers(guards, *scopes):
    """Send requests one after the other; return the first message of each answer."""
    begun = []

    async def send(message):
        if message["type"] == "http.response.start":
            begun.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def all_of_them():
        for one in scopes:
            await guards(one, receive, send)

    asyncio.run(all_of_them())
    return begun


def statuses(guards, *scopes):
    return [message["status"] for message in answers(guards, *scopes)]


def test_a_login_is_counted_by_the_token_airflow_looks_at():
    by_token = caller(scope(authorization="Bearer abc", cookie="_token=xyz"))
    by_cookie = caller(scope(cookie="_token=xyz"))

    assert by_token == (str(hash("abc")), ADDRESS)
    assert by_cookie == (str(hash("xyz")), ADDRESS)
    assert caller(scope()) == (None, ADDRESS)


@pytest.mark.parametrize("header", ["Basic {}", "{}", "Digest {}"])
def test_a_header_that_airflow_ignores_makes_nobody_another_caller(header):
    guards = Guards(fine, RateLimit(3))
    asked = [scope(authorization=header.format(number), cookie="_token=xyz") for number in range(5)]

    assert statuses(guards, *asked) == [200] * 3 + [429] * 2


def test_without_a_login_an_address_is_one_caller():
    guards = Guards(fine, RateLimit(3))

    assert statuses(guards, *[scope()] * 4, scope(client="192.0.2.8")) == [200] * 3 + [429, 200]


def test_who_makes_up_a_token_for_each_request_is_stopped_by_the_address():
    guards = Guards(fine, RateLimit(3))
    made_up = [scope(authorization=f"Bearer {number}") for number in range(3 * LOGINS_OF_AN_ADDRESS + 2)]

    assert statuses(guards, *made_up) == [200] * (3 * LOGINS_OF_AN_ADDRESS) + [429] * 2


def test_a_path_cannot_begin_a_line_of_the_log(caplog):
    with caplog.at_level(logging.INFO, "candlewick_ui.guards"):
        answers(Guards(fine, RateLimit(0)), scope("/api/v1/x\r\nGET /forged 200"))

    (record,) = caplog.records
    assert "forged" in record.getMessage()
    assert not {"\r", "\n"} & set(record.getMessage())


def headers_of(app, **headers):
    ((*_, named),) = [message.values() for message in answers(Guards(app, RateLimit(0)), scope(**headers))]
    return {name.decode(): value.decode() for name, value in named}


def test_what_says_nothing_of_keeping_it_is_kept_by_nobody():
    async def kept(_scope, _receive, send):
        headers = [(b"cache-control", b"private, max-age=1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    assert headers_of(fine)["cache-control"] == "no-store"
    assert headers_of(kept)["cache-control"] == "private, max-age=1"


def test_a_page_of_another_origin_may_read_where_the_next_page_begins():
    assert "X-Next-Cursor" in headers_of(fine, origin="https://desk.example")["access-control-expose-headers"]
