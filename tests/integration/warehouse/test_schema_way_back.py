"""The raw schema goes up and back without losing a row, whoever is killed on the way."""

from __future__ import annotations

import importlib.util
import itertools
from contextlib import closing

import pytest

from candlewick.warehouse import schema, tables
from candlewick.warehouse.database import WarehouseBusy, WarehouseError
from support.revisions import columns, fill, fill_columns, killed_at, rows

KNOWN = schema.revisions()
EARLIER = sorted({"0004", KNOWN[-2]})


def declared(revision):
    """The module of a revision."""
    (path,) = (schema.MIGRATIONS / "versions").glob(f"{revision}_*.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def added(before, after):
    """Columns by table that only the later one of two schemas has, in tables that both have."""
    found = {table: set(after[table]) - set(names) for table, names in before.items()}
    return {table: names for table, names in found.items() if names}


def test_each_revision_declares_what_it_brings_so_that_the_way_back_can_keep_it(empty):
    before = {}
    for revision in KNOWN:
        schema.upgrade(empty, revision)
        after, module = columns(empty), declared(revision)
        assert set(after) - set(before) == set(module.TABLES), revision
        brought = getattr(module, "COLUMNS", {})
        assert added(before, after) == {table: set(names) for table, names in brought.items()}, revision
        must_have_a_value = [text for names in brought.values() for text in names.values() if "NOT NULL" in text]
        assert must_have_a_value == [], revision
        before = after


@pytest.mark.parametrize("start", EARLIER)
def test_up_back_and_up_again_no_row_and_no_value_is_lost(empty, start):
    schema.upgrade(empty, start)
    old = columns(empty)
    fill(empty)
    held = rows(empty, old)

    assert schema.upgrade(empty) == KNOWN[-1]
    assert rows(empty, old) == held
    new = columns(empty)
    fill(empty, without=old)
    fill_columns(empty, added(old, new))
    everything = rows(empty, new)

    assert schema.downgrade(empty, start) == start
    assert schema.current(empty) == start
    assert {table: names for table, names in columns(empty).items() if "__of_" not in table} == old
    assert rows(empty, old) == held

    assert schema.upgrade(empty) == KNOWN[-1]
    assert columns(empty) == new
    assert rows(empty, new) == everything


def full(warehouse):
    """Every table and column has rows; return them."""
    schema.upgrade(warehouse)
    fill(warehouse)
    return columns(warehouse), rows(warehouse, columns(warehouse))


@pytest.mark.parametrize("then", ["back again", "forward"])
def test_a_way_back_that_is_killed_anywhere_is_finished_or_taken_back(empty, then):
    new, everything = full(empty)
    for nth in itertools.count(1):
        killed = killed_at(nth, lambda: schema.downgrade(empty, EARLIER[0]))
        if then == "back again" and killed:
            schema.downgrade(empty, EARLIER[0])
        schema.upgrade(empty)
        assert columns(empty) == new, nth
        assert rows(empty, new) == everything, nth
        if not killed:
            break
    assert nth > 10


def test_an_upgrade_after_a_way_back_that_is_killed_anywhere_brings_everything(empty):
    new, everything = full(empty)
    for nth in itertools.count(1):
        schema.downgrade(empty, EARLIER[0])
        killed = killed_at(nth, lambda: schema.upgrade(empty))
        if killed and nth % 2:  # an upgrade that was killed can be taken back as well
            schema.downgrade(empty, EARLIER[0])
        schema.upgrade(empty)
        assert columns(empty) == new, nth
        assert rows(empty, new) == everything, nth
        if not killed:
            break
    assert nth > 10


def test_a_row_that_went_meanwhile_stays_away(empty):
    full(empty)
    schema.downgrade(empty, "0004")
    with empty.session() as session:
        session.run("DELETE FROM processed_files WHERE object_id = 1")
    schema.upgrade(empty)
    with empty.session() as session:
        assert session.all("SELECT object_id, bundle_id FROM processed_files ORDER BY 1") == [(2, 2), (3, 3)]


def test_a_revision_that_is_not_there_is_refused_in_a_sentence(empty):
    schema.upgrade(empty, "0004")
    for wrong in ("0005", "nonsense"):
        with pytest.raises(WarehouseError, match=rf"go back to among 0001, .* got {wrong}"):
            schema.downgrade(empty, wrong)
    with empty.session() as session:
        session.run("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(WarehouseError, match=r"among 0001, .* got 9999; check out the newer code"):
        schema.downgrade(empty, "0004")


def test_a_table_under_both_names_is_not_guessed_about(empty):
    full(empty)
    schema.downgrade(empty, "0004")
    with empty.session() as session:
        session.run("CREATE TABLE archive_bundles (bundle_id BIGINT PRIMARY KEY)")
    with pytest.raises(WarehouseError, match="archive_bundles__of_0005 and archive_bundles, but both are there"):
        schema.upgrade(empty)


def test_a_reader_that_does_not_let_go_makes_it_end_soon_and_worth_another_try(empty, database, config, monkeypatch):
    monkeypatch.setattr(tables, "DDL_WAIT_SECONDS", 1)
    schema.upgrade(empty, "0004")
    with closing(database.connect(config.raw_schema, autocommit=False)) as reader:
        reader.cursor().execute("SELECT * FROM processed_files")
        with pytest.raises(WarehouseBusy, match="within 1 s, but someone reads a table"):
            schema.upgrade(empty)
    assert schema.upgrade(empty) == KNOWN[-1]
