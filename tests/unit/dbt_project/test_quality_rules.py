"""Every quality rule has its page, its test, its place in the summary, the seed and the index."""

from __future__ import annotations

import re

import pytest
import yaml

from support.places import REPOSITORY

MODELS = REPOSITORY / "dbt_project" / "models" / "quality"
PAGES = REPOSITORY / "docs" / "quality"
RULES = sorted(path.stem.removeprefix("quality_") for path in MODELS.glob("*.sql") if path.stem != "quality_summary")


def described(rule):
    return yaml.safe_load((MODELS / f"quality_{rule}.yml").read_text())["models"][0]


def summarized():
    text = (MODELS / "quality_summary.sql").read_text()
    return dict(re.findall(r"\('(\w+)', '(\w+)', '\w+'\)", text))


def test_there_are_rules_and_the_summary_has_each_once():
    assert len(RULES) >= 10
    assert sorted(summarized()) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_tested_with_the_severity_the_summary_names(rule):
    (test,) = [one for one in described(rule)["tests"] if "no_violations" in one]
    severity = "warn" if isinstance(test, str) else test["no_violations"]["config"]["severity"]
    assert severity == summarized()[rule]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_honours_exceptions_and_the_seed_knows_it(rule):
    assert f"not_excepted('{rule}'," in (MODELS / f"quality_{rule}.sql").read_text()
    seed = yaml.safe_load((REPOSITORY / "dbt_project/seeds/quality_exceptions.yml").read_text())["seeds"][0]
    assert rule in seed["columns"][0]["tests"][0]["accepted_values"]["values"]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_a_page_with_reason_remedy_and_example_linked_from_model_and_index(rule):
    page = (PAGES / f"{rule}.md").read_text()
    for heading in ("## Reason to flag", "## How to remedy", "## Example"):
        assert len(page.split(heading)[1].split("##")[0].strip()) > 30, heading
    assert f"severity {summarized()[rule]}" in page
    assert f"docs/quality/{rule}.md" in described(rule)["description"]
    assert f"| [{rule}]({rule}.md) |" in (PAGES / "README.md").read_text()


def test_no_page_is_left_behind():
    assert sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README") == RULES
