"""The commands of `make shell`."""

from __future__ import annotations

import subprocess

import pytest

from candlewick.local import shell
from candlewick.local.platform import Platform
from candlewick.settings import Settings
from support.fake_dbt import FakeDbt


@pytest.fixture
def dbt(tmp_path):
    return FakeDbt(tmp_path / "dbt command")


@pytest.fixture
def platform(tmp_path, dbt):
    return Platform(
        Settings(home=tmp_path / "a home", dbt_executable=dbt.executable), "demo", {"PATH": "/usr/bin:/bin"}
    )


def test_dbt_writes_neither_into_the_project_nor_into_the_current_folder(platform, dbt):
    env = shell.environment(platform)
    subprocess.run(["sh", "-c", "dbt ls --select 'one two'"], env=env, cwd="/proc", check=True)
    own = platform.home.root / "dbt" / "shell"
    assert dbt.call["argv"] == ["ls", "--select", "one two"]
    assert dbt.call["cwd"] == str(own)
    assert dbt.call["environment"]["DBT_TARGET_PATH"] == str(own / "target")
    assert dbt.call["environment"]["DBT_LOG_PATH"] == str(own / "logs")
    # Tasks that are run from the shell keep targets of their own.
    assert "DBT_TARGET_PATH" not in env


def test_passwords_are_on_no_command_line(platform):
    shell.prepare(platform)
    account = platform.wiring.account("WAREHOUSE_READ")
    assert account.password not in (platform.home.bin / "mysql").read_text()
    assert (platform.home.secrets / "mysql.cnf").stat().st_mode & 0o777 == 0o600
