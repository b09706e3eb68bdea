"""Answers that never stop coming, from a server that sends them byte by byte."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import requests

from candlewick.exchange.binance import from_connection
from candlewick.exchange.deadline import AnswerTooLate, DeadlineAdapter
from candlewick.exchange.errors import Unavailable
from candlewick.settings import Settings

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\n\r\n"
DEADLINE = 0.4


@pytest.fixture
def dripping():
    """Start a server that sends its first bytes at once and then one byte of the rest each 20 ms; return its URL."""
    ended, servers, threads = threading.Event(), [], []

    def drip(server, at_once, rest):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # closed by the end of the test
                return
            with connection:
                connection.recv(4096)
                try:
                    connection.sendall(at_once)
                    for byte in rest:
                        if ended.wait(0.02):
                            return
                        connection.sendall(bytes([byte]))
                except OSError:  # the client gave up, as it is to
                    continue

    def start(at_once, rest):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threads.append(threading.Thread(target=drip, args=(server, at_once, rest)))
        threads[-1].start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    ended.set()
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join()


@pytest.fixture
def session():
    with requests.Session() as made:
        made.trust_env = False
        made.mount("http://", DeadlineAdapter(DEADLINE, hosts=1, connections_per_host=1))
        yield made


@pytest.mark.parametrize(
    ("at_once", "rest"),
    [
        pytest.param(b"", HEAD * 9, id="headers"),
        pytest.param(HEAD, b"x" * 1000, id="body"),
        pytest.param(CHUNKED, b"1\r\nx\r\n" * 200, id="chunks"),
        pytest.param(CHUNKED, b"0" * 1000, id="the length of a chunk"),
        pytest.param(UNTIL_CLOSED, b"x" * 1000, id="body of no known length"),
    ],
)
def test_an_answer_that_trickles_ends_at_its_deadline(dripping, session, at_once, rest):
    begun = time.monotonic()
    with pytest.raises(AnswerTooLate, match=r"not whole after 0\.4 s, see answer_timeout_seconds"):
        session.get(dripping(at_once, rest), timeout=5)
    assert DEADLINE <= time.monotonic() - begun < 3 * DEADLINE


def test_an_answer_that_trickles_in_time_is_whole_and_the_next_has_a_deadline_of_its_own(dripping, session):
    url = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n", b"hello, world")
    for _ in range(3):
        assert session.get(url, timeout=5).content == b"hello, world"


def test_silence_is_still_the_read_time_out(dripping, session):
    with pytest.raises(requests.ReadTimeout):
        session.get(dripping(b"", HEAD), timeout=(5, 0.01))


def test_a_proxy_that_trickles_is_no_way_around_the_deadline(dripping, session):
    with pytest.raises(AnswerTooLate):
        session.get("http://exchange.test/", proxies={"http": dripping(HEAD, b"x" * 1000)}, timeout=5)


def test_a_late_answer_is_no_answer(dripping, states, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    client = from_connection(
        dripping(HEAD, b"x" * 1000), {}, states, Settings(answer_timeout_seconds=DEADLINE, retry_attempts=1)
    )
    with pytest.raises(Unavailable, match=r"expected a whole answer .*got none \(it was not whole after 0\.4 s"):
        client.time_ms()
    client.close()
