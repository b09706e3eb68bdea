"""Every column a table of the API can give is of the kind that its model's contract says."""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml
from jinja2 import Environment

from candlewick.settings import REPOSITORY
from candlewick_ui import schemas
from candlewick_ui.app import make_app
from candlewick_ui.kinds import Kind, kind_of, places_of
from candlewick_ui.queries.quality import Rule
from support.kinds import KINDS, columns_of_tables

PROJECT = REPOSITORY / "dbt_project"
TYPE = re.compile(r"(?P<name>[a-z]+)(\((?P<digits>\d+)(,(?P<places>\d+))?\))?")


@cache
def contracts():
    """Return (model, column, data type) of every contract of the dbt project."""
    asked = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    environment = Environment(autoescape=False)  # noqa: S701 -- YAML, no page
    found = []
    for file in sorted((PROJECT / "models").rglob("*.yml")):
        # Only names hold anything to be rendered; descriptions speak of macros.
        for model in yaml.safe_load(file.read_text()).get("models") or ():
            for column in model.get("columns") or ():
                name = environment.from_string(column["name"]).render(var=asked.__getitem__)
                if "data_type" in column:
                    found.append((model["name"], name, column["data_type"]))
    return found


def kinds_by_column():
    """Return the kinds each name has in the contracts: one, or two where a ratio is a double in one mart."""
    found = {}
    for _, column, data_type in contracts():
        found.setdefault(column, set()).add(KINDS[TYPE.fullmatch(data_type)["name"]])
    return found


@cache
def tables():
    """Return (path, column, schema) of every table of the API."""
    return columns_of_tables(make_app().openapi())


def test_every_column_of_a_table_is_described_as_its_contract_says():
    kinds = kinds_by_column()
    known = [(path, name, schema) for path, name, schema in tables() if name in kinds]
    wrong = [
        (path, name, schema)
        for path, name, schema in known
        if schema not in [schemas._OF_KINDS[kind] for kind in kinds[name]]
    ]

    assert len(known) > 200
    assert wrong == []


def test_every_column_of_the_lists_of_violations_is_of_the_kind_of_its_contract():
    rules = {f"quality_{rule}" for rule in Rule}
    columns = {(name, data_type) for model, name, data_type in contracts() if model in rules}
    wrong = [
        (name, data_type) for name, data_type in columns if kind_of(name) is not KINDS[TYPE.match(data_type)["name"]]
    ]

    assert len(columns) > 40
    assert wrong == []


def test_a_column_of_decimals_has_the_places_of_its_contract():
    given = {name for _, name, _ in tables()}
    decimals = [
        (name, TYPE.fullmatch(kind)) for _, name, kind in contracts() if kind.startswith("decimal") and name in given
    ]
    wrong = [(name, found[0]) for name, found in decimals if places_of(name) != max(8, int(found["places"]))]

    assert len(decimals) > 40
    assert wrong == []


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("taker_sell_volume", Kind.DECIMAL),  # computed: no contract knows these
        ("cumulative_quantity", Kind.DECIMAL),
        ("bars", Kind.COUNT),
        ("ask_depth_250bp", Kind.DECIMAL),
        ("status_since", Kind.TIME),
        ("banned_until", Kind.TIME),
    ],
)
def test_a_column_without_a_contract_says_its_kind_by_its_name(column, kind):
    assert kind_of(column) is kind
