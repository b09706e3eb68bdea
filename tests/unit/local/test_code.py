"""Which version of the code runs: as git says, where there is git."""

from __future__ import annotations

import subprocess

import pytest

from candlewick.local import code
from candlewick.local.errors import LauncherError


@pytest.fixture
def checkout(tmp_path):
    """A repository with one commit."""
    for words in (
        ("init", "--quiet"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message", "first"),
    ):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    return tmp_path


def test_a_checkout_has_a_commit_and_files_that_differ_from_it(checkout):
    assert len(code.revision(checkout)) == 40
    assert code.changes(checkout) == []
    (checkout / "new.py").touch()
    assert code.changes(checkout) == []  # nobody's yet
    subprocess.run(["git", "-C", checkout, "add", "new.py"], check=True)
    assert code.changes(checkout) == ["new.py"]


def test_a_folder_without_git_has_neither(tmp_path):
    assert code.revision(tmp_path) is None
    assert code.changes(tmp_path) == []


def test_a_repository_that_git_refuses_is_a_sentence_and_not_no_version(tmp_path):
    (tmp_path / ".git").mkdir()
    with pytest.raises(LauncherError, match="git rev-parse failed in"):
        code.revision(tmp_path)


def test_the_version_that_was_started_is_remembered(tmp_path):
    assert code.running(tmp_path) is None
    code.note_running(tmp_path, "abc")
    assert code.running(tmp_path) == "abc"
    code.note_running(tmp_path, None)
    assert code.running(tmp_path) is None
