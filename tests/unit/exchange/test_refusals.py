import json

import pytest

from candlewick.exchange.errors import (
    BadRequest,
    HostRefused,
    IpBanned,
    NoHostLeft,
    RateLimited,
    Unavailable,
    UnknownSymbol,
)
from candlewick.exchange.refusals import Refusal

NOW_MS = 1_717_243_200_000


def error_of(status, code=None, msg="why", headers=None, body=None):
    content = json.dumps({"code": code, "msg": msg}).encode() if body is None else body
    return Refusal("api.test", status, headers or {}, content, NOW_MS).error()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -1121, UnknownSymbol),
        (400, -1120, BadRequest),
        (404, None, BadRequest),
        (429, -1003, RateLimited),
        (400, -1003, RateLimited),
        (418, -1003, IpBanned),
        (403, None, HostRefused),
        (451, 0, HostRefused),
        (408, -1007, Unavailable),
        (400, -1008, Unavailable),
        (500, None, Unavailable),
        (503, -1008, Unavailable),
        (302, None, Unavailable),
    ],
)
def test_every_status_and_code_has_its_meaning(status, code, kind):
    error = error_of(status, code)
    assert type(error) is kind
    assert error.http_status in (status, 429)
    assert not isinstance(error, NoHostLeft)
    assert "api.test" in str(error)
    assert "why" in str(error)


def test_a_bad_request_is_told_with_the_exchanges_code():
    assert "why (code -1102)" in str(error_of(400, -1102))


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "7"}, 7), ({}, 60), ({"Retry-After": "soon"}, 60)])
def test_retry_after_is_obeyed_and_a_missing_one_is_a_minute(headers, seconds):
    assert error_of(429, -1003, headers=headers).retry_after_seconds == seconds


def test_the_end_of_a_ban_is_the_one_the_exchange_names_on_its_own_clock():
    msg = f"Way too much request weight used; IP banned until {NOW_MS + 5000}. Please use WebSocket"
    assert error_of(418, -1003, msg, {"Retry-After": "300"}).until_ms == NOW_MS + 5000


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "300"}, 300), ({}, 120)])
def test_else_a_ban_lasts_for_its_retry_after_or_the_shortest_ban_there_is(headers, seconds):
    assert error_of(418, -1003, "teapot", headers).until_ms == NOW_MS + seconds * 1000


def test_a_400_that_tells_of_a_ban_is_one():
    error = error_of(400, -1003, f"Too many requests; IP banned until {NOW_MS + 1}.")
    assert isinstance(error, IpBanned)
    assert error.until_ms == NOW_MS + 1


@pytest.mark.parametrize("body", [b"<html>blocked</html>", b"", b"[1]", b'{"code": "x"}', b"\xff\xfe"])
def test_a_body_that_is_no_error_object_is_still_classified_by_its_status(body):
    assert isinstance(error_of(403, body=body), HostRefused)
    assert isinstance(error_of(502, body=body), Unavailable)
