"""A warehouse from outside (the private one of another platform): what is missing there is one sentence."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest

from candlewick.local import outside
from candlewick.local.errors import LauncherError, PrivilegesMissing, Unreachable
from candlewick.local.landed import landed
from candlewick.local.platform import Platform
from candlewick.local.shutdown import stop_all
from candlewick.local.wiring import Account
from candlewick.settings import REPOSITORY
from support.asking import rows, step
from support.ports import free_port

RAW_TABLES = (
    "staging_klines", "pending_loads", "kline_revisions", "indicator_checkpoints", "pipeline_events", "tracked_symbols",
)  # fmt: skip
ACCOUNTS = {"writer": "WAREHOUSE", "transformer": "WAREHOUSE_TRANSFORM", "reader": "WAREHOUSE_READ"}


@pytest.fixture
def server(platform):
    """The server from outside; ask it anything as its administrator."""
    platform.start_warehouse(step())

    def execute(*statements):
        with closing(platform.database._administrator()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    for user in ACCOUNTS:
        execute(f"CREATE USER {user} IDENTIFIED BY 'secret'")
    execute("DROP DATABASE candlewick_raw", "DROP DATABASE candlewick")
    return execute


def connections(server_port, *names, **changes):
    """The environment of a platform that is given these accounts (writer, transformer, reader)."""
    given = {"conn_type": "mysql", "host": "127.0.0.1", "port": server_port, "password": "secret", **changes}
    return {f"AIRFLOW_CONN_{ACCOUNTS[name]}": json.dumps({"login": name, **given}) for name in names}


@pytest.fixture
def guest(config, tmp_path):
    """Make a platform that uses the server from outside."""

    def make(*names, mode="demo", **changes):
        own = config.model_copy(update={"home": tmp_path / "guest", "database_port": free_port()})
        return Platform(own, mode, connections(config.database_port, *names, **changes))

    return make


def documented_grants():
    """The GRANT statements of .env.example: those that need no table, and those on tables."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    statements = re.findall(r"^#\s+(GRANT .+);", text, re.MULTILINE)
    on_tables = [statement for statement in statements if ".*" not in statement]
    return [statement for statement in statements if statement not in on_tables], on_tables


def test_with_outside_servers_no_private_one_starts(platform, config, tmp_path):
    platform.start_warehouse(step())
    platform.start_store(step())
    given = {
        f"AIRFLOW_CONN_{name}": platform.wiring.variables[f"AIRFLOW_CONN_{name}"] for name in ("WAREHOUSE", "LAKE")
    }
    own = config.model_copy(update={"home": tmp_path / "guest", "database_port": free_port(), "s3_port": free_port()})
    guest = Platform(own, "demo", given)
    guest.start_warehouse(step())
    guest.start_store(step())
    assert guest.processes.records() == []
    assert guest.private_services == ["exchange"]
    assert guest.wiring.account("WAREHOUSE_READ") == platform.wiring.account("WAREHOUSE")


def test_the_documented_grants_are_enough_and_each_is_needed(server, guest):
    schemas, tables = documented_grants()
    platform = guest(*ACCOUNTS)
    with pytest.raises(PrivilegesMissing, match="writer of AIRFLOW_CONN_WAREHOUSE needs CREATE"):
        platform.start_warehouse(step())
    server(*schemas)
    platform.start_warehouse(step())
    for table in RAW_TABLES:
        rows(platform.wiring.account("WAREHOUSE"), f"CREATE TABLE candlewick_raw.{table} (lost_captured_at INT)")
    with pytest.raises(PrivilegesMissing, match=r"_TRANSFORM needs INSERT on candlewick_raw\.pending_loads"):
        outside.require_tables(platform.wiring, platform.settings)
    server(*tables)
    outside.require_tables(platform.wiring, platform.settings)
    left = rows(platform.wiring.account("WAREHOUSE"), "SHOW TABLES FROM candlewick_raw LIKE '%probe%'")
    assert left == ()


