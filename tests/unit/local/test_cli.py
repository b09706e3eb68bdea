"""Commands: one sentence and a code for what goes wrong, no traceback; nothing lost by mistake."""

from __future__ import annotations

import socket

import pytest

from candlewick.local import cli


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path))
    for name in ("WAREHOUSE", "LAKE", "BINANCE", "BINANCE_ARCHIVE"):
        monkeypatch.delenv(f"AIRFLOW_CONN_{name}", raising=False)
    return tmp_path


def test_a_taken_port_is_an_error_of_one_sentence_before_anything_starts(home, monkeypatch, capsys):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setenv("CANDLEWICK_DATABASE_PORT", str(server.getsockname()[1]))
        assert cli.main(["demo"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: Port ")
    assert "CANDLEWICK_DATABASE_PORT" in said
    assert "Traceback" not in said
    assert list((home / "run").glob("*.json")) == []


def test_a_setting_that_cannot_be_is_named(monkeypatch, capsys):
    monkeypatch.setenv("CANDLEWICK_AIRFLOW_PORT", "eighty")
    assert cli.main(["status"]) == 1
    assert "CANDLEWICK_AIRFLOW_PORT" in capsys.readouterr().err


def test_status_fails_when_nothing_runs():
    assert cli.main(["status"]) == 1


def test_down_without_anything_running_is_harmless(capsys):
    assert cli.main(["down"]) == 0
    assert "Nothing was running" in capsys.readouterr().out


def test_logs_of_a_service_that_is_not_known_lists_those_that_are(home, capsys):
    (home / "logs").mkdir()
    (home / "logs" / "scheduler.log").touch()
    assert cli.main(["logs", "schedular"]) == 1
    assert "the logs there are: scheduler" in capsys.readouterr().err


def test_clean_without_a_yes_removes_nothing(home, capsys):
    (home / "data").mkdir()
    assert cli.main(["clean"]) == 1
    assert "YES=1" in capsys.readouterr().err
    assert (home / "data").exists()


def test_clean_removes_what_is_ours_and_keeps_virtualenvs_and_strangers(home):
    for name in ("data/demo/mariadb", "venvs/airflow", "holiday-photos"):
        (home / name).mkdir(parents=True)
    assert cli.main(["clean", "--yes"]) == 0
    assert sorted(path.name for path in home.iterdir()) == ["holiday-photos", "venvs"]
