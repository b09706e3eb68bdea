"""What is found out before anything starts: each failure is one sentence that says what to do."""

from __future__ import annotations

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from candlewick.local import checks
from candlewick.local.errors import PortTaken, ProgramMissing, Unreachable
from support.ports import free_port


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def refusing_host():
    class Legal(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(451)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Legal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_taken_port_names_its_setting_and_its_holder(taken):
    with pytest.raises(PortTaken, match=rf"Port {taken} .* is taken by .*pid {os.getpid()}.*CANDLEWICK_S3_PORT"):
        checks.require_free("127.0.0.1", taken, "the private S3 endpoint", "CANDLEWICK_S3_PORT")


def test_a_free_port_passes():
    checks.require_free("127.0.0.1", free_port(), "the private S3 endpoint", "CANDLEWICK_S3_PORT")


def test_a_missing_program_names_its_package():
    with pytest.raises(ProgramMissing, match=r"program no-such-server .* apt-get install mariadb-server-core"):
        checks.program("no-such-server", "mariadb-server-core")


def test_servers_are_found_outside_a_plain_users_path(monkeypatch, tmp_path):
    server = tmp_path / "a-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setattr(checks, "SYSTEM_PATH", str(tmp_path))
    assert checks.program("a-server", "x") == str(server)


def test_an_exchange_that_answers_nowhere_lists_what_each_host_said(refusing_host):
    closed = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable) as caught:
        checks.require_exchange([closed, refusing_host])
    assert f"{closed}: no connection" in str(caught.value)
    assert f"{refusing_host}: HTTP 451 (not served from this country)" in str(caught.value)
