"""Connections: those from outside as they are, the rest made here."""

from __future__ import annotations

import json

import pytest

from candlewick.local.errors import LauncherError
from candlewick.local.home import Credentials, Home
from candlewick.local.platform import Platform
from candlewick.local.wiring import BINANCE_HOSTS, wire
from candlewick.settings import Settings


@pytest.fixture
def config(tmp_path):
    return Settings(home=tmp_path, database_port=3999, s3_port=9999, exchange_port=8999)


@pytest.fixture
def credentials(tmp_path):
    return Credentials.load(Home(tmp_path, "demo"))


def test_without_anything_from_outside_all_is_private(config, credentials):
    wiring = wire(config, credentials, {}, "demo")
    assert all(wiring.is_private(name) for name in ("WAREHOUSE", "LAKE", "BINANCE", "BINANCE_ARCHIVE"))
    assert wiring.account("WAREHOUSE").port == 3999
    assert {wiring.account(name).user for name in ("WAREHOUSE", "WAREHOUSE_TRANSFORM", "WAREHOUSE_READ")} == {
        "candlewick_writer",
        "candlewick_transformer",
        "candlewick_reader",
    }


def test_the_simulated_exchange_is_asked_in_demo_and_the_real_one_otherwise(config, credentials):
    assert wire(config, credentials, {}, "demo").bases("BINANCE") == ["http://127.0.0.1:8999"]
    assert wire(config, credentials, {}, "live").bases("BINANCE") == list(BINANCE_HOSTS)


def test_a_connection_from_outside_wins_as_it_is(config, credentials):
    given = json.dumps({"conn_type": "aws", "login": "k", "password": "s", "extra": {"endpoint_url": "http://s3:9"}})
    wiring = wire(config, credentials, {"AIRFLOW_CONN_LAKE": given}, "demo")
    assert not wiring.is_private("LAKE")
    assert wiring.is_private("WAREHOUSE")
    assert wiring.variables["AIRFLOW_CONN_LAKE"] == given


@pytest.mark.parametrize(
    "given",
    [
        json.dumps({"conn_type": "mysql", "host": "db", "port": 3310, "login": "u", "password": "p@:/"}),
        "mysql://u:p%40%3A%2F@db:3310/anything",
    ],
    ids=["json", "uri"],
)
def test_an_outside_warehouse_serves_dbt_and_readers_too_unless_they_have_their_own(config, credentials, given):
    wiring = wire(config, credentials, {"AIRFLOW_CONN_WAREHOUSE": given}, "demo")
    account = wiring.account("WAREHOUSE")
    assert (account.host, account.port, account.user, account.password) == ("db", 3310, "u", "p@:/")
    assert wiring.account("WAREHOUSE_TRANSFORM") == wiring.account("WAREHOUSE_READ") == account


def test_an_empty_variable_is_none(config, credentials):
    assert wire(config, credentials, {"AIRFLOW_CONN_LAKE": ""}, "demo").is_private("LAKE")


def test_a_connection_that_cannot_be_read_is_named(config, credentials):
    wiring = wire(config, credentials, {"AIRFLOW_CONN_WAREHOUSE": '{"host": '}, "demo")
    with pytest.raises(LauncherError, match="AIRFLOW_CONN_WAREHOUSE is neither a connection URI nor JSON"):
        wiring.account("WAREHOUSE")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('{"host": "db", "port": "abc"}', "names the port 'abc'"),
        ('{"host": "db", "port": 99999}', "names the port '99999'"),
        ('{"port": 3306}', "names no host"),
        ("mysql://u:p@/schema", "names no host"),
    ],
)
def test_a_connection_that_leads_nowhere_is_named(config, credentials, given, told):
    wiring = wire(config, credentials, {"AIRFLOW_CONN_WAREHOUSE": given}, "demo")
    with pytest.raises(LauncherError, match=f"AIRFLOW_CONN_WAREHOUSE {told}"):
        wiring.account("WAREHOUSE")


@pytest.mark.parametrize(
    ("bound", "url"),
    [("127.0.0.1", "http://127.0.0.1:8081"), ("0.0.0.0", "http://127.0.0.1:8081"), ("::", "http://[::1]:8081")],
)
def test_the_web_uis_address_is_one_a_browser_takes(config, bound, url):
    moved = config.model_copy(update={"bind_host": bound, "airflow_port": 8081})
    assert Platform(moved, "demo", {}).airflow.url == url


def test_what_comes_from_outside_is_not_started(config):
    given = {
        "AIRFLOW_CONN_LAKE": '{"conn_type": "aws"}',
        "AIRFLOW_CONN_WAREHOUSE": '{"conn_type": "mysql", "host": "db"}',
    }
    assert Platform(config, "demo", given).private_services == ["exchange"]
    assert Platform(config, "live", {}).private_services == ["database", "s3"]


def test_credentials_are_generated_once_and_private(config):
    first, second = Platform(config, "demo", {}), Platform(config, "live", {})
    assert first.credentials.values == second.credentials.values
    path = first.home.secrets / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert first.home.secrets.stat().st_mode & 0o777 == 0o700
    assert len(set(first.credentials.values.values())) == len(first.credentials.values)


def test_simulated_and_real_data_never_share_a_folder(config):
    assert Platform(config, "demo", {}).database.data != Platform(config, "live", {}).database.data


def test_another_airflow_of_this_machine_is_not_touched(config):
    environ = {"AIRFLOW_HOME": "/elsewhere", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://prod", "PATH": "/bin"}
    env = Platform(config, "demo", {**environ, "AIRFLOW__CORE__PARALLELISM": "9"}).environment
    assert env["AIRFLOW_HOME"] == str(config.home / "data" / "demo" / "airflow")
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:///")
    assert env["AIRFLOW__CORE__PARALLELISM"] == "9"
