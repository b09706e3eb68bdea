"""Ways in which the same bars can arrive: all at once, one by one, in pieces, late, wrong at first, with the past last."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.bars import Bar

ROUNDS = 6
# Where bars begin to come one by one. Of minutes: everywhere from none to past the longest window; of hours and days, which
# the same macros make: wherever something becomes warm.
EVERYWHERE = range(0, 216, ROUNDS)
EDGES = (0, 6, 12, 18, 24, 30, 48, 198)


@dataclass
class Arrival:
    """A symbol of one interval: what is staged for it in each round."""

    symbol: str
    interval: str
    rounds: list[list[dict[str, object]]] = field(default_factory=lambda: [[] for _ in range(ROUNDS + 1)])

    def say(self, number: int, bars: list[Bar], **how: object) -> Arrival:
        self.rounds[number] += [bar.staged(self.symbol, self.interval, **how) for bar in bars]
        return self


def at_once(symbol: str, interval: str, bars: list[Bar]) -> Arrival:
    return Arrival(symbol, interval).say(0, bars)


def in_steps(symbol: str, interval: str, bars: list[Bar], first: int, steps: list[int]) -> Arrival:
    """``first`` bars, then in each round as many as the step says."""
    made = Arrival(symbol, interval).say(0, bars[:first])
    for number, step in enumerate(steps, 1):
        made.say(number, bars[first : first + step])
        first += step
    return made


def all_ways(interval: str, bars: list[Bar], days: int) -> list[Arrival]:
    """Every way for one interval; ``days`` is the number of steps of 1440 bars."""
    dice = random.Random(interval)  # noqa: S311  # a die that always falls the same

    def name(way: str) -> str:
        return f"{way}_{interval}"

    singles = EVERYWHERE if interval == "1m" else EDGES
    ways = [in_steps(name(f"BY_1_FROM_{n}"), interval, bars, n, [1] * ROUNDS) for n in singles]
    ways += [in_steps(name(f"BY_7_FROM_{n}"), interval, bars, n, [7] * ROUNDS) for n in (0, 42, 84, 160)]
    ways += [in_steps(name("BY_60"), interval, bars, 11, [60] * ROUNDS)]
    ways += [in_steps(name("BY_1440"), interval, bars, 100, [1440] * days)]
    for number in range(4):
        steps = [dice.choice([1, 7, 60]) for _ in range(ROUNDS)]
        if not number:
            steps[dice.randrange(ROUNDS)] = 1440
        ways.append(in_steps(name(f"MIXED_{number}"), interval, bars, dice.randrange(40), steps))
    ways.append(Arrival(name("ADDED_LATER"), interval).say(5, bars[:300]))
    ways.append(Arrival(name("PAST_LAST"), interval).say(0, bars[230:400]).say(2, bars[400:410]).say(4, bars[:230]))
    ways.append(Arrival(name("HOLE_FILLED"), interval).say(0, bars[:140] + bars[150:300]).say(6, bars[140:150]))
    ways.append(Arrival(name("FIRST_BAR_LATE"), interval).say(0, bars[1:60]).say(1, bars[60:61]).say(3, bars[:1]))
    late = Arrival(name("OUT_OF_ORDER"), interval).say(0, bars[:30])
    for number in range(1, ROUNDS, 2):  # every second bar comes a round too early
        late.say(number, bars[30 + number : 31 + number]).say(number + 1, bars[29 + number : 30 + number])
    ways.append(late)
    wrong = [bar.corrected() for bar in bars]
    ways.append(
        Arrival(name("CORRECTED"), interval)
        .say(0, [*bars[:100], wrong[100], *bars[101:220]])
        .say(3, bars[100:101], seconds_late=60)
        .say(4, wrong[220:230])
        .say(5, [*bars[220:230], *bars[230:240]], seconds_late=60)
    )
    forming = Arrival(name("FORMING"), interval).say(0, bars[:40])
    for number in range(1, ROUNDS + 1):  # each with the bar after it, in progress, at a price that does not last
        forming.say(number, bars[39 + number : 40 + number]).say(
            number, wrong[40 + number : 41 + number], is_final=False
        )
    return [*ways, forming]
