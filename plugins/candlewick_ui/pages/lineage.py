"""What is made of what: the whole graph, or one table with all before and all after it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import Query, Request
from fastapi.responses import Response

from candlewick_ui.charts.lineage import BOX_HEIGHT, BOX_WIDTH, picture
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.problems import Problem
from candlewick_ui.queries import lineage
from candlewick_ui.queries.assets import Tasks, tasks_by_asset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from candlewick_ui.queries.lineage import Graph, Node

router = page_router()


@router.get("/lineage")
def lineage_page(
    request: Request,
    user: PageUser,
    session: SessionDep,
    node: str | None = Query(None, max_length=200, description="a model, a source (raw.…) or an exposure"),
) -> Response:
    """Answer with the graph.

    Raises:
        Problem: there is no such node.
    """
    whole = lineage.graph()
    if whole is None:
        return page(request, user, "lineage.html", drawn=None)
    chosen = whole.find(node) if node else None
    if node and not chosen:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"expected a model, a source such as raw.staging_klines or an exposure, got {node!r}; look for it on the page of lineage",
        )
    tasks = tasks_by_asset(session)
    return page(
        request,
        user,
        "lineage.html",
        drawn=picture(whole.around(chosen.key) if chosen else whole),
        box={"width": BOX_WIDTH, "height": BOX_HEIGHT},
        chosen=chosen,
        near=neighbours(whole, chosen) if chosen else None,
        tasks=tasks.get(chosen.asset or "", Tasks()) if chosen else Tasks(),
        rows=rows(whole, tasks),
    )


def neighbours(graph: Graph, node: Node) -> dict[str, Sequence[Node]]:
    """Return what a node reads, and who reads it."""
    return {
        "parents": [graph.nodes[key] for key in graph.parents[node.key]],
        "children": [graph.nodes[key] for key in graph.children[node.key]],
    }


def rows(graph: Graph, tasks: Mapping[str, Tasks]) -> list[dict[str, object]]:
    """Return the graph as a table, for those who do not see the picture: a row a node, by folder and name."""
    return [
        {
            "node": node,
            "writers": sorted({dag for dag, _ in tasks.get(node.asset or "", Tasks()).writers}),
            **neighbours(graph, node),
        }
        for node in sorted(graph.nodes.values(), key=lambda one: (one.kind, one.folder, one.name))
    ]
