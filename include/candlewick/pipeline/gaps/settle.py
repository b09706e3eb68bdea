"""Write verdicts into the ledger: a reason with its evidence, rows cut where reasons differ, and what is given up."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from candlewick.exchange.errors import BudgetExhausted, ExchangeError, HostStateUnavailable, IpBanned
from candlewick.market import DataType, GapReason
from candlewick.pipeline.gaps.classify import Verdict, classify
from candlewick.pipeline.gaps.gather import Evidence
from candlewick.pipeline.gaps.requested import exchange_now, settled_until
from candlewick.pipeline.gaps.witnesses import Witnesses
from candlewick.spans import Span
from candlewick.warehouse import gaps
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.gaps import Gap, GapStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.database import Session

log = logging.getLogger(__name__)

MOST_GAPS = 500
_OF_THE_RUN = ("asked", "asked_at", "judged_at", "until")


@dataclass
class ClassifySummary:
    """What became of the gaps looked at."""

    explained: dict[str, int] = field(default_factory=dict)
    """Minutes by reason."""
    open: int = 0
    left: int = 0
    given_up: list[Gap] = field(default_factory=list)
    """Gaps that were tried as often as allowed and stay without a reason."""

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        reasons = ", ".join(f"{minutes} minutes {reason}" for reason, minutes in sorted(self.explained.items()))
        return (
            f"explained: {reasons or 'nothing'}; {self.open} gaps stay open, {len(self.given_up)} are given up, "
            f"{self.left} were not looked at"
        )


def classify_open(
    tools: Tools,
    *,
    symbols: Sequence[str] | None = None,
    now: datetime | None = None,
    summary: ClassifySummary | None = None,
) -> ClassifySummary:
    """Give every open gap that was asked for a reason, if the evidence has one.

    Args:
        tools: the ports; the exchange is asked for higher candles and witnesses.
        symbols: only these; None: all.
        now: the present by the exchange's clock; default: as it was last heard.
        summary: counts; give one to know of it also when this raises.

    Raises:
        IpBanned, HostStateUnavailable: nobody may ask.
        LakeError, WarehouseError: a store does not answer.
    """
    summary = summary if summary is not None else ClassifySummary()
    config, witnesses = tools.warehouse.config, Witnesses(tools)
    with tools.warehouse.session() as session:
        until = settled_until(config, now or exchange_now(session))
        standing = gaps.standing(session, config.exchange, DataType.KLINES, status=GapStatus.OPEN)
    looked_at = [gap for gap in standing if _has_news(gap) and (symbols is None or gap.symbol in symbols)]
    summary.left = max(0, len(looked_at) - MOST_GAPS)
    for gap in looked_at[:MOST_GAPS]:
        try:
            verdicts = classify(Evidence(tools, gap, witnesses, until))
        except (IpBanned, HostStateUnavailable):
            raise
        except BudgetExhausted as error:
            log.warning("stopped, the rest is looked at by the next run: %s", error)
            break
        except ExchangeError as error:
            log.warning("%s %s cannot be judged yet: %s", gap.symbol, gap.span, error)
            verdicts = [Verdict(gap.span, GapReason.UNKNOWN, {"error": str(error)[:200]})]
        with tools.warehouse.session() as session:
            _write(session, gap, verdicts, config.gap_attempts, summary)
    with tools.warehouse.session() as session:
        _join_neighbours(session, config.exchange, symbols)
    log.info("%s", summary.sentence)
    return summary


def _write(
    session: Session, gap: Gap, verdicts: Sequence[Verdict], most_attempts: int, summary: ClassifySummary
) -> None:
    """Replace a gap by its verdicts, in one transaction."""
    now = utc_now()
    pieces = [_judged(gap, verdict, most_attempts) for verdict in verdicts]
    if not _is_as_it_was(session, gap):
        return  # a detection changed it meanwhile; the next run looks at it again
    if len(pieces) == 1:
        gaps.rewrite(session, pieces[0], now)
    else:
        numbers = [gaps.add(session, piece, now) for piece in pieces]
        gaps.close(session, gap.gap_id, f"cut where the reasons differ: gap {', '.join(map(str, numbers))}", now)
    for piece in pieces:
        if piece.status is GapStatus.EXPLAINED:
            summary.explained[piece.reason.value] = summary.explained.get(piece.reason.value, 0) + piece.span.minutes
        elif piece.status is GapStatus.UNEXPLAINED:
            summary.given_up.append(piece)
        else:
            summary.open += 1


def _judged(gap: Gap, verdict: Verdict, most_attempts: int) -> Gap:
    evidence = {**verdict.evidence, "asked": gap.evidence.get("asked", []), "asked_at": gap.evidence.get("asked_at")}
    if "error" not in verdict.evidence:
        evidence["judged_at"] = str(utc_now())
    piece = replace(gap, span=verdict.span, reason=verdict.reason, evidence=evidence)
    if verdict.reason.explains:
        return replace(piece, status=GapStatus.EXPLAINED, next_attempt_at=None)
    if gap.attempts >= most_attempts and "error" not in verdict.evidence:
        return replace(piece, status=GapStatus.UNEXPLAINED, next_attempt_at=None)
    return piece


def _has_news(gap: Gap) -> bool:
    """Tell whether a gap was asked for, with an answer, since it was judged last."""
    return bool(gap.attempts) and gap.reason is not GapReason.FETCH_FAILED and "judged_at" not in gap.evidence


def _is_as_it_was(session: Session, gap: Gap) -> bool:
    row = session.one(
        "SELECT 1 FROM gap_ledger WHERE gap_id = %s AND status = %s AND from_time = %s AND to_time = %s FOR UPDATE",
        (gap.gap_id, gap.status.value, gap.span.start, gap.span.end),
    )
    return row is not None


def _join_neighbours(session: Session, exchange: str, symbols: Sequence[str] | None) -> None:
    """Make one row of neighbours that the same evidence explains (a halt that lasts grows by an hour at each run)."""
    now, last = utc_now(), None
    for gap in gaps.standing(session, exchange, DataType.KLINES, status=GapStatus.EXPLAINED):
        if symbols is not None and gap.symbol not in symbols:
            continue
        if last and last.symbol == gap.symbol and last.span.end == gap.span.start and _same(last, gap):
            last = replace(last, span=Span(last.span.start, gap.span.end))
            gaps.close(session, gap.gap_id, f"joined to gap {last.gap_id}", now)
            gaps.rewrite(session, last, now)
        else:
            last = gap


def _same(one: Gap, other: Gap) -> bool:
    def proof(gap: Gap) -> dict[str, object]:
        return {name: value for name, value in gap.evidence.items() if name not in _OF_THE_RUN}

    return one.reason is other.reason and proof(one) == proof(other)
