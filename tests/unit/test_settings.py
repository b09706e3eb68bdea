"""Settings: what is written in .env means the same wherever a process runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from candlewick.settings import REPOSITORY, Settings

FOLDERS = ("home", "dbt_project_dir", "dags_dir", "plugins_dir", "dbt_executable", "demo_replay")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_relative_path_is_meant_from_the_repository(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"CANDLEWICK_{name.upper()}", "some/where")
    assert getattr(Settings(), name) == REPOSITORY / "some" / "where"


def test_a_tilde_is_the_persons_own_folder(monkeypatch):
    monkeypatch.setenv("CANDLEWICK_HOME", "~/candles")
    assert Settings().home == Path.home() / "candles"


@pytest.mark.parametrize("name", [*FOLDERS, "symbols", "airflow_port"])
def test_an_empty_line_in_the_env_file_is_the_default(name, monkeypatch):
    monkeypatch.delenv(f"CANDLEWICK_{name.upper()}", raising=False)
    default = getattr(Settings(), name)
    monkeypatch.setenv(f"CANDLEWICK_{name.upper()}", "")
    assert getattr(Settings(), name) == default
