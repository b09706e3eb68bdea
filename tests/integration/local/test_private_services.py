"""Real servers: a private MariaDB and S3 endpoint, and their rights."""

from __future__ import annotations

import MySQLdb
import psutil
import pytest

from candlewick.local.platform import Platform
from candlewick.local.shutdown import stop_all
from candlewick.local.wiring import Account
from support.asking import rows, step
from support.ports import listens


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
    for table in ("pending_loads", "kline_revisions", "indicator_checkpoints", "pipeline_events", "staging_klines"):
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


def test_a_home_whose_path_has_spaces_is_one_like_any_other(config, tmp_path):
    platform = Platform(config.model_copy(update={"home": tmp_path / "My Candles"}), "demo", {})
    try:
        platform.start_warehouse(step())
        assert rows(platform.wiring.account("WAREHOUSE_READ"), "SELECT 1") == ((1,),)
    finally:
        stop_all(platform.processes, 5)


def test_what_is_bound_to_every_address_is_the_web_ui_and_nothing_else(config):
    platform = Platform(config.model_copy(update={"bind_host": "0.0.0.0"}), "demo", {})
    try:
        platform.start_store(step())
        platform.start_exchange(step())
        platform.start_warehouse(step())
        listening = {
            connection.laddr.ip
            for record in platform.processes.records()
            for process in platform.processes.family(record)
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        (api_server, *_) = platform.airflow.services(platform.environment)
        assert "0.0.0.0" in api_server.argv
    finally:
        stop_all(platform.processes, 5)
