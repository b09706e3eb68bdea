"""Servers of the chaos tests' own: they are killed, so nobody else may use them."""

from __future__ import annotations

import os
import random

import pytest

from candlewick.demo.testing import RunningExchange
from candlewick.settings import Settings
from support.crashable import Crashable
from support.truth import Truth


@pytest.fixture(scope="session")
def long_lived(tmp_path_factory):
    """A platform whose first cycle is done, and what its exchange has."""
    with RunningExchange(symbols=",".join(Crashable.symbols)) as exchange:
        made = Crashable(tmp_path_factory.mktemp("chaos"), exchange, Settings().dbt)
        try:
            made.start()
            made.cycle()
            yield made, Truth(made)
        finally:
            made.stop()


@pytest.fixture
def platform(long_lived):
    """The platform, every server of it running."""
    long_lived[0].mend()
    return long_lived[0]


@pytest.fixture
def truth(long_lived):
    return long_lived[1]


@pytest.fixture(scope="session")
def seed():
    """Printed with every failure; CANDLEWICK_CHAOS_SEED draws the same instants again."""
    return int(os.environ.get("CANDLEWICK_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
