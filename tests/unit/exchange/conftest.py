"""A clock that only moves when told, a transport that answers from a script, and host states in memory."""

from __future__ import annotations

import copy
import io
import json
import threading
from collections import deque
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from candlewick.exchange.binance import from_connection
from candlewick.exchange.clock import Clock
from candlewick.exchange.state import HostState
from candlewick.settings import Settings

NOON_MS = 1_717_243_200_000
API, FALLBACK = "https://api.test", "https://data-api.test"


class FakeClock:
    """Wall time, monotonic time and the exchange's clock; sleeping moves all three, and is noted."""

    def __init__(self):
        self.wall_ms, self.monotonic_s, self.exchange_ms, self.slept = NOON_MS, 1000.0, NOON_MS, []

    def advance(self, seconds):
        self.wall_ms += round(seconds * 1000)
        self.exchange_ms += round(seconds * 1000)
        self.monotonic_s += seconds

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(seconds)

    def as_clock(self):
        return Clock(lambda: self.wall_ms, lambda: self.monotonic_s, self.sleep)


class ScriptedTransport(HTTPAdapter):
    """Answers ``/time`` by the fake clock and everything else from a script; keeps what was asked.

    A script entry is a dict (status, body, headers, length) or an exception, for one host or for whichever is asked.
    """

    def __init__(self, clock):
        super().__init__()
        self.clock, self.asked, self.script, self.latency_s, self.used_weight = clock, [], deque(), 0.0, None
        self.by_host = {}

    def send(self, request, **_):
        url = urlsplit(request.url)
        self.asked.append((url.netloc, url.path, dict(parse_qsl(url.query))))
        entry = self._entry(url)
        self.clock.advance(self.latency_s)
        if isinstance(entry, Exception):
            raise entry
        return self._response(request, **entry)

    def questions(self, path="/api/v3/klines"):
        return [host for host, asked, _ in self.asked if asked == path]

    def _entry(self, url):
        if url.netloc in self.by_host:
            return self.by_host[url.netloc]
        if url.path == "/api/v3/time":
            return {"body": json.dumps({"serverTime": self.clock.exchange_ms}).encode()}
        return self.script.popleft() if self.script else {"body": b"[]"}

    def _response(self, request, status=200, body=b"", headers=None, length=None):
        fields = {"Content-Length": str(len(body) if length is None else length), **(headers or {})}
        if self.used_weight is not None:
            fields["X-MBX-USED-WEIGHT-1M"] = str(self.used_weight)
        raw = urllib3.HTTPResponse(io.BytesIO(body), headers=fields, status=status, preload_content=False)
        response = self.build_response(request, raw)
        _ = response.content  # as the session does when it is not asked to stream
        return response


class MemoryStates:
    """The shared state without its database."""

    def __init__(self):
        self.rows, self.lock = {}, threading.Lock()

    def change(self, hosts, now_ms, rule):  # noqa: ARG002 - the port's signature; only a table has an updated_at
        with self.lock:
            states = [copy.copy(self.rows.get(host, HostState(host))) for host in hosts]
            result = rule(states)
            self.rows.update({state.host: state for state in states})
            return result

    def close(self):
        self.rows.clear()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def transport(clock):
    return ScriptedTransport(clock)


@pytest.fixture
def states():
    return MemoryStates()


@pytest.fixture
def binance(clock, transport, states):
    """Build a client of two hosts; keyword arguments are settings."""

    def build(fallbacks=(FALLBACK,), **values):
        session = requests.Session()
        session.mount("https://", transport)
        extra = {"fallback_hosts": list(fallbacks)}
        return from_connection(API, extra, states, Settings(**values), clock=clock.as_clock(), session=session)

    return build
