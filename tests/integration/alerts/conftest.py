"""A webhook and a mail server that listen, and the Airflow connections that lead there."""

from __future__ import annotations

import json

import pytest

from support.receivers import MailServer, Webhook

SECRET_PATH = "/services/T000/B000/secret-of-the-webhook"


@pytest.fixture
def webhook(monkeypatch):
    with Webhook() as receiver:
        connection = {"conn_type": "http", "host": "127.0.0.1", "port": receiver.port, "password": SECRET_PATH}
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEBHOOK", json.dumps(connection))
        yield receiver


@pytest.fixture
def mail(monkeypatch):
    with MailServer() as receiver:
        connection = {
            "conn_type": "smtp", "host": "127.0.0.1", "port": receiver.port,
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "candlewick@example.org"},
        }  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_SMTP", json.dumps(connection))
        yield receiver


@pytest.fixture
def told(config, tmp_path):
    """Settings under which both receivers are told, at most once an hour."""
    return config.model_copy(
        update={
            "alert_email": "owner@example.org", "alert_webhook": True, "alert_repeat_minutes": 60,
            "home": tmp_path, "stale_after_minutes": 5,
        }
    )  # fmt: skip
