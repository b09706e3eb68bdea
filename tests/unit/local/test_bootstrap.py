"""The first minutes on a bare machine: what is missing is named, what is there is left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from candlewick.local import bootstrap, requirements, system_packages
from candlewick.local.system_packages import BootstrapError


@pytest.fixture
def bare(monkeypatch):
    """A machine without any of the programs, and no way to become root."""
    monkeypatch.setattr(system_packages, "found", lambda program: program == "apt-get")
    monkeypatch.setattr(system_packages, "_privilege", lambda: None)


@pytest.mark.usefixtures("bare")
def test_without_root_the_exact_command_is_told():
    with pytest.raises(
        BootstrapError, match=r"sudo apt-get update && sudo apt-get install .*mariadb-server-core mariadb-client-core"
    ):
        system_packages.require_system_packages(sys.executable, print, server=True, compiler=False)


@pytest.mark.usefixtures("bare")
def test_an_outside_warehouse_needs_no_server():
    assert system_packages.missing_packages(sys.executable, server=False, compiler=False) == ["mariadb-client-core"]


@pytest.mark.usefixtures("bare")
def test_a_compiler_is_asked_for_only_when_something_is_to_be_built():
    assert "gcc" in system_packages.missing_packages(sys.executable, server=False, compiler=True)
    assert "gcc" not in system_packages.missing_packages(sys.executable, server=False, compiler=False)


@pytest.mark.usefixtures("bare")
def test_the_program_that_saves_the_warehouse_is_asked_for_only_by_what_saves_it():
    assert (
        system_packages.missing_packages(sys.executable, server=True, compiler=False, dump=True)[-1] == "mariadb-client"
    )
    assert "mariadb-client" not in system_packages.missing_packages(sys.executable, server=True, compiler=False)


@pytest.mark.usefixtures("bare")
def test_a_browser_is_asked_for_only_by_what_tests_pages():
    assert "chromium" in system_packages.missing_packages(sys.executable, server=True, compiler=False, browser=True)
    assert "chromium" not in system_packages.missing_packages(sys.executable, server=True, compiler=False)


@pytest.mark.parametrize(
    ("option", "dev", "browser"), [([], False, False), (["--dev"], True, False), (["--browser"], True, True)]
)
def test_a_command_says_whether_it_needs_tools_and_whether_a_browser(monkeypatch, tmp_path, option, dev, browser):
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    prepared = []
    monkeypatch.setattr(
        bootstrap, "prepare", lambda **asked: prepared.append(asked) or bootstrap.Environment("x", [], package=False)
    )
    monkeypatch.setattr(bootstrap.os, "execv", lambda *_: None)
    bootstrap.become([*option, "python", "-m", "pytest"])
    assert prepared == [{"dev": dev, "dump": False, "browser": browser}]


def test_a_machine_that_has_all_never_calls_apt(monkeypatch):
    monkeypatch.setattr(system_packages, "found", lambda _: True)
    monkeypatch.setattr(system_packages, "_ask", lambda _: ("3.11", True, True))
    monkeypatch.setattr(system_packages, "_privilege", lambda: pytest.fail("asked to become root"))
    system_packages.require_system_packages(sys.executable, print, server=True, compiler=True)


def test_the_home_folder_may_stand_in_the_env_file(monkeypatch, tmp_path):
    monkeypatch.delenv("CANDLEWICK_HOME", raising=False)
    assert bootstrap.home() == bootstrap.REPOSITORY / ".candlewick"
    (tmp_path / "settings.env").write_text("CANDLEWICK_HOME='elsewhere'  # on the big disk\n")
    monkeypatch.setenv("CANDLEWICK_ENV_FILE", str(tmp_path / "settings.env"))
    assert bootstrap.home() == bootstrap.REPOSITORY / "elsewhere"
    monkeypatch.setenv("CANDLEWICK_HOME", "/from/environment")
    assert str(bootstrap.home()) == "/from/environment"


def test_an_environment_is_stale_when_its_requirements_change(monkeypatch, tmp_path):
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path))
    pinned = tmp_path / "requirements.txt"
    pinned.write_text("a==1\n")
    environment = bootstrap.Environment("dbt", [pinned], package=False)
    assert not environment.ready()
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    environment.stamp.write_text(environment.wanted())
    assert environment.ready()
    pinned.write_text("a==2\n")
    assert not environment.ready()


@pytest.mark.parametrize("code", [0, 1])
def test_an_upgrade_brings_the_platform_to_rest_before_packages_are_exchanged(monkeypatch, tmp_path, code):
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path))
    pinned, asked = tmp_path / "requirements.txt", tmp_path / "asked"
    pinned.write_text("a==1\n")
    environment = bootstrap.Environment("airflow", [pinned], package=False)
    bootstrap.halt(environment, ["upgrade"])  # nothing is installed yet, so nothing runs
    environment.python.parent.mkdir(parents=True)
    environment.python.write_text(f'#!/bin/sh\necho "$@" > {asked}; exit {code}\n')
    environment.python.chmod(0o755)
    environment.stamp.write_text(environment.wanted())
    bootstrap.halt(environment, ["upgrade"])  # no package changes: the upgrade itself brings it to rest
    assert not asked.exists()
    pinned.write_text("a==2\n")
    if code:
        with pytest.raises(BootstrapError, match="no package was exchanged"):
            bootstrap.halt(environment, ["upgrade", "--wait", "3"])
    else:
        bootstrap.halt(environment, ["upgrade", "--wait", "3"])
    assert asked.read_text() == "-m candlewick.local upgrade --wait 3 --halt\n"


@pytest.mark.parametrize("command", bootstrap.WITHOUT_INSTALL)
def test_looking_at_or_ending_nothing_installs_nothing(monkeypatch, tmp_path, command, capsys):
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path / "new"))
    assert bootstrap.main([command]) == (1 if command == "status" else 0)
    assert "Nothing is installed" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


@pytest.fixture
def interrupted(monkeypatch, tmp_path):
    """A home in which an installation was interrupted: an interpreter, no packages."""
    monkeypatch.setenv("CANDLEWICK_HOME", str(tmp_path / "home"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "home/venvs/airflow"], check=True)
    return tmp_path / "home"


@pytest.mark.parametrize("command", ["down", "status", "logs"])
def test_an_interrupted_installation_is_none(interrupted, command, capsys):
    assert bootstrap.main([command]) == (1 if command == "status" else 0)
    assert "nothing runs" in capsys.readouterr().out


def test_what_an_interrupted_installation_left_is_cleaned_all_the_same(interrupted, capsys):
    (interrupted / "logs").mkdir()
    assert bootstrap.main(["clean"]) == 1
    assert "YES=1" in capsys.readouterr().out
    assert bootstrap.main(["clean", "--yes"]) == 0
    assert [path.name for path in interrupted.iterdir()] == ["venvs"]
    assert bootstrap.main(["clean", "--yes", "--all"]) == 0
    assert not interrupted.exists()


def test_services_whose_launcher_is_gone_are_not_called_stopped(interrupted, capsys):
    (interrupted / "run").mkdir()
    (interrupted / "run" / "scheduler.json").touch()
    assert bootstrap.main(["down"]) == 1
    assert "the installation there was interrupted" in capsys.readouterr().out


def test_a_home_that_cannot_be_made_is_told_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setenv("CANDLEWICK_HOME", "/proc/candlewick")
    assert bootstrap.main(["demo"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("error: ")
    assert "under /proc/candlewick (CANDLEWICK_HOME), which has to be writable" in said


def test_apt_is_called_through_sudo_without_questions_and_a_failure_tells_the_command(monkeypatch):
    called = []

    def fail(argv, what):
        called.append(" ".join(argv))
        raise BootstrapError(f"{what} failed")

    monkeypatch.setattr(system_packages, "found", lambda program: program == "apt-get")
    monkeypatch.setattr(system_packages, "_privilege", lambda: ["sudo", "-n"])
    with pytest.raises(BootstrapError, match=r"installing system packages .* failed\nBy hand: sudo apt-get update"):
        system_packages.require_system_packages(sys.executable, fail, server=True, compiler=False)
    assert [line.startswith("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get ") for line in called] == [True, True]


def test_every_requirement_is_pinned():
    for name in ("requirements.txt", "requirements-dev.txt", "dbt_project/requirements.txt"):
        text = (bootstrap.REPOSITORY / name).read_text(encoding="utf-8")
        lines = [line.split("#")[0].split(";")[0].strip() for line in text.splitlines()]
        assert [line for line in lines if line and "==" not in line] == []


def test_what_is_asked_for_and_what_it_brings_are_told_apart():
    above, below = requirements.split(f"a==1  # why\n{requirements.MARKER}\nb==2\n")
    assert (requirements.names(above), requirements.names(below)) == ({"a"}, {"b"})
