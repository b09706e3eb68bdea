"""Values of the warehouse as JSON and CSV tell them: decimals with all their digits, times in ISO 8601, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from candlewick_ui.database import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def plain(value: Any) -> Any:
    """Turn a value of the warehouse, or a document of them, into JSON's: digits are kept, times say that they are UTC."""
    turn = _TURNS.get(type(value))
    return value if turn is None else turn(value)


def moment(value: datetime) -> str:
    """Return a time as JSON has it: ISO 8601 in UTC, with milliseconds."""
    utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat("T", "milliseconds") + "Z"


def moment_of_text(text: str) -> str:
    """Return a time of the server's text as :func:`moment` tells it."""
    whole, _, fraction = text.partition(".")
    return f"{whole[:10]}T{whole[11:]}.{fraction[:3]:0<3}Z"


def digits(value: Decimal) -> str:
    """Return a decimal without exponent: of most `str` gives that text, in half of the time."""
    return text if "E" not in (text := str(value)) else format(value, "f")


TOLD = Reading(decimals=str, times=moment_of_text)

# By type, since a table has thousands of values. msgspec alone would write a Decimal of 0 as 0E-8.
_TURNS: dict[type, Callable[[Any], Any]] = {
    Decimal: digits,
    datetime: moment,
    date: date.isoformat,
    dict: lambda value: {name: plain(one) for name, one in value.items()},
    list: lambda value: [plain(one) for one in value],
    tuple: lambda value: [plain(one) for one in value],
}


def plain_columns(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
    """Turn values column by column: most columns are of one type, whose turn is looked up once."""
    found = []
    for name in columns:
        values = [row[name] for row in rows]
        kinds = set(map(type, values))
        turn = _TURNS.get(*kinds) if len(kinds) == 1 else None
        if turn is not None:
            values = list(map(turn, values))
        elif kinds & _TURNS.keys():
            values = [plain(value) for value in values]
        found.append(values)
    return found
