"""The rules, in their order, over evidence made for each test."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from candlewick.market import GapReason
from candlewick.pipeline.gaps.classify import Proof, Witness, classify
from candlewick.spans import Span, minutes_of

NOON = datetime(2024, 6, 1, 12)


def span(start: int, end: int) -> Span:
    return Span(NOON + timedelta(minutes=start), NOON + timedelta(minutes=end))


@dataclass
class Known:
    """Evidence of a gap from noon to 12:30."""

    span: Span = field(default_factory=lambda: span(0, 30))
    unfinished: list[Span] = field(default_factory=list)
    rejected: list[Proof] = field(default_factory=list)
    unlisted: list[tuple[GapReason, Proof]] = field(default_factory=list)
    halted: list[Proof] = field(default_factory=list)
    fuller: list[Proof] = field(default_factory=list)
    cut_short: list[Proof] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    signs: list[dict] = field(default_factory=list)


def told(known: Known) -> list[tuple[str, int, int]]:
    return [
        (verdict.reason.value, (verdict.span.start - NOON).seconds // 60, (verdict.span.end - NOON).seconds // 60)
        for verdict in classify(known)
    ]


def proof(start: int, end: int) -> Proof:
    return Proof(span(start, end), {"this": "says so"})


SILENT = Witness("ETHUSDT", ())


def test_a_candle_that_is_there_but_not_final_is_explained_by_nothing():
    known = Known(unfinished=[span(0, 1)], halted=[proof(0, 30)])

    assert told(known) == [("unknown", 0, 1), ("symbol_halted", 1, 30)]


def test_without_evidence_a_gap_is_unknown_and_not_explained():
    (verdict,) = classify(Known())

    assert (verdict.reason, verdict.evidence, verdict.reason.explains) == (GapReason.UNKNOWN, {}, False)


def test_each_rule_takes_what_it_can_prove_and_the_next_ones_the_rest():
    known = Known(
        rejected=[proof(0, 1), proof(1, 2)],
        halted=[proof(-10, 5)],
        fuller=[proof(5, 15)],
        witnesses=[Witness("ETHUSDT", (span(15, 20),))],
    )

    assert told(known) == [
        ("rejected", 0, 2), ("symbol_halted", 2, 5), ("archive_hole", 5, 15), ("unknown", 15, 20), ("exchange_outage", 20, 30),
    ]  # fmt: skip


def test_verdicts_cover_the_gap_once():
    known = Known(rejected=[proof(3, 9)], halted=[proof(0, 6), proof(5, 20)], fuller=[proof(15, 30)])
    found = classify(known)

    assert minutes_of(verdict.span for verdict in found) == 30
    assert all(one.span.end == other.span.start for one, other in itertools.pairwise(found))


def test_one_witness_that_traded_is_enough_to_doubt_an_outage():
    assert told(Known(witnesses=[SILENT, Witness("SOLUSDT", (span(0, 30),))])) == [("unknown", 0, 30)]


def test_witnesses_that_were_silent_with_it_make_an_outage_and_are_named():
    (verdict,) = classify(Known(witnesses=[SILENT, Witness("SOLUSDT", (), ("answer.json",))], signs=[{"early": 1}]))

    assert verdict.reason is GapReason.EXCHANGE_OUTAGE
    assert verdict.evidence == {
        "rule": "all_silent", "witnesses": ["ETHUSDT", "SOLUSDT"], "objects": ["answer.json"], "signs": [{"early": 1}],
    }  # fmt: skip


@pytest.mark.parametrize(("signs", "reason"), [([{"no_candle": "1h"}], "exchange_outage"), ([], "unknown")])
def test_without_witnesses_only_the_symbols_own_candles_tell_of_an_outage(signs, reason):
    assert told(Known(signs=signs)) == [(reason, 0, 30)]


def test_signs_do_not_outweigh_a_witness_that_traded():
    assert told(Known(signs=[{"no_candle": "1h"}], witnesses=[Witness("ETHUSDT", (span(0, 30),))])) == [
        ("unknown", 0, 30)
    ]


def test_a_file_cut_short_is_a_hole_unless_others_were_silent_too():
    assert told(Known(cut_short=[proof(0, 30)])) == [("archive_hole", 0, 30)]
    assert told(Known(cut_short=[proof(0, 30)], witnesses=[Witness("ETHUSDT", (span(0, 30),))])) == [
        ("archive_hole", 0, 30)
    ]
    assert told(Known(cut_short=[proof(0, 30)], witnesses=[SILENT])) == [("exchange_outage", 0, 30)]


def test_a_symbol_nobody_knows_any_more_was_delisted():
    assert told(Known(unlisted=[(GapReason.DELISTED, proof(0, 30))], witnesses=[SILENT])) == [("delisted", 0, 30)]


def test_what_is_not_asked_for_is_not_needed():
    class Rejected(Known):
        @property
        def fuller(self):
            raise AssertionError("the exchange was asked although the quarantine explains all of it")

        @fuller.setter
        def fuller(self, _value):
            """A default is set."""

    assert told(Rejected(rejected=[proof(0, 30)])) == [("rejected", 0, 30)]
