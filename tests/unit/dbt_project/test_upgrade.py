"""A platform that is upgraded: what dbt has parsed of another version of the project is in the way of none."""

from __future__ import annotations

import shutil

import pytest

from candlewick.pipeline.dbt_project import project_hash
from candlewick.pipeline.transform import run_dbt
from candlewick.settings import Settings, settings
from support.places import DBT

MACROS = "macros/buckets"


@pytest.fixture
def config(tmp_path):
    """A platform whose project is a copy, to be changed."""
    shutil.copytree(settings().dbt_project_dir, tmp_path / "project", ignore=shutil.ignore_patterns("target", "logs"))
    return Settings(home=tmp_path / "home", dbt_executable=DBT, dbt_project_dir=tmp_path / "project")


def test_macros_whose_file_and_description_have_both_changed_are_found_once(config):
    run_dbt(["parse"], {}, name="minute", config=config)
    for name, old, new in (
        ("touched.sql", "{#-", "{#- Another version."),
        ("buckets.yml", "Pre-hook -", "Of another version -"),
    ):
        path = config.dbt_project_dir / MACROS / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    run_dbt(["parse"], {}, name="minute", config=config)


def test_the_hash_is_of_the_sources_and_of_nothing_that_dbt_makes(config):
    before = project_hash(config)
    made = config.dbt_project_dir / "target" / "compiled.sql"
    made.parent.mkdir()
    made.write_text("select 1")
    assert project_hash(config) == before
    (config.dbt_project_dir / MACROS / "one_more.sql").write_text("{% macro one_more() %}1{% endmacro %}")
    assert project_hash(config) != before
