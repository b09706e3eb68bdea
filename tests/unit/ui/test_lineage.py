"""dbt's graph, and where its boxes stand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from candlewick_ui.charts.lineage import BOX_HEIGHT, BOX_WIDTH, picture
from candlewick_ui.queries.lineage import Graph, Kind, of_manifest


def entry(kind: str, name: str, folder: str = "facts", source: str = "raw") -> dict[str, Any]:
    fqn = ["candlewick", folder, name]
    return {"resource_type": kind, "name": name, "source_name": source, "fqn": fqn, "description": f"The\n {name}."}


MANIFEST = {
    "nodes": {
        "model.c.staged": entry("model", "staged", "staging"),
        "model.c.facts": entry("model", "facts"),
        "model.c.hours": entry("model", "hours", "aggregates"),
        "model.c.gaps": entry("model", "gaps", "coverage"),
        "test.c.unique": entry("test", "unique"),
    },
    "sources": {"source.c.raw.klines": entry("source", "klines"), "source.c.raw.gaps": entry("source", "gaps")},
    "exposures": {"exposure.c.table": entry("exposure", "table")},
    "parent_map": {
        "model.c.staged": ["source.c.raw.klines"],
        "model.c.facts": ["model.c.staged", "model.c.staged", "macro.c.winner"],
        "model.c.hours": ["model.c.facts"],
        "model.c.gaps": ["source.c.raw.gaps"],
        "test.c.unique": ["model.c.facts"],
        "exposure.c.table": ["model.c.hours", "model.c.facts"],
    },
}


@pytest.fixture
def graph() -> Graph:
    return of_manifest(MANIFEST)


def test_tables_and_readers_are_nodes_tests_are_not(graph: Graph) -> None:
    assert {node.name for node in graph.nodes.values()} == {
        "staged", "facts", "hours", "gaps", "raw.klines", "raw.gaps", "table",
    }  # fmt: skip
    assert graph.parents["model.c.facts"] == ["model.c.staged"]


def test_a_source_and_a_model_of_one_name_are_told_apart(graph: Graph) -> None:
    source, model = graph.find("raw.gaps"), graph.find("gaps")
    assert source
    assert model
    assert (source.kind, model.kind) == (Kind.SOURCE, Kind.MODEL)
    assert (source.asset, model.asset) == ("raw.gaps", "marts.gaps")
    assert graph.find("nothing") is None


def test_around_a_node_is_all_it_comes_from_and_all_that_comes_from_it(graph: Graph) -> None:
    assert {node.name for node in graph.around("model.c.facts").nodes.values()} == {
        "raw.klines", "staged", "facts", "hours", "table",
    }  # fmt: skip


def test_a_description_is_one_line(graph: Graph) -> None:
    assert graph.nodes["model.c.facts"].description == "The facts."


def test_every_line_goes_from_left_to_right_and_no_box_covers_another(graph: Graph) -> None:
    drawn = picture(graph)
    box = {one.node.key: one for one in drawn.boxes}
    assert {(line.parent, line.child) for line in drawn.lines} == {
        (parent, child) for child, parents in graph.parents.items() for parent in parents
    }
    assert all(box[line.parent].right[0] < box[line.child].left[0] for line in drawn.lines)
    places = sorted((one.x, one.y) for one in drawn.boxes)
    for (x, y), (next_x, next_y) in itertools.pairwise(places):
        assert x != next_x or next_y - y > BOX_HEIGHT
    assert all(0 <= one.x <= drawn.width - BOX_WIDTH and 0 <= one.y <= drawn.height - BOX_HEIGHT for one in drawn.boxes)


def test_the_picture_of_nothing_is_empty() -> None:
    drawn = picture(Graph({}, {}))
    assert (list(drawn.boxes), list(drawn.lines)) == ([], [])


def test_a_long_chain_does_not_exhaust_the_stack() -> None:
    names = [f"m{number:05}" for number in range(3000)]
    nodes = {f"model.c.{name}": entry("model", name) for name in names}
    parents = {f"model.c.{later}": [f"model.c.{earlier}"] for earlier, later in itertools.pairwise(names)}
    drawn = picture(of_manifest({"nodes": nodes, "sources": {}, "exposures": {}, "parent_map": parents}))
    assert len({box.x for box in drawn.boxes}) == 3000
