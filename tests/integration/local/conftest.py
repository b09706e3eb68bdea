"""A platform whose private servers are real and its test's own."""

from __future__ import annotations

import pytest

from candlewick.local.platform import Platform
from candlewick.local.shutdown import stop_all
from candlewick.settings import Settings
from support.ports import free_port


@pytest.fixture
def config(tmp_path):
    return Settings(
        home=tmp_path,
        database_port=free_port(),
        s3_port=free_port(),
        exchange_port=free_port(),
        database_memory_megabytes=64,
    )


@pytest.fixture
def platform(config):
    platform = Platform(config, "demo", {})
    yield platform
    stop_all(platform.processes, 5)
