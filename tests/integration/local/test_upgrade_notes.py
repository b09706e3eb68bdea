"""Before an upgrade changes anything: what is checked, what is written down, and what a killed one leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from candlewick.local import code, upgrade
from candlewick.local.database import writer
from candlewick.local.errors import LauncherError
from candlewick.local.rollback import Rollback
from candlewick.local.upgrade import Upgrade
from candlewick.local.upgrade_note import State, newest
from candlewick.warehouse import schema
from support.asking import step


@pytest.fixture
def running(platform):
    """Its warehouse runs, at the revision before the newest, started from a commit."""
    platform.start_warehouse(step())
    schema.upgrade(writer(platform.wiring, platform.settings), "0004")
    code.note_running(platform.home.root, "a" * 40)
    return platform


def note(platform, **options):
    """Note where we are; return the note."""
    run = Upgrade(platform, **options)
    run.note_where_we_are(step())
    return run.note


def test_the_note_of_a_killed_upgrade_says_what_was_before_its_first_try(running):
    first = note(running)
    assert (first.schema_before, first.code_before, first.state) == ("0004", "a" * 40, State.BEGUN)
    schema.upgrade(writer(running.wiring, running.settings))
    code.note_running(running.home.root, "b" * 40)
    again = note(running)
    assert (again.path, again.schema_before, again.code_before) == (first.path, "0004", "a" * 40)


def test_after_a_finished_one_the_next_has_a_note_of_its_own(running):
    first = note(running)
    first.state = State.FINISHED
    first.save()
    Path(first.path).rename(first.path.replace(".json", "-earlier.json"))  # notes are named after their second
    schema.upgrade(writer(running.wiring, running.settings))
    assert note(running).schema_before == schema.revisions()[-1]


def test_nothing_is_started_between_two_versions(running):
    left = note(running)
    with pytest.raises(
        LauncherError, match=r"^The upgrade a{12} → .* was interrupted; finish it with make upgrade, or"
    ):
        running.up()
    left.state = State.GOING_BACK
    left.save()
    with pytest.raises(
        LauncherError, match=r"way back from the upgrade .* was interrupted; finish it with make rollback"
    ):
        running.up()
    with pytest.raises(LauncherError, match="finish it first with make rollback"):
        Upgrade(running).check(step())


def test_files_that_no_commit_has_are_no_version_to_come_back_to(platform, monkeypatch):
    monkeypatch.setattr(code, "changes", lambda: ["dags/market_minute.py"])
    with pytest.raises(LauncherError, match=r"1 files are not as commit .*market_minute.* make upgrade CHANGED=1"):
        Upgrade(platform).check(step())
    Upgrade(platform, changed_files=True).check(step())


def test_a_warehouse_that_is_ahead_of_the_code_is_not_touched(running):
    with writer(running.wiring, running.settings).session() as session:
        session.run("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(LauncherError, match=r"at revision 9999, which this code does not know: .* then make rollback"):
        note(running)
    assert newest(running.home.root, running.mode) is None


def test_a_disk_without_room_is_told_before_anything_changes(running, monkeypatch):
    monkeypatch.setattr(upgrade.shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))
    with pytest.raises(LauncherError, match=r"0\.0 GB are free under .* may need 1\.0 GB; .*BACKUP=0"):
        note(running)
    assert newest(running.home.root, running.mode) is None


def test_the_warehouse_is_saved_once_however_often_the_upgrade_is_tried(platform):
    platform.start_warehouse(step())
    platform.start_store(step())
    platform.provision()
    for _ in range(2):
        run = Upgrade(platform)
        run.note_where_we_are(step())
        run.save(step())
        kept = platform.command("candlewick.pipeline.backup", "list").splitlines()
        assert [line.endswith("never restored") for line in kept if "restored" in line] == [True]
    assert newest(platform.home.root, platform.mode).backup.startswith("saved ")


def test_without_an_upgrade_there_is_nothing_to_take_back(platform):
    with pytest.raises(LauncherError, match=r"No upgrade is noted under .*upgrades, so there is nothing to take back"):
        Rollback(platform)


def test_a_platform_that_had_no_warehouse_has_nothing_to_go_back_to(platform):
    platform.start_warehouse(step())
    note(platform)
    with pytest.raises(LauncherError, match="There was no warehouse before the last upgrade"):
        Rollback(platform)


def test_metadata_comes_back_as_another_version_left_it_however_often_it_is_tried(platform):
    airflow, copy = platform.airflow, platform.home.root / "copy.db"
    with closing(sqlite3.connect(airflow.metadata)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE dag (dag_id TEXT)")
        connection.execute("INSERT INTO dag VALUES ('before')")
        connection.commit()
        airflow.copy_metadata(copy)
        connection.execute("INSERT INTO dag VALUES ('after')")
        connection.commit()
    for _ in range(2):
        airflow.restore_metadata(copy, "3.2.0")
        with closing(sqlite3.connect(airflow.metadata)) as connection:
            assert connection.execute("SELECT dag_id FROM dag").fetchall() == [("before",)]
        assert airflow.metadata_version() == "3.2.0"
        assert airflow.needs_migration()
