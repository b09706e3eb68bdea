"""What is made of what: dbt's own graph, read off the manifest its last parse left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from candlewick.settings import settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path


class Kind(StrEnum):
    """What a node of the graph is."""

    SOURCE = "source"
    SEED = "seed"
    MODEL = "model"
    EXPOSURE = "exposure"


@dataclass(frozen=True, slots=True)
class Node:
    """A table, or somebody who reads tables.

    ``key`` is dbt's unique id, ``name`` what people call it (a source with its schema), ``folder`` the part of the
    project it lies in.
    """

    key: str
    name: str
    kind: Kind
    folder: str
    description: str

    @property
    def asset(self) -> str | None:
        """The name of the Airflow asset that stands for it; None for an exposure, which is no table."""
        if self.kind is Kind.EXPOSURE:
            return None
        return self.name if self.kind is Kind.SOURCE else f"marts.{self.name}"


class Graph:
    """Nodes by key, and which are made of which; it has no circles, as dbt refuses them."""

    def __init__(self, nodes: Mapping[str, Node], parents: Mapping[str, Collection[str]]) -> None:
        self.nodes = dict(nodes)
        self.parents = {key: sorted(set(parents.get(key, ())) & self.nodes.keys()) for key in self.nodes}
        self.children: dict[str, list[str]] = {key: [] for key in self.nodes}
        for key, above in self.parents.items():
            for parent in above:
                self.children[parent].append(key)

    def find(self, name: str) -> Node | None:
        """Return the node people call so; None when there is none."""
        return next((node for node in self.nodes.values() if node.name == name), None)

    def around(self, key: str) -> Graph:
        """Return the part of the graph this node comes from, and what comes from it."""
        kept = {key, *_reach(key, self.parents), *_reach(key, self.children)}
        return Graph({one: self.nodes[one] for one in kept}, self.parents)

    def __len__(self) -> int:
        return len(self.nodes)


def graph() -> Graph | None:
    """Return the graph; None before the first parse of the dbt project.

    The published docs have the manifest their models were built from, the other one is what DAGs are rendered from:
    it is there from the first start on, and newer, so it is the one to read.
    """
    home = settings().home / "dbt"
    for path in (home / "manifest.json", home / "docs" / "manifest.json"):
        try:
            stamp = path.stat()
        except FileNotFoundError:
            continue
        return _read(path, stamp.st_mtime_ns, stamp.st_size)
    return None


@lru_cache(maxsize=2)
def _read(path: Path, _mtime_ns: int, _size: int) -> Graph:
    """Read a manifest of a few MB once per edition."""
    return of_manifest(json.loads(path.read_text(encoding="utf-8")))


def of_manifest(manifest: Mapping[str, Any]) -> Graph:
    """Return the graph of a manifest (dbt's schema v11); tests and macros are no nodes of it."""
    nodes = {node.key: node for node in _nodes(manifest)}
    return Graph(nodes, manifest["parent_map"])


def _nodes(manifest: Mapping[str, Any]) -> Iterator[Node]:
    for section in ("nodes", "sources", "exposures"):
        for key, entry in manifest[section].items():
            if entry["resource_type"] not in set(Kind):
                continue
            kind = Kind(entry["resource_type"])
            is_source = kind is Kind.SOURCE
            yield Node(
                key=key,
                name=f"{entry['source_name']}.{entry['name']}" if is_source else entry["name"],
                kind=kind,
                folder=entry["source_name"] if is_source else _folder(entry, kind),
                description=" ".join(entry.get("description", "").split()),
            )


def _folder(entry: Mapping[str, Any], kind: Kind) -> str:
    """Return the folder of a model (`fqn` is project, folders, name); others are named by what they are."""
    folders = entry["fqn"][1:-1]
    return folders[0] if kind is Kind.MODEL and folders else f"{kind.value}s"


def _reach(key: str, step: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(step[key])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(step[one])
    return found
