"""The dbt project as dbt itself reads it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from support.places import DBT, REPOSITORY

PROJECT = REPOSITORY / "dbt_project"


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    """The manifest of the project; parsing it needs no server."""
    folder = tmp_path_factory.mktemp("manifest")
    account = {f"CANDLEWICK_DBT_{name}": "1" for name in ("HOST", "PORT", "USER", "PASSWORD")}
    subprocess.run(
        [str(DBT), "--quiet", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
         "--target-path", str(folder / "target"), "--log-path", str(folder / "logs")],
        env={**os.environ, **account}, cwd=folder, check=True,
    )  # fmt: skip
    return json.loads((folder / "target" / "manifest.json").read_text())


@pytest.fixture(scope="session")
def models(manifest):
    """The project's models by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
