"""docs/operations.md knows every alert and every DAG, and what it tells to type exists."""

from __future__ import annotations

import re

import pytest

from candlewick.local import cli
from candlewick.settings import REPOSITORY, Settings
from candlewick.warehouse.events import Kind

PAGE = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
ROWS = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| `")}
CODE = re.findall(r"`([^`\n]+)`", PAGE) + [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("kind", Kind)
def test_every_alert_has_a_line_with_its_meaning_and_what_to_do(kind):
    meaning, to_do = ROWS[f"`{kind.value}`"].split("|", 3)[2:][0].strip(), ROWS[f"`{kind.value}`"].split("|")[3].strip()
    assert len(meaning) > 20
    assert to_do


def test_no_alert_is_on_the_page_that_nobody_raises():
    alerts = PAGE[PAGE.index("## Alerts") : PAGE.index("## Exchange outage")]
    assert set(re.findall(r"^\| `(\w+)`", alerts, re.MULTILINE)) == {kind.value for kind in Kind}


def test_every_dag_is_in_the_table_of_what_runs_when():
    table = PAGE[PAGE.index("## What runs when") : PAGE.index("## Alerts")]
    dags = {path.stem for path in Settings().dags_dir.glob("market_*.py")}
    assert dags <= set(re.findall(r"`(market_\w+)`", table))


def test_what_it_tells_to_make_can_be_made():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    told = {word for line in CODE for word in re.findall(r"^make ([a-z]+)", line)}
    assert {"upgrade", "rollback", "restore", "drill", "status"} <= told <= targets
    for line in CODE:
        for variable in re.findall(r"\b([A-Z]+)=", line) if line.startswith("make ") else ():
            assert f"$({variable})" in makefile or f"{variable}=" in makefile, line


def test_its_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        page, _, _ = link.partition("#")
        assert not page or (REPOSITORY / "docs" / page).is_file(), link
        if link.startswith("#"):
            headings = {
                re.sub(r"[^a-z ]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in PAGE.splitlines()
                if line.startswith("#")
            }
            assert link[1:] in headings | {"restore"}, link


def test_the_settings_it_names_are_there():
    names = {f"CANDLEWICK_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"CANDLEWICK_[A-Z_]+[A-Z]", PAGE)) <= names


def test_an_upgrade_and_its_way_back_are_commands_of_the_launcher():
    for words in (["upgrade", "--no-backup", "--changed", "--wait", "30"], ["rollback", "--wait", "5"]):
        assert cli._options(words).command == words[0]
