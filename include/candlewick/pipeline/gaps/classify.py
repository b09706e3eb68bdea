"""Why a gap stays: rules over what was gathered, in this order; each takes the minutes it can prove, the next the rest.

1. ``rejected``: rows of these minutes came and are in quarantine. Evidence: quarantine ids, object, reason.
2. ``delisted`` / ``not_listed``: the exchange knows no such symbol and nothing follows / precedes. Evidence: when that was
   heard, what was asked. (Minutes before the first candle, after a delisting that was heard, and those that
   retention took are settled by detection already.)
3. ``symbol_halted``: the exchange said another state than TRADING. Evidence: the state, when it was heard and ended.
4. ``archive_hole``: (a) the exchange's own 15m or 1h candle holds more trades or volume than our minutes of that bucket;
   (b) the published file of the day, its checksum verified, stops inside the day where the gap begins, and candles go
   on with the next day (or the mirror image of it). Evidence: the candle's numbers against ours; the file and its last row.
   (b) needs that no witness was silent in the same minutes: several symbols at once are an outage, not a file cut short.
5. ``exchange_outage``: every witness that traded before and after was silent. Evidence: the witnesses, the answers. Where
   there is no witness: a 1h candle of the exchange that does not exist between two that do, or a last candle before the
   gap that closes early.
6. else ``unknown``.

Pure: what the rules look at is asked for by ``gather``, a piece when a rule wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from candlewick.market import GapReason
from candlewick.spans import Span, common, joined, without

LISTED = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Minutes and why they are missing."""

    span: Span
    reason: GapReason
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """Minutes that one piece of evidence speaks for."""

    span: Span
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Witness:
    """A symbol that traded before and after; ``seen`` are the minutes of the gap in which it has candles."""

    symbol: str
    seen: tuple[Span, ...]
    objects: tuple[str, ...] = ()


class Gathered(Protocol):
    """What is known about a gap."""

    @property
    def span(self) -> Span:
        """The gap."""

    @property
    def unfinished(self) -> Sequence[Span]:
        """Minutes that are there, though not final."""

    @property
    def rejected(self) -> Sequence[Proof]:
        """Minutes of which rows are in quarantine."""

    @property
    def unlisted(self) -> Sequence[tuple[GapReason, Proof]]:
        """Minutes in which the symbol was not, or no longer, there."""

    @property
    def halted(self) -> Sequence[Proof]:
        """Time in which the exchange said another state than TRADING."""

    @property
    def fuller(self) -> Sequence[Proof]:
        """Buckets of which the exchange's own higher candle holds more than our minutes."""

    @property
    def cut_short(self) -> Sequence[Proof]:
        """Minutes a published file lacks at its end or beginning."""

    @property
    def witnesses(self) -> Sequence[Witness]:
        """Other symbols that traded before and after."""

    @property
    def signs(self) -> Sequence[dict[str, Any]]:
        """What the symbol's own candles say of an outage."""


Rule = Callable[[Sequence[Span], Gathered], Iterable[Verdict]]


def classify(gathered: Gathered) -> list[Verdict]:
    """Return verdicts that cover the gap, in order, without overlap."""
    # A candle that is there is not missing: why it never became final is what no rule can say.
    found = [Verdict(span, GapReason.UNKNOWN, {"rule": "never_final"}) for span in gathered.unfinished]
    left = without([gathered.span], gathered.unfinished)
    for rule in RULES:
        new = [verdict for verdict in rule(left, gathered) if verdict.span.minutes]
        found += new
        left = without(left, [verdict.span for verdict in new])
        if not left:
            break
    found += [Verdict(span, GapReason.UNKNOWN) for span in left]
    return sorted(found, key=lambda verdict: verdict.span)


def rejected(left: Sequence[Span], gathered: Gathered) -> list[Verdict]:
    """Rows of these minutes are in quarantine."""
    return _joined_by_reason(left, gathered.rejected, GapReason.REJECTED, "rejected")


def unlisted(left: Sequence[Span], gathered: Gathered) -> list[Verdict]:
    """The exchange knows no such symbol."""
    found: list[Verdict] = []
    for reason, proof in gathered.unlisted:
        free = without(common(left, [proof.span]), [verdict.span for verdict in found])
        found += [Verdict(span, reason, {"rule": "unlisted", **proof.evidence}) for span in free]
    return found


def halted(left: Sequence[Span], gathered: Gathered) -> list[Verdict]:
    """The exchange said that the symbol does not trade."""
    found: list[Verdict] = []
    for proof in gathered.halted:
        free = without(common(left, [proof.span]), [verdict.span for verdict in found])
        found += [Verdict(span, GapReason.SYMBOL_HALTED, {"rule": "halted", **proof.evidence}) for span in free]
    return found


def archive_hole(left: Sequence[Span], gathered: Gathered) -> list[Verdict]:
    """The exchange traded, its minutes were not recorded: its higher candle shows it, or its file is cut short."""
    found = _joined_by_reason(left, gathered.fuller, GapReason.ARCHIVE_HOLE, "higher_candle")
    left = without(left, [verdict.span for verdict in found])
    for proof in gathered.cut_short:
        if gathered.witnesses and _silent(left, gathered.witnesses):
            break
        for span in common(left, [proof.span]):
            found.append(Verdict(span, GapReason.ARCHIVE_HOLE, {"rule": "file_cut_short", **proof.evidence}))
    return found


def exchange_outage(left: Sequence[Span], gathered: Gathered) -> list[Verdict]:
    """Everybody was silent at once."""
    if gathered.witnesses:
        spans = _silent(left, gathered.witnesses)
        evidence: dict[str, Any] = {
            "rule": "all_silent",
            "witnesses": [witness.symbol for witness in gathered.witnesses],
            "objects": [key for witness in gathered.witnesses for key in witness.objects][:LISTED],
        }
    else:
        spans = list(left) if gathered.signs else []
        evidence = {"rule": "own_candles"}
    if not spans:
        return []
    if gathered.signs:
        evidence["signs"] = list(gathered.signs)[:LISTED]
    return [Verdict(span, GapReason.EXCHANGE_OUTAGE, evidence) for span in spans]


RULES: tuple[Rule, ...] = (rejected, unlisted, halted, archive_hole, exchange_outage)


def _silent(left: Sequence[Span], witnesses: Sequence[Witness]) -> list[Span]:
    """Return the minutes in which no witness has a candle."""
    return without(left, [span for witness in witnesses for span in witness.seen])


def _joined_by_reason(left: Sequence[Span], proofs: Sequence[Proof], reason: GapReason, rule: str) -> list[Verdict]:
    """Return one verdict for each stretch that proofs cover, with the first of them as its evidence."""
    found = []
    for span in common(left, joined(proof.span for proof in proofs)):
        told = [proof.evidence for proof in proofs if common([proof.span], [span])]
        found.append(Verdict(span, reason, {"rule": rule, "count": len(told), "found": told[:LISTED]}))
    return found