def test_a_transformer_who_is_led_to_a_server_without_the_tables_is_named(server, guest):
    server(*documented_grants()[0], "GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO transformer")
    platform = guest(*ACCOUNTS)
    platform.start_warehouse(step())
    told = r"candlewick_raw\.staging_klines where AIRFLOW_CONN_WAREHOUSE_TRANSFORM leads to, but it is not there"
    with pytest.raises(LauncherError, match=told):
        outside.require_tables(platform.wiring, platform.settings)


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("CREATE VIEW ON candlewick.* FROM transformer", "WAREHOUSE_TRANSFORM needs CREATE VIEW on schema candlewick"),
        ("ALTER ON candlewick_raw.* FROM writer", "AIRFLOW_CONN_WAREHOUSE needs ALTER on schema candlewick_raw"),
    ],
)
def test_a_right_that_is_missing_is_named_and_no_probe_stays(server, guest, missing, told):
    server(*documented_grants()[0], f"REVOKE {missing}")
    platform = guest(*ACCOUNTS)
    with pytest.raises(PrivilegesMissing, match=told):
        platform.start_warehouse(step())
    probes = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%probe%'"
    for name in ("WAREHOUSE", "WAREHOUSE_TRANSFORM"):
        assert rows(platform.wiring.account(name), probes) == ()


def test_a_reader_who_may_not_read_is_named(server, guest):
    server(*documented_grants()[0], "REVOKE SELECT ON candlewick.* FROM reader")
    platform = guest(*ACCOUNTS)
    platform.start_warehouse(step())
    for table in RAW_TABLES:
        rows(platform.wiring.account("WAREHOUSE"), f"CREATE TABLE candlewick_raw.{table} (lost_captured_at INT)")
    server(*documented_grants()[1])
    with pytest.raises(PrivilegesMissing, match="WAREHOUSE_READ needs SELECT on schema candlewick "):
        outside.require_tables(platform.wiring, platform.settings)


def test_forbidden_local_infile_is_asked_of_the_writer_only(server, guest):
    server(*documented_grants()[0], "SET GLOBAL local_infile = 0")
    platform = guest(*ACCOUNTS)
    outside.require_rights(platform.wiring.account("WAREHOUSE_TRANSFORM"), "candlewick", views=True)
    with pytest.raises(PrivilegesMissing, match=r"needs LOCAL INFILE .* local_infile=1 on the server"):
        platform.start_warehouse(step())


def test_simulated_and_real_candles_never_share_a_warehouse(server, guest):
    server(*documented_grants()[0])
    guest(*ACCOUNTS, mode="live").start_warehouse(step())
    guest(*ACCOUNTS, mode="live").start_warehouse(step())
    with pytest.raises(LauncherError, match=r"candlewick_raw of AIRFLOW_CONN_WAREHOUSE holds live candles .* is demo"):
        guest(*ACCOUNTS, mode="demo").start_warehouse(step())


def test_an_outside_database_that_does_not_answer_is_named(config):
    given = connections(free_port(), "writer")
    with pytest.raises(Unreachable, match=r"database of AIRFLOW_CONN_WAREHOUSE at 127\.0\.0\.1:\d+ lets nobody in"):
        Platform(config, "demo", given).start_warehouse(step())


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"port": 1}], ids=["password", "port"])
def test_a_readers_account_that_does_not_get_in_is_named_at_the_start(platform, config, tmp_path, changes):
    platform.start_warehouse(step())
    own = config.model_copy(update={"home": tmp_path / "guest"})
    reader = connections(config.database_port, "reader", **changes)
    writer = {"AIRFLOW_CONN_WAREHOUSE": platform.wiring.variables["AIRFLOW_CONN_WAREHOUSE"]}
    with pytest.raises(Unreachable, match=r"AIRFLOW_CONN_WAREHOUSE_READ at .* lets nobody in as reader"):
        Platform(own, "demo", {**writer, **reader}).start_warehouse(step())


def test_marts_may_be_missing_while_data_is_waited_for_but_not_ledgers_and_a_server_that_goes_away_is_named(platform):
    platform.start_warehouse(step())
    with pytest.raises(Unreachable, match=r"failed while it was asked .*tracked_symbols' doesn't exist"):
        landed(platform, count=False)
    raw = platform.settings.raw_schema
    rows(
        platform.wiring.account("WAREHOUSE"),
        f"CREATE TABLE {raw}.tracked_symbols (exchange INT, symbol INT, active INT, status INT)",
    )
    assert landed(platform, count=False) == []
    stop_all(platform.processes, 5)
    with pytest.raises(Unreachable, match=r"AIRFLOW_CONN_WAREHOUSE_READ at .* lets nobody in"):
        landed(platform, count=False)


def test_what_an_account_is_shown_as_has_no_password():
    assert "secret" not in repr(Account("db", 3306, "writer", "secret"))
