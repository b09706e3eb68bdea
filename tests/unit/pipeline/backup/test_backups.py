"""Which backups stay, how they are named, and what a dump leaves out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from candlewick.pipeline.backup import __main__ as command
from candlewick.pipeline.backup.manifest import MANIFEST, VERIFIED, Stored, part_key, stamp_of
from candlewick.pipeline.backup.programs import BackupFailed, dump
from candlewick.pipeline.backup.save import MADE_ANEW, _Save, too_old
from candlewick.settings import Settings
from candlewick.warehouse.database import Address

NOW = datetime(2026, 11, 22, 2)


def backup(days_ago, *, whole=True, verified=False):
    stamp = stamp_of(NOW - timedelta(days=days_ago))
    names = [
        part_key(stamp, 1),
        *([f"{stamp}/{MANIFEST}"] if whole else []),
        *([f"{stamp}/{VERIFIED}"] if verified else []),
    ]
    return Stored(stamp, names)


def gone(*backups):
    return [(NOW - one.taken_at).days for one in too_old(list(backups), NOW - timedelta(days=35))]


def test_backups_go_with_their_age():
    assert gone(backup(50), backup(36), backup(35), backup(1)) == [50, 36]


def test_the_newest_one_that_was_verified_stays_however_old_it_is():
    assert gone(backup(90, verified=True), backup(60, verified=True), backup(50), backup(1)) == [90, 50]


def test_the_newest_one_stays_also_when_all_are_too_old_and_none_was_verified():
    assert gone(backup(90), backup(60)) == [90]


def test_what_is_not_whole_is_no_backup_and_keeps_no_other_one_from_staying():
    assert gone(backup(90), backup(60), backup(1, whole=False)) == [90]


def test_a_note_without_its_backup_verifies_nothing():
    assert not backup(3, whole=False, verified=True).is_verified


def test_a_stamp_is_a_name_that_every_store_takes_and_the_time_can_be_read_from():
    stamp = stamp_of(NOW)
    assert re.fullmatch(r"[0-9TZ-]+", stamp)
    assert Stored(stamp).taken_at == NOW


def test_what_dbt_makes_anew_each_hour_is_left_out_and_nothing_else():
    models = Settings().dbt_project_dir / "models"
    found = [
        path.stem
        for path in models.rglob("*.sql")
        if re.search(r"materialized\s*=\s*'table'", path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == sorted(MADE_ANEW)


def test_tables_that_are_work_in_progress_are_left_out_also_with_the_time_dbt_names_them_by():
    config = SimpleNamespace(raw_schema="raw", marts_schema="marts")
    kept = [("raw", "loads", "BASE TABLE"), ("marts", "fact_klines", "BASE TABLE")]
    left = [
        ("marts", "fact_klines__next120000123456", "BASE TABLE"), ("marts", "daily_klines__prev120000123456", "BASE TABLE"),
        ("marts", "fact_klines__kept", "BASE TABLE"), ("marts", "volatility", "BASE TABLE"), ("marts", "overview", "VIEW"),
    ]  # fmt: skip
    session = SimpleNamespace(all=lambda *_: [*kept, *left])

    found = _Save(SimpleNamespace(config=config), None, session)._left_out()

    assert found == [f"{schema}.{name}" for schema, name, _ in left]


def test_without_the_program_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(
            BackupFailed, match=r"mariadb-dump is not on this machine; install it: apt-get install mariadb-client"
        ),
        dump(Address("127.0.0.1", 1, "nobody", "secret"), ("a",), ()),
    ):
        pass


def test_a_command_without_a_name_says_how_it_is_called(capsys):
    with pytest.raises(SystemExit):
        command.main(["restore"])
    assert "name" in capsys.readouterr().err
