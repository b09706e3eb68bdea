"""A reader gives up a server that says nothing; a loader waits for its long statements."""

from __future__ import annotations

import json
import time

import pytest

from candlewick import connections
from candlewick.warehouse.database import WarehouseBusy


@pytest.fixture
def account(database, monkeypatch):
    """The server as the connection `warehouse` of Airflow's environment."""
    told = {
        "conn_type": "mysql",
        "host": database.host,
        "port": database.port,
        "login": database.user,
        "password": database.password,
    }
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(told))


@pytest.mark.usefixtures("account")
def test_a_server_that_says_nothing_is_lost_after_these_seconds():
    begun = time.monotonic()
    with pytest.raises(WarehouseBusy), connections.warehouse(schema="", answer_seconds=1).session() as session:
        session.one("SELECT SLEEP(20)")

    assert time.monotonic() - begun < 10


@pytest.mark.usefixtures("account")
def test_whoever_names_no_seconds_waits():
    with connections.warehouse(schema="").session() as session:
        assert session.one("SELECT SLEEP(2)") == (0,)
