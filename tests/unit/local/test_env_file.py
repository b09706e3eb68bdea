"""The env file: the bootstrap, which has no python-dotenv yet, reads it as python-dotenv does."""

from __future__ import annotations

import pytest
from dotenv import dotenv_values

from candlewick.local import cli, env_file

LINES = """\
# A=commented out
A=plain
B = spaced
export C=exported
D='single # kept'
E="double # kept" # dropped
F=value # dropped
G=value#kept
H=
I= # only a comment
J=first
J=second
K={"host":"db.example","extra":{"local_infile":true}}
L="quoted"
M=/with spaces/in it
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "settings.env"
    path.write_text(LINES)
    monkeypatch.setenv(env_file.VARIABLE, str(path))
    return path


@pytest.mark.parametrize("name", "ABCDEFGHIJKLMN")
def test_a_value_is_what_python_dotenv_reads(file, name, monkeypatch):
    monkeypatch.delenv(name, raising=False)
    assert env_file.value(name) == (dotenv_values(file).get(name) or None)


def test_the_environment_wins_also_when_it_is_empty(file, monkeypatch):
    monkeypatch.setenv("A", "from the environment")
    monkeypatch.setenv("B", "")
    assert (env_file.value("A"), env_file.value("B")) == ("from the environment", None)


def test_an_empty_name_is_no_file_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(env_file, "REPOSITORY", tmp_path)
    (tmp_path / ".env").write_text("A=1\n")
    monkeypatch.delenv(env_file.VARIABLE, raising=False)
    assert env_file.path() == tmp_path / ".env"
    monkeypatch.setenv(env_file.VARIABLE, "")
    assert env_file.path() is None
    assert env_file.value("A") is None


def test_a_file_that_is_not_there_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(env_file.VARIABLE, str(tmp_path / "no.env"))
    assert cli.main(["status"]) == 1
    assert f"CANDLEWICK_ENV_FILE names {tmp_path / 'no.env'}, which is not a file" in capsys.readouterr().err


def test_the_launcher_reads_the_named_file(tmp_path, monkeypatch, capsys):
    file = tmp_path / "settings.env"
    file.write_text("CANDLEWICK_AIRFLOW_PORT=eighty\n")
    monkeypatch.setenv(env_file.VARIABLE, str(file))
    monkeypatch.setenv("CANDLEWICK_AIRFLOW_PORT", "set, so that it is put back")
    monkeypatch.delenv("CANDLEWICK_AIRFLOW_PORT")
    assert cli.main(["status"]) == 1
    assert "CANDLEWICK_AIRFLOW_PORT" in capsys.readouterr().err
