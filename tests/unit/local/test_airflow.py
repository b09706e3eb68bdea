"""The launcher asks Airflow for a run until it has it, and no longer."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from candlewick.local import airflow as module
from candlewick.local.airflow import Airflow
from candlewick.local.errors import AirflowRefused


@contextmanager
def answering(*statuses):
    """An API that gives a token, then these answers, the last one for ever; yields the launcher's side and what was asked."""
    left, asked = list(statuses), []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_login = self.path == "/auth/token"
            if not is_login:
                asked.append((self.path, json.loads(body)))
            status = 201 if is_login else left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"access_token": "t"}')

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = SimpleNamespace(bind_host="127.0.0.1", airflow_port=server.server_port)
    try:
        yield Airflow(SimpleNamespace(), settings, {"airflow_admin": "secret"}), asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "BETWEEN_TRIES_SECONDS", 0)


@pytest.mark.parametrize("statuses", [(200,), (500, 200), (500, 409), (409,)])
def test_a_run_is_asked_for_until_it_is_there(statuses):
    with answering(*statuses) as (airflow, asked):
        airflow.trigger("market_gaps", {"dag_run_id": "first"})

    assert asked == [("/api/v2/dags/market_gaps/dagRuns", {"dag_run_id": "first"})] * len(statuses)


@pytest.mark.parametrize(("status", "times"), [(500, module.TRIES), (422, 1), (403, 1)])
def test_what_stays_refused_is_said(status, times):
    sentence = "see make logs SERVICE=api-server"
    with answering(status) as (airflow, asked), pytest.raises(AirflowRefused, match=sentence) as refused:
        airflow.trigger("market_gaps", {"dag_run_id": "first"})

    assert (refused.value.status, len(asked)) == (status, times)
