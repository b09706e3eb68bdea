"""Pages of long lists by key: a cursor names the last row that was returned, so a page costs what it holds."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Query

from candlewick_ui.formats import table
from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi.responses import Response

    from candlewick_ui.formats import Wish

NEXT_HEADER = "X-Next-Cursor"
DEFAULT_ROWS, MOST_ROWS = 100, 1000
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most rows of one page.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before; the first page has none.")]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the key after which the next page begins; None: there is no more."""

    rows: Sequence[dict[str, Any]] = field(default_factory=list)
    last: tuple[Any, ...] | None = None

    @property
    def next(self) -> str | None:
        """The cursor of the next page."""
        return None if self.last is None else encode(*self.last)


def cut(rows: list[dict[str, Any]], limit: int, *key: str) -> Page:
    """Make a page of rows of which one more than ``limit`` was asked for.

    Args:
        rows: in their order.
        limit: of the page.
        key: the columns of the order.
    """
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], tuple(rows[limit - 1][name] for name in key))


def answer(page: Page, columns: Sequence[str], wanted: Wish, **envelope: Any) -> Response:
    """Answer with a page; `next` is in the JSON document, and for every format in the header ``X-Next-Cursor``."""
    response = table(page.rows, columns, wanted, next=page.next, **envelope)
    if page.next is not None:
        response.headers[NEXT_HEADER] = page.next
    return response


def encode(*values: Any) -> str:
    """Return the cursor of a row's key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Return the key a cursor names; None without one.

    Args:
        cursor: as :func:`encode` made it.
        kinds: of its values: int, str, date, datetime.

    Raises:
        Problem: it is none of this list's.
    """
    if cursor is None:
        return None
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any])
        return tuple(_value(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (binascii.Error, ValueError, TypeError, msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"expected the `next` of a page of this list as cursor, got {cursor[:80]!r}; begin without one",
        ) from error


def _value(kind: type, value: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    if kind is date:
        return date.fromisoformat(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"expected {kind.__name__}, got {value!r}")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"expected an integer of 64 bits, got {value}")
    return value
