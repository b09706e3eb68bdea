"""What a newer dbt project added to the marts is taken out again, and nothing that is somebody else's."""

from __future__ import annotations

import itertools

import pytest

from candlewick.warehouse import marts
from candlewick.warehouse.marts import Built
from support.revisions import killed_at

MODELS = {"facts": ["n", "late"], "fresh": ["n"], "seen": ["n"], "same": ["n"]}


@pytest.fixture
def run(warehouse, config):
    """Run statements in the marts."""

    def execute(*statements):
        with warehouse.session() as session:
            session.run(f"USE {config.marts_schema}")
            return [session.all(statement) for statement in statements][-1]

    return execute


@pytest.fixture
def before(run, warehouse):
    run(
        "CREATE TABLE definitions (name VARCHAR(64) PRIMARY KEY, checksum CHAR(32) NOT NULL)",
        "INSERT INTO definitions VALUES ('facts', 'old'), ('same', 'kept')",
        "CREATE TABLE facts (n INT PRIMARY KEY)",
        "CREATE TABLE same (n INT PRIMARY KEY)",
        "INSERT INTO facts VALUES (1), (2)",
    )
    return marts.built(warehouse)


@pytest.fixture
def newer(run, config):
    """What dbt of the newer version did, and what an analyst did meanwhile."""

    def build():
        run(
            "ALTER TABLE facts ADD COLUMN IF NOT EXISTS late INT NULL" if _is_mariadb(run) else _add_on_mysql(run),
            "REPLACE INTO definitions VALUES ('facts', 'new'), ('fresh', 'new'), ('seen', 'new')",
            "CREATE TABLE IF NOT EXISTS fresh (n INT PRIMARY KEY)",
            "CREATE OR REPLACE VIEW seen AS SELECT n FROM facts",
            "CREATE TABLE IF NOT EXISTS of_an_analyst (n INT PRIMARY KEY)",
            f"REPLACE INTO {config.raw_schema}.pending_loads (model, load_id) VALUES ('fresh', 1), ('facts', 1)",
        )

    return build


def _is_mariadb(run):
    return "mariadb" in run("SELECT LOWER(VERSION())")[0][0]


def _add_on_mysql(run):
    has = run(
        "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'facts' AND column_name = 'late'"
    )
    return "SELECT 1" if has else "ALTER TABLE facts ADD COLUMN late INT NULL"


def as_before(run, warehouse, before):
    now = marts.built(warehouse)
    assert {name: columns for name, columns in now.columns.items() if name != "of_an_analyst"} == before.columns
    assert now.columns["of_an_analyst"] == ["n"]
    assert now.checksums == before.checksums
    assert run("SELECT n FROM facts ORDER BY n") == [(1,), (2,)]


def test_new_models_and_columns_go_with_their_place_in_the_queues(run, warehouse, config, before, newer):
    newer()
    assert sorted(marts.take_back(warehouse, before, MODELS)) == ["facts.late", "fresh", "seen"]
    as_before(run, warehouse, before)
    assert run(f"SELECT model FROM {config.raw_schema}.pending_loads") == [("facts",)]
    assert marts.take_back(warehouse, before, MODELS) == []


def test_killed_anywhere_the_same_again_finishes(run, warehouse, before, newer):
    for nth in itertools.count(1):
        newer()
        killed = killed_at(nth, lambda: marts.take_back(warehouse, before, MODELS))
        marts.take_back(warehouse, before, MODELS)
        as_before(run, warehouse, before)
        if not killed:
            break
    assert nth > 5


def test_where_nothing_was_built_there_is_nothing_to_note(warehouse):
    assert marts.built(warehouse) == Built({}, {})


@pytest.mark.usefixtures("before")
def test_what_was_built_since_an_upgrade_of_nothing_is_not_taken_out(run, warehouse):
    assert marts.take_back(warehouse, Built({}, {}), MODELS) == []
    assert run("SELECT n FROM facts ORDER BY n") == [(1,), (2,)]
