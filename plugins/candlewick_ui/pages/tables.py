"""Tables and filters of pages: what a column is called, and how its values are written for people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, overload
from urllib.parse import urlencode

from fastapi import Query
from markupsafe import Markup
from pydantic import BeforeValidator, StringConstraints

from candlewick.pipeline.backfill.request import FIRST_DAY
from candlewick_ui import times
from candlewick_ui.pages.text import NOTHING, grouped, moment, span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from enum import StrEnum

ROWS_OF_A_PAGE = 50
_SIZES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
Name = Annotated[str, StringConstraints(max_length=50, strip_whitespace=True, to_upper=True)]
Blank = BeforeValidator(lambda value: None if value == "" else value)
"""A filter's field that was left empty comes as an empty text; it means: any."""
Symbol = Annotated[Name | None, Blank, Query()]
Day = Annotated[date | None, Blank, Query(description="UTC day")]


def said(value: Any) -> str:
    """Write a value as it is; nothing as a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return grouped(value)
    if isinstance(value, datetime | date):
        return moment(value)
    return NOTHING if value is None or value == "" else str(value)


def as_written(value: str) -> str:
    """Leave what is written already, of more than one value of the row."""
    return value


def size(value: float | Decimal | None) -> str:
    """Write bytes in powers of a thousand; what they are exactly stands in the title."""
    if value is None:
        return NOTHING
    for step, unit in _SIZES:
        if abs(float(value)) >= step:
            return Markup('<span title="{} bytes">{} {}</span>').format(
                grouped(value), f"{float(value) / step:.1f}", unit
            )
    return f"{value:.0f} B"


def share(value: Decimal | float | None) -> str:
    """Write a share of 1 in per cent; what is not quite all is never called all."""
    if value is None:
        return NOTHING
    percent = Decimal(value) * 100
    shown = percent.quantize(Decimal("0.01"))
    if shown == 100 and percent < 100:  # noqa: PLR2004 -- per cent
        shown = Decimal("99.99")
    return f"{shown} %"


def code(value: Any) -> str:
    """Write a key or an id, which may break anywhere."""
    return NOTHING if value is None else Markup("<code>{}</code>").format(value)


def badge(kinds: Mapping[str, str]) -> Callable[[Any], str]:
    """Return a way to write a state as a badge; ``kinds`` says which states are good, warning or bad."""

    def shown(value: Any) -> str:
        if value is None:
            return NOTHING
        return Markup('<span class="badge {}">{}</span>').format(
            kinds.get(str(value), ""), str(value).replace("_", " ")
        )

    return shown


def folded(value: Any) -> str:
    """Write a JSON document, folded: one word until it is opened."""
    if not value:
        return NOTHING
    try:
        document = json.loads(value)
    except ValueError:
        return Markup("<details><summary>show</summary>{}</details>").format(value)
    return Markup("<details><summary>show</summary><pre>{}</pre></details>").format(
        json.dumps(document, indent=1, ensure_ascii=False)
    )


def prose(value: Any) -> str:
    """Write a sentence that may be long."""
    return NOTHING if not value else Markup('<span class="prose">{}</span>').format(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the row's member, its heading, how it is written, whether it is a number."""

    name: str
    label: str
    show: Callable[[Any], str] = said
    is_number: bool = False
    hint: str = ""


def number(name: str, label: str, show: Callable[[Any], str] = said, hint: str = "") -> Column:
    """Return a column of numbers."""
    return Column(name, label, show, is_number=True, hint=hint)


def seconds(name: str, label: str, hint: str = "") -> Column:
    """Return a column of lengths of time, in seconds."""
    return Column(name, label, span, is_number=True, hint=hint)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its caption, columns and rows, and what is said when it has none."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    empty: str
    head: bool = True
    """Whether the first column names the row."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter: its parameter, its label, its value, and its choices if it is one of few.

    ``limits`` are attributes of the input; ``is_wrong``: its value cannot be, and the page says why.
    """

    name: str
    label: str
    value: Any = None
    choices: Sequence[str] = ()
    kind: str = "text"
    hints: Sequence[str] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    is_wrong: bool = False

    @property
    def text(self) -> str:
        """The value as the form holds it."""
        return "" if self.value is None else str(self.value)


def choice(name: str, label: str, of: Iterable[StrEnum]) -> Field:
    """Return a field that is one of an enum's members, or any."""
    return Field(name, label, choices=tuple(member.value for member in of), kind="choice")


def query(parameters: Mapping[str, Any], **changed: Any) -> str:
    """Return a query string of what is set."""
    wanted = {name: value for name, value in {**parameters, **changed}.items() if value not in (None, "")}
    return f"?{urlencode(wanted)}" if wanted else "?"


@overload
def day_start(day: date) -> datetime: ...
@overload
def day_start(day: None) -> None: ...
def day_start(day: date | None) -> datetime | None:
    """Return the first moment of a UTC day, naive as the tables hold it, and cut to what they can hold."""
    return None if day is None else times.naive_utc(datetime.combine(day, time()))


@overload
def day_end(day: date) -> datetime: ...
@overload
def day_end(day: None) -> None: ...
def day_end(day: date | None) -> datetime | None:
    """Return the first moment after a UTC day, naive, and cut."""
    return None if day is None else day_start(day) + timedelta(days=1)


def days_there_can_be(last: date | None = None) -> dict[str, str]:
    """Return the limits of a field of days: since the exchange opened, until the last one, or the UTC day it is."""
    return {"min": FIRST_DAY.date().isoformat(), "max": (last or today()).isoformat()}


def today() -> date:
    """Return the UTC day."""
    return datetime.now(UTC).date()
