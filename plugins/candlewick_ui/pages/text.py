"""How values are written on pages: numbers a person can read, times in UTC; the exact value stands beside them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from candlewick_ui.charts.bars import exact as digits

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = "\N{EN DASH}"
_STEPS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"))


def exact(value: Decimal | float | None) -> str:
    """Write a number with all its digits, without zeros at the end: `64123.5`."""
    return NOTHING if value is None else digits(value)


def grouped(value: Decimal | float | None) -> str:
    """Write a number with all its digits, thousands apart: `64,123.5`."""
    if value is None:
        return NOTHING
    whole, point, rest = exact(value).partition(".")
    return f"{int(whole):,}{point}{rest}" if whole != "-0" else f"-0{point}{rest}"


def signed(value: Decimal | float | None) -> str:
    """Write a change as :func:`grouped` does, its sign always there: `+68.02`."""
    return f"+{grouped(value)}" if value is not None and value > 0 else grouped(value)


def short(value: Decimal | float | None) -> str:
    """Write a large number in short, in powers of a thousand: `1.23 B`; below that all its digits."""
    if value is None:
        return NOTHING
    number = Decimal(value)
    for size, letter in _STEPS:
        if abs(number) >= size:
            return f"{number / size:.2f} {letter}"
    return exact(number)


def signed_percent(value: Decimal | float | None) -> str:
    """Write a change in per cent, its sign always there, of one that is rounded away too: `+1.25 %`, `-0.00 %`."""
    return NOTHING if value is None else f"{value:+.2f} %"


def iso(value: datetime) -> str:
    """Write a naive UTC time as ISO 8601 with its Z."""
    return value.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(value: datetime | date | None) -> Markup:
    """Write a time of the warehouse (naive, UTC) as an element; the page adds the local time on hover."""
    if value is None:
        return Markup(NOTHING)  # noqa: S704 -- a constant of ours
    if not isinstance(value, datetime):
        return Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())
    return Markup('<time datetime="{}">{} UTC</time>').format(iso(value), f"{value:%Y-%m-%d %H:%M:%S}")


def minute(value: datetime | None) -> Markup:
    """Write a time as :func:`moment` does, to the minute, where many stand side by side."""
    if value is None:
        return Markup(NOTHING)  # noqa: S704 -- a constant of ours
    return Markup('<time datetime="{}">{} UTC</time>').format(iso(value), f"{value:%Y-%m-%d %H:%M}")


def span(value: timedelta | float | None) -> str:
    """Write a length of time in its two largest units: `3 h 20 min`."""
    if value is None:
        return NOTHING
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    parts = []
    for size, unit in _SPANS:
        if seconds >= size:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2]) if parts else f"{max(seconds, 0)} s"


def document(value: Any) -> str:
    """Write params as JSON, for people: what HTML needs escaped is escaped as HTML, not as JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def marked_up(value: str) -> Markup:
    """Write a sentence in which names stand between backticks, as in Markdown: `` `unique_key` `` is code."""
    parts = value.split("`")
    if len(parts) % 2 == 0:  # one that is not closed is a character
        parts[-2:] = ["`".join(parts[-2:])]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


FILTERS: dict[str, Callable[..., str]] = {
    "exact": exact, "grouped": grouped, "signed": signed, "short": short, "signed_percent": signed_percent,
    "moment": moment, "minute": minute, "span": span, "iso": iso, "document": document, "marked_up": marked_up,
}  # fmt: skip
