"""The image is made by the launcher's steps, from the same files, and runs as nobody special."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from candlewick.local import bootstrap, system_packages

REPOSITORY = Path(__file__).resolve().parents[3]


def tracked_files() -> list[str]:
    """What a fresh clone has; outside a repository (an unpacked archive) what is here."""
    if shutil.which("git") and (REPOSITORY / ".git").exists():
        listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
        return listed.stdout.splitlines()
    return [str(path.relative_to(REPOSITORY)) for path in REPOSITORY.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ")


def test_the_base_image_is_pinned_to_a_patch_release(dockerfile):
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases[0])


def test_the_system_packages_are_the_launchers(dockerfile, monkeypatch):
    installed = " ".join(re.findall(r"--no-install-recommends ([a-z0-9 .-]+)", dockerfile)).split()
    monkeypatch.setattr(system_packages, "found", lambda _program: False)
    monkeypatch.setattr(system_packages, "_ask", lambda _python: ("3.11", True, True))
    bare_machine = system_packages.missing_packages("python3", server=False, compiler=True, dump=True)
    # The launcher's machine gets the library together with its headers, which the image leaves in the build stage.
    # What saves the warehouse brings the plain client along.
    assert {*installed, "mariadb-client-core"} == {*bare_machine, "libmariadb3"}


def test_uv_is_the_launchers(dockerfile):
    assert re.findall(r"^ARG UV_VERSION=(\S+)", dockerfile, re.MULTILINE) == [bootstrap.UV_VERSION]


def test_both_environments_are_made_by_the_launchers_commands(dockerfile, monkeypatch, tmp_path):
    run: list[str] = []
    monkeypatch.setattr(bootstrap, "home", lambda: tmp_path)
    monkeypatch.setattr(bootstrap, "suitable_python", lambda: "/usr/local/bin/python")

    def record(argv, _what, _log):
        run.append(" ".join(str(word) for word in argv))
        if "venv" in argv:
            Path(argv[-1]).mkdir(parents=True)

    monkeypatch.setattr(bootstrap, "run", record)
    bootstrap.Environment("airflow", [REPOSITORY / "requirements.txt"], package=True).make(Path("uv"), tmp_path / "log")
    dbt = REPOSITORY / "dbt_project/requirements.txt"
    bootstrap.Environment("dbt", [dbt], package=False).make(Path("uv"), tmp_path / "log")
    # The package itself is a step of its own in the image, after all requirements: see the comment there.
    package = re.compile(rf" {re.escape(str(tmp_path))}/venvs/[\w.]+\.txt$")
    places = {f"{REPOSITORY}/": "", str(tmp_path): "/opt/candlewick"}
    expected = [package.sub("", step) for step in run]
    for place, in_image in places.items():
        expected = [step.replace(place, in_image) for step in expected]
    written = [" ".join(step.split()) for step in re.findall(r"(?:RUN|&&) (uv .+?)(?=$|&&)", dockerfile, re.MULTILINE)]
    (editable,) = [step for step in written if step.endswith(" -e .")]
    assert sorted(set(written) - {editable}) == sorted(expected)
    assert editable.startswith("uv pip install --python /opt/candlewick/venvs/airflow/bin/python")


def test_it_does_not_run_as_root(dockerfile):
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE) == ["50000:0"]
    assert "useradd --uid 50000 --gid 0" in dockerfile


def test_everything_copied_is_in_the_repository_and_sent_to_the_build(dockerfile):
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE))
    sent = re.findall(r"^!(\S+)", (REPOSITORY / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    tracked = tracked_files()
    for source in copied:
        # Git keeps no empty folders: one that is here is not in a fresh clone unless a file in it is tracked.
        assert any(f"{path}/".startswith(f"{source}/") for path in tracked), source
        # A folder goes over whole or in part (include/candlewick of include), a file by name or with its folder.
        assert any(f"{path}/".startswith(f"{source}/") or f"{source}/".startswith(f"{path}/") for path in sent), source


def test_secrets_and_data_are_never_sent_to_the_build():
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [rule for rule in rules if re.search(r"!\.env|!\.candlewick|!\.git", rule)]


def test_where_the_image_keeps_things_is_where_compose_mounts_volumes(dockerfile, airflow_services):
    environment = dict(re.findall(r"([A-Z_]+)=(\S+)", dockerfile))
    mounted = {volume.split(":")[1] for volume in airflow_services["worker"]["volumes"]}
    assert {environment["CANDLEWICK_HOME"], environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]} == mounted
    assert f"{environment['AIRFLOW_HOME']}:mode=1777" in airflow_services["worker"]["tmpfs"]
    made = re.search(r"install -d [^/]*(.*)", dockerfile)
    assert made
    assert mounted <= set(made[1].split())
