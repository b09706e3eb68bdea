import pytest

from candlewick.demo.testing import RunningExchange

NOON = "2024-06-01T12:00:30Z"
NOON_MS = 1_717_243_230_000


@pytest.fixture(scope="session")
def running_exchange():
    """One server for all tests of this folder, behind two ports."""
    with RunningExchange(ports=2, symbols="default,3") as running:
        yield running


@pytest.fixture
def exchange(running_exchange):
    """The server as on its first day, at half a minute past noon on 2024-06-01, its clock standing still."""
    running_exchange.reset()
    running_exchange.set_clock(NOON)
    return running_exchange


@pytest.fixture
def now():
    """Epoch ms of the standing clock."""
    return NOON_MS
