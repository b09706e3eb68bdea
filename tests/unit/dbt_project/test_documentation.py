"""Everything the docs site shows is described, and the lineage reads from left to right."""

from __future__ import annotations

import importlib.util
import re

from candlewick.settings import settings
from candlewick.wiring import OF_BOOKS, OF_CANDLES
from support.places import REPOSITORY

# A model reads from its own folder and from those to the left.
LEFT_TO_RIGHT = (
    "staging", "facts", "aggregates", "indicators", "market", "reconciliation", "coverage", "operations", "quality",
)  # fmt: skip
MIGRATIONS = REPOSITORY / "include/candlewick/warehouse/migrations/versions"
PATHS = {"minute", "hourly", "quality"}


def own(nodes):
    return {key: node for key, node in nodes.items() if node["package_name"] == "candlewick"}


def is_blank(node):
    return not node["description"].strip()


def without_description(nodes):
    """Name nodes, and columns of nodes, that nothing is said of."""
    columns = [(key, column) for key, node in nodes.items() for column in node.get("columns", {}).values()]
    return [key for key, node in nodes.items() if is_blank(node)] + [
        f"{key}.{column['name']}" for key, column in columns if is_blank(column)
    ]


def test_every_model_seed_and_source_is_described_with_all_its_columns(manifest):
    tables = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    assert without_description(tables | manifest["sources"]) == []
    assert [key for key, node in (tables | manifest["sources"]).items() if not node["columns"]] == []


def test_a_source_has_the_columns_of_its_migration(manifest):
    tables = {}
    for path in sorted(MIGRATIONS.glob("0*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tables |= module.TABLES
        for table, columns in getattr(module, "COLUMNS", {}).items():
            tables[table] += "".join(f"\n    {column} {definition}" for column, definition in columns.items())
    for source in manifest["sources"].values():
        lines = [line.strip() for line in tables[source["name"]].splitlines()]
        columns = [line.split()[0] for line in lines if re.match(r"(?!PRIMARY|UNIQUE|KEY|INDEX)\w+ +[A-Z]", line)]
        assert list(source["columns"]) == columns, source["name"]


def test_every_macro_and_exposure_is_described(manifest):
    assert without_description(own(manifest["macros"])) == []
    assert without_description(manifest["exposures"]) == []


def test_what_is_planned_says_so_and_nothing_else_does(manifest):
    for exposure in manifest["exposures"].values():
        assert (exposure["maturity"] == "low") == ("(planned)" in exposure["label"]), exposure["name"]
        assert ("Planned, not built" in exposure["description"]) == (exposure["maturity"] == "low"), exposure["name"]
        assert exposure["depends_on"]["nodes"]


def test_no_model_reads_from_a_folder_to_its_right(models):
    folder = {node["unique_id"]: node["path"].split("/")[0] for node in models.values()}
    assert set(folder.values()) == set(LEFT_TO_RIGHT)
    wrong = [
        f"{name} reads {parent}"
        for name, node in models.items()
        for parent in node["depends_on"]["nodes"]
        if parent in folder
        if LEFT_TO_RIGHT.index(folder[parent]) > LEFT_TO_RIGHT.index(folder[node["unique_id"]])
    ]
    assert wrong == []


def test_a_model_is_on_exactly_one_path(models):
    assert {
        name: PATHS & set(node["tags"]) for name, node in models.items() if len(PATHS & set(node["tags"])) != 1
    } == {}


def test_the_assets_of_the_minute_path_are_the_tables_that_it_builds(models):
    built = {
        name for name, node in models.items() if "minute" in node["tags"] and node["config"]["materialized"] != "view"
    }
    assert built == {*OF_CANDLES, *OF_BOOKS}


def test_a_model_feeds_models_and_queues_only(models):
    queues = {"coverage_counts"}  # of gap detection, which is no model
    for name, node in models.items():
        assert set(node["config"].get("feeds", [])) <= {*models, *queues}, name
        assert all(models[fed]["config"]["pins_loads"] for fed in node["config"].get("feeds", []) if fed in models), (
            name
        )


def test_the_page_of_the_project_names_every_model_and_selector(models, manifest):
    page = (REPOSITORY / "docs" / "dbt.md").read_text()
    missing = [name for name in models if f"`{name}`" not in page and not name.startswith("quality_")]
    assert missing == []
    assert all(f"--selector {name}" in page for name in manifest["selectors"])
    assert settings().dbt_project_dir.name in page
