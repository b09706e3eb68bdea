"""Real servers: a private MariaDB and S3 endpoint, their rights, and outside ones in their place."""

from __future__ import annotations

import json
from contextlib import closing

import MySQLdb
import pytest

from candlewick.local.database import open_account, require_privileges
from candlewick.local.errors import PrivilegesMissing, Unreachable
from candlewick.local.platform import Platform
from candlewick.local.progress import Step
from candlewick.local.shutdown import stop_all
from candlewick.local.wiring import Account
from candlewick.settings import Settings
from support.ports import free_port, listens


def step() -> Step:
    return Step("a step", lambda _: None)


@pytest.fixture
def config(tmp_path):
    return Settings(
        home=tmp_path,
        database_port=free_port(),
        s3_port=free_port(),
        exchange_port=free_port(),
        database_memory_megabytes=64,
    )


@pytest.fixture
def platform(config):
    platform = Platform(config, "demo", {})
    yield platform
    stop_all(platform.processes, 5)


def rows(account, query):
    with closing(open_account(account)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_the_private_database_is_set_up_for_the_pipeline(platform):
    platform.start_warehouse(step())
    writer = platform.wiring.account("WAREHOUSE")
    answer = rows(writer, "SELECT @@tx_isolation, @@time_zone, @@local_infile, @@collation_server, @@bind_address")
    assert answer == (("READ-COMMITTED", "+00:00", 1, "utf8mb4_unicode_ci", "127.0.0.1"),)


def test_each_account_may_do_its_work_and_no_more(platform):
    platform.start_warehouse(step())
    writer, transformer, reader = (
        platform.wiring.account(f"WAREHOUSE{which}") for which in ("", "_TRANSFORM", "_READ")
    )
    for table in ("pending_loads", "kline_revisions", "staging_klines"):
        rows(writer, f"CREATE TABLE candlewick_raw.{table} (n INT)")
    platform.database.grant_tables()
    rows(transformer, "INSERT INTO candlewick_raw.pending_loads VALUES (1)")
    rows(transformer, "CREATE TABLE candlewick.fact (n INT)")
    assert rows(reader, "SELECT * FROM candlewick_raw.pending_loads") == ((1,),)
    for account, statement in (
        (transformer, "INSERT INTO candlewick_raw.staging_klines VALUES (1)"),
        (reader, "INSERT INTO candlewick.fact VALUES (1)"),
        (reader, "SELECT * FROM mysql.user"),
    ):
        with pytest.raises(MySQLdb.OperationalError, match="denied"):
            rows(account, statement)


def test_nobody_gets_in_without_a_password(platform, config):
    platform.start_warehouse(step())
    for user in ("root", "", "candlewick_reader"):
        with pytest.raises(MySQLdb.OperationalError, match="denied"):
            rows(Account("127.0.0.1", config.database_port, user, ""), "SELECT 1")


def test_data_survives_a_stop(platform):
    platform.start_warehouse(step())
    writer = platform.wiring.account("WAREHOUSE")
    rows(writer, "CREATE TABLE candlewick_raw.kept (n INT) AS SELECT 7 AS n")
    assert stop_all(platform.processes, 5) == ["database"]
    assert not listens(platform.settings.database_port)
    platform.start_warehouse(step())
    assert rows(writer, "SELECT n FROM candlewick_raw.kept") == ((7,),)


def test_objects_need_the_generated_keys_which_no_command_line_shows(platform):
    platform.start_store(step())
    record = platform.processes.running("s3")
    assert platform.credentials["s3_secret"] not in " ".join(record.process().cmdline())
    assert listens(platform.settings.s3_port)


def test_with_outside_servers_no_private_one_starts(platform, config, tmp_path):
    platform.start_warehouse(step())
    platform.start_store(step())
    outside = {
        f"AIRFLOW_CONN_{name}": platform.wiring.variables[f"AIRFLOW_CONN_{name}"] for name in ("WAREHOUSE", "LAKE")
    }
    guest_config = config.model_copy(
        update={"home": tmp_path / "guest", "database_port": free_port(), "s3_port": free_port()}
    )
    guest = Platform(guest_config, "demo", outside)
    guest.start_warehouse(step())
    guest.start_store(step())
    assert guest.processes.records() == []
    assert guest.private_services == ["exchange"]
    assert guest.wiring.account("WAREHOUSE_READ") == platform.wiring.account("WAREHOUSE")


def test_a_privilege_that_is_missing_outside_is_named(platform):
    platform.start_warehouse(step())
    reader = platform.wiring.account("WAREHOUSE_READ")
    with pytest.raises(PrivilegesMissing, match=r"candlewick_reader of AIRFLOW_CONN_WAREHOUSE needs CREATE"):
        require_privileges("WAREHOUSE", reader, ("candlewick_raw",))


def test_forbidden_local_infile_is_named(platform):
    platform.start_warehouse(step())
    with closing(platform.database._administrator()) as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL local_infile = 0")
    with pytest.raises(PrivilegesMissing, match=r"needs LOCAL INFILE .* local_infile=1 on the server"):
        require_privileges("WAREHOUSE", platform.wiring.account("WAREHOUSE"), ("candlewick_raw",))
    assert rows(platform.wiring.account("WAREHOUSE"), "SHOW TABLES FROM candlewick_raw LIKE '%probe%'") == ()


def test_an_outside_database_that_does_not_answer_is_named(config):
    given = json.dumps({"conn_type": "mysql", "host": "127.0.0.1", "port": free_port(), "login": "u", "password": "p"})
    with pytest.raises(Unreachable, match=r"database of AIRFLOW_CONN_WAREHOUSE at 127\.0\.0\.1:\d+ lets nobody in"):
        Platform(config, "demo", {"AIRFLOW_CONN_WAREHOUSE": given}).start_warehouse(step())
