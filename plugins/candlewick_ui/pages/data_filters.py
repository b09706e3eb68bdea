"""The filters of *Data*: which fields each part has, and what is said of an input that cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from candlewick.market import Interval
from candlewick_ui.pages.tables import Field, choice, days_there_can_be
from candlewick_ui.queries import gaps, ingestion, quality, reconciliation, status, storage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MOST_DAYS = 92  # of the calendar
DIFFERENT = (reconciliation.Outcome.DIFFERENT, reconciliation.Outcome.UNEXPLAINED)

_SYMBOL = Field("symbol", "Symbol, whole", limits={"maxlength": 50})
_FROM, _TO = Field("start", "From (UTC day)", kind="date"), Field("end", "To (UTC day)", kind="date")
FORMS: Mapping[str, Sequence[Field]] = {
    "data": (
        replace(_SYMBOL, label="Symbol contains"), Field("last", "Last day (UTC)", kind="date"),
        Field("days", "Days", kind="number", limits={"min": 1, "max": MOST_DAYS}),
    ),
    "data/gaps": (
        _SYMBOL, choice("status", "Status", gaps.Status), choice("reason", "Reason", gaps.Reason),
        choice("data_type", "Data", ingestion.Kind), _FROM, _TO,
    ),
    "data/revisions": (
        _SYMBOL, choice("interval", "Interval", Interval), replace(_FROM, label="Opens from (UTC day)"),
        replace(_TO, label="Opens to (UTC day)"),
    ),
    "data/reconciliation": (
        _SYMBOL, choice("check", "Check", reconciliation.Check), choice("outcome", "Days", DIFFERENT), _FROM, _TO,
    ),
    "data/quality": (choice("rule", "List the violations of", quality.Rule),),
    "data/ingestion": (
        _SYMBOL, choice("data_type", "Data", ingestion.Kind), choice("status", "Status", ingestion.Status),
        choice("load_state", "Load", ingestion.LoadState), choice("source", "Source", ingestion.Source), _FROM, _TO,
    ),
    "data/deduplication": (_SYMBOL, _FROM, _TO),
    "data/weight": (),
    "data/storage": (choice("store", "Store", storage.Store),),
    "data/pipeline": (
        _SYMBOL, choice("kind", "Kind of alert", status.Kind), choice("severity", "Severity", status.Severity),
    ),
}  # fmt: skip


def filled(
    section: str,
    values: Mapping[str, Any],
    wrong: Collection[str] = (),
    hints: Mapping[str, Sequence[str]] | None = None,
) -> list[Field]:
    """Return the fields of a part with what is asked for in them.

    Args:
        section: path of the part.
        values: by the name of the field, as they were understood or, of a request that was not, as they came.
        wrong: names of fields whose value cannot be.
        hints: what can be chosen while one types, by the name of the field.
    """
    return [
        replace(
            field,
            value=values.get(field.name),
            limits=days_there_can_be() if field.kind == "date" else field.limits,
            is_wrong=field.name in wrong,
            hints=(hints or {}).get(field.name, ()),
        )
        for field in FORMS[section]
    ]


def refused(section: str, errors: Sequence[Any]) -> dict[str, str]:
    """Return a sentence for each input that was not understood, by the name of its parameter.

    Args:
        section: path of the part.
        errors: as pydantic tells them.
    """
    fields = {field.name: field for field in FORMS[section]}
    told: dict[str, str] = {}
    for error in errors:
        name = str(error["loc"][-1])
        got, field = repr(error.get("input"))[:100], fields.get(name)
        if field:
            told[name] = f"{field.label}: expected {_expected(field)}, got {got}; correct it"
        else:
            told[name] = f"{name}: {error['msg'].lower()}, got {got}; correct the address of this page"
    return told


def _expected(field: Field) -> str:
    if field.kind == "choice":
        return f"one of {', '.join(field.choices)}"
    if field.kind == "date":
        return "a day such as 2026-03-14"
    if field.kind == "number":
        return f"a whole number from {field.limits['min']} to {field.limits['max']}"
    return f"at most {field.limits['maxlength']} characters"
