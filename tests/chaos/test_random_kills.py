"""Killed at instants nobody chose: whatever dies, and whenever, the next cycles leave what the exchange has.

The seed is printed; CANDLEWICK_CHAOS_SEED draws the same victims and the same parts of their running time again,
CANDLEWICK_CHAOS_KILLS is the number of kills of the long run.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

import pytest

from support.crashable import STEPS

LONG_RUN = int(os.environ.get("CANDLEWICK_CHAOS_KILLS") or 100)
WHOLE_CYCLE_EVERY = 4
PROCESS, DATABASE, OBJECT_STORE = "process", "database", "object store"
# What dies, and in the middle of what: each about as often as the others.
VICTIMS = [
    *[(PROCESS, step) for step in STEPS],
    *[(DATABASE, step) for step in STEPS],
    *[(OBJECT_STORE, step) for step in ("extract", "load")],
]


@dataclass(frozen=True)
class Kill:
    """One instant: how many minutes went by, who dies, after which part of the step's usual time."""

    minutes: int
    victim: str
    step: str
    part: float
    back_at_once: bool


def drawn(seed, kills):
    rng = random.Random(seed)  # noqa: S311  # instants, not secrets
    rounds = -(-kills // len(VICTIMS))
    victims = [victim for _ in range(rounds) for victim in rng.sample(VICTIMS, len(VICTIMS))]
    for victim, step in victims[:kills]:
        minutes = rng.randint(1001, 1500) if rng.random() < 0.15 else rng.randint(6, 40)
        yield Kill(minutes, victim, step, rng.random(), rng.random() < 0.5)


def strike(platform, kill):
    """Let the exchange go on, run the steps before the fatal one, then that one; tell whether it got through."""
    platform.before(kill.step, kill.minutes)
    delay = kill.part * platform.seconds[kill.step]
    if kill.victim == PROCESS:
        return not platform.run(kill.step, kill_after=delay).was_killed
    server = platform.database if kill.victim == DATABASE else platform.object_store
    ended = platform.run_while_server_dies(kill.step, server, delay, back_at_once=kill.back_at_once)
    return "error" not in ended.answer


@pytest.mark.parametrize(
    "kills", [pytest.param(6, id="short"), pytest.param(LONG_RUN, id="long", marks=pytest.mark.chaos)]
)
def test_killed_at_random_instants(platform, truth, seed, kills, capsys):
    with capsys.disabled():
        print(f"\n{kills} kills drawn with CANDLEWICK_CHAOS_SEED={seed}", flush=True)  # noqa: T201
    survived = 0
    kill = None
    try:
        for number, kill in enumerate(drawn(seed, kills), 1):
            survived += strike(platform, kill)
            truth.nothing_is_skipped()
            if number % WHOLE_CYCLE_EVERY == 0 or number == kills:
                platform.advance(6)
                platform.cycle()
                truth.staging_is_whole()
                truth.marts_are_whole()
    except BaseException as problem:
        problem.add_note(f"CANDLEWICK_CHAOS_SEED={seed}, CANDLEWICK_CHAOS_KILLS={kills}, at or after {kill}")
        raise
    with capsys.disabled():
        print(f"{kills} kills, {survived} of them too late or without effect on the step", flush=True)  # noqa: T201
    assert survived < kills, f"every step got through: nothing was tested (CANDLEWICK_CHAOS_SEED={seed})"
