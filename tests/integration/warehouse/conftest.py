"""A warehouse that nobody has made yet."""

from __future__ import annotations

import pytest

from candlewick.warehouse.database import Warehouse


@pytest.fixture
def empty(database, config):
    """Both schemas, without a table."""
    with database.connect() as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    yield Warehouse(lambda: database.connect(config.raw_schema), config)
    with database.connect() as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"DROP DATABASE {name}")
