"""A model whose contract has gained columns: the next run adds them without a rebuild; what needs one is refused."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import closing, suppress

import MySQLdb
import pytest

FACTS = "select open_time, close_price, load_id, object_id, created_at from {marts}.fact_klines order by open_time"
ADDED = "select open_time, venue, weight from {marts}.fact_klines order by open_time"
OF_FACTS = "from information_schema.{view} where table_schema = '{marts}' and table_name = 'fact_klines'"
VENUE = '      - name: venue\n        description: "Where."\n        data_type: varchar(16)\n'
WEIGHT = '      - name: weight\n        description: "How much."\n        data_type: double\n'


@pytest.fixture
def project(warehouse, tmp_path):
    """The project of a later version: fact_klines and indicators_1m have columns more, in the middle and at the end."""
    copy = tmp_path / "later"
    shutil.copytree(warehouse.project, copy, ignore=shutil.ignore_patterns("target", "logs"))
    rewrite(copy, "models/facts/fact_klines.yml", "      - name: open_time\n", VENUE + "      - name: open_time\n")
    rewrite(
        copy,
        "models/facts/fact_klines.sql",
        "    interval_code,\n    open_time,",
        "    interval_code,\n    'spot' as venue,\n    open_time,",
    )
    for model in ("facts/fact_klines", "indicators/indicators_1m"):
        contract = copy / f"models/{model}.yml"
        contract.write_text(contract.read_text().rstrip("\n") + "\n" + WEIGHT)
    rewrite(
        copy,
        "models/facts/fact_klines.sql",
        "utc_timestamp(3) as created_at\n",
        "utc_timestamp(3) as created_at,\n    1.5e0 as weight\n",
    )
    rewrite(
        copy,
        "models/indicators/indicators_1m.sql",
        "{{ indicators() }}",
        "select made.*, 2.5e0 as weight from ({{ indicators() }}) as made",
    )
    return copy


def rewrite(project, path, old, new):
    file = project / path
    text = file.read_text()
    assert old in text, path
    file.write_text(text.replace(old, new, 1))


def facts(warehouse, view, what):
    return sorted(warehouse.run(f"select {what} " + OF_FACTS.replace("{view}", view)))


def two_minutes(warehouse, candle):
    """Two candles in the partitioned table, with indicators; return the facts as they are."""
    warehouse.load([candle("10:00", 1), candle("10:01", 2)])
    warehouse.minute()
    return warehouse.run(FACTS)


def later(warehouse, project, *arguments, succeeds=True):
    return warehouse.dbt(
        "run", "--select", "fact_klines", "indicators_1m", *arguments, project=project, succeeds=succeeds
    )


def start(warehouse, project):
    """The later project as a process, to be killed."""
    return subprocess.Popen(
        warehouse.command("run", "--select", "fact_klines", project=project), env=warehouse.environment(),
        cwd=warehouse.scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(process):
    process.kill()
    process.wait()


def wait(condition, what):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen")


def sessions_of_dbt(warehouse):
    return warehouse.run("select id from information_schema.processlist where user = %s", (warehouse.transformer,))


def test_new_nullable_columns_come_with_the_next_run_and_no_row_is_touched(warehouse, candle, project):
    before = two_minutes(warehouse, candle)
    partitions = facts(warehouse, "partitions", "partition_name")
    later(warehouse, project)  # also without a load to take in
    assert warehouse.run(FACTS) == before
    warehouse.load([candle("10:01", 2, captured="11:00"), candle("10:02", 3)])
    later(warehouse, project)
    assert warehouse.run(FACTS)[:2] == before
    assert [row[1:] for row in warehouse.run(ADDED)] == [(None, None), (None, None), ("spot", 1.5)]
    assert warehouse.run("select weight from {marts}.indicators_1m order by open_time") == [(None,), (None,), (2.5,)]
    assert facts(warehouse, "partitions", "partition_name") == partitions
    at = warehouse.run(
        "select column_name from information_schema.columns where table_schema = '{marts}' and table_name = 'fact_klines' order by ordinal_position"
    )
    assert [row[0] for row in at][2:5] == ["interval_code", "venue", "open_time"]
    assert at[-1][0] == "weight"
    assert warehouse.pending() == [row for row in warehouse.pending() if row[0] not in ("fact_klines", "indicators_1m")]


def test_a_full_refresh_afterwards_still_works_in_the_table_itself(warehouse, candle, project):
    two_minutes(warehouse, candle)
    later(warehouse, project, "--full-refresh")  # adds them as well
    made = facts(warehouse, "tables", "create_time")
    assert [row[1] for row in warehouse.run(ADDED)] == [None, None]
    time.sleep(1.1)  # create_time counts seconds
    later(warehouse, project, "--full-refresh")
    assert facts(warehouse, "tables", "create_time") == made
    later(warehouse, project, "--full-refresh", "--vars", "{rebuild_by_swap: true}")
    assert facts(warehouse, "tables", "create_time") != made
    assert len(warehouse.run(FACTS)) == 2


def test_killed_between_the_new_columns_and_the_run_the_next_run_goes_on(warehouse, candle, project):
    before = two_minutes(warehouse, candle)
    warehouse.load([candle("10:02", 3)])
    with closing(warehouse.server.connect()) as holder:
        holder.cursor().execute(
            f"lock tables {warehouse.raw}.staging_klines write"
        )  # what comes after the ALTER waits here
        process = start(warehouse, project)
        wait(lambda: len(facts(warehouse, "columns", "column_name")) == 24, "the ALTER TABLE")
        kill(process)
    wait(lambda: not sessions_of_dbt(warehouse), "the end of dbt's session")
    assert warehouse.run(FACTS) == before
    assert ("fact_klines", 2) in warehouse.pending()
    later(warehouse, project)
    assert [row[1:] for row in warehouse.run(ADDED)] == [(None, None), (None, None), ("spot", 1.5)]


def test_a_reader_is_waited_for_only_so_long_and_a_kill_meanwhile_changes_nothing(warehouse, candle, project):
    before = two_minutes(warehouse, candle)
    columns = facts(warehouse, "columns", "column_name")
    with closing(warehouse.server.connect(autocommit=False)) as reader:
        reader.cursor().execute(f"select count(*) from {warehouse.marts}.fact_klines")
        said = later(warehouse, project, "--vars", "{ddl_wait_seconds: 1}", succeeds=False)
        assert "1205" in said
        process = start(warehouse, project)
        waiting = (
            "select id from information_schema.processlist where if(user = %s, info, '') like '%%algorithm = instant%%'"
        )
        wait(lambda: warehouse.run(waiting, (warehouse.transformer,)), "an ALTER TABLE that waits")
        kill(process)
        for (session,) in sessions_of_dbt(warehouse):
            with suppress(MySQLdb.OperationalError):  # MySQL notices by itself that nobody is there any more
                warehouse.run(f"kill {session}")
    wait(lambda: not sessions_of_dbt(warehouse), "the end of dbt's session")
    assert facts(warehouse, "columns", "column_name") == columns
    assert warehouse.run(FACTS) == before
    later(warehouse, project)
    assert [row[1] for row in warehouse.run(ADDED)] == [None, None]


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("yml", "data_type: varchar(24)", "data_type: varchar(40)", r"column source is varchar(24) not null there and varchar(40) not null in the contract"),
        ("yml", VENUE, VENUE + "        constraints: [{type: not_null}]\n", "its new column venue must not be null, which no stored row fulfils"),
        ("sql", "'interval_code', 'open_time'],", "'open_time', 'interval_code'],", "its key is (exchange, symbol, interval_code, open_time) there and (exchange, symbol, open_time, interval_code) in the config"),
    ],
    ids=["another type", "a value nobody has", "another key"],
)  # fmt: skip
def test_any_other_change_is_refused_with_the_command_that_makes_it(warehouse, candle, project, path, old, new, told):
    before = two_minutes(warehouse, candle)
    columns = facts(warehouse, "columns", "column_name, column_type")
    rewrite(project, f"models/facts/fact_klines.{path}", old, new)
    said = later(warehouse, project, succeeds=False)
    assert told in said
    assert "dbt run --full-refresh --select fact_klines" in said
    assert facts(warehouse, "columns", "column_name, column_type") == columns
    assert warehouse.run(FACTS) == before
    refreshed = warehouse.dbt(
        "run", "--full-refresh", "--select", "fact_klines", project=project, succeeds="must not be null" not in told
    )
    if "must not be null" in told:
        assert "expected the new column venue of fact_klines to be nullable" in refreshed
    assert [row[:4] for row in warehouse.run(FACTS)] == [row[:4] for row in before]


def test_a_column_that_the_contract_no_longer_has_is_not_dropped_by_the_way(warehouse, candle, project):
    two_minutes(warehouse, candle)
    later(warehouse, project)
    said = warehouse.dbt("run", "--select", "fact_klines", succeeds=False)
    assert "column venue is not in the contract, its values would go" in said
    warehouse.dbt("run", "--full-refresh", "--select", "fact_klines")
    assert len(facts(warehouse, "columns", "column_name")) == 22
    assert len(warehouse.run(FACTS)) == 2
