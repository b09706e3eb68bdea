"""One table, three formats: JSON (decimals as strings, times as ISO 8601 UTC), CSV and Parquet; each with an ETag."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request
from fastapi.responses import Response

from candlewick_ui.database import VALUES, Reading
from candlewick_ui.kinds import Kind, kind_of, places_of
from candlewick_ui.problems import Problem
from candlewick_ui.told import TOLD, plain, plain_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

MAX_AGE_SECONDS = 1
_WEIGHT = re.compile(r"[01](\.\d{0,3})?")
DECIMAL_DIGITS = 38
METADATA_KEY = "candlewick"  # of what stands beside the rows, in a Parquet file


class Format(StrEnum):
    """How a table can be had; ``?format=`` wins over ``Accept``."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants: a format, and the ETag it has."""

    form: Format
    etag: str | None

    @property
    def reading(self) -> Reading:
        """How rows are read that are only passed on: for JSON and CSV as these tell them, Parquet has types of its own."""
        return VALUES if self.form is Format.PARQUET else TOLD


def wish(request: Request, form: Format | None) -> Wish:
    """Read the wish off a request: the format it names, else what it accepts."""
    return Wish(form or _accepted(request.headers.get("accept", "")), request.headers.get("if-none-match"))


def _accepted(accept: str) -> Format:
    for media in _by_preference(accept):
        for form, name in MEDIA_TYPES.items():
            if media == name or media in {"*/*", "text/html"} or (media == "application/*" and form is Format.JSON):
                return form
            if media == "text/*" and name.startswith("text/"):
                return form
    if not accept:
        return Format.JSON
    raise Problem(
        HTTPStatus.NOT_ACCEPTABLE,
        f"expected an Accept of {', '.join(MEDIA_TYPES.values())}, got {accept[:100]!r}; or name ?format=",
    )


def _by_preference(accept: str) -> list[str]:
    """Return what an `Accept` names, what its weights (RFC 9110, 12.4.2) prefer first, without what they refuse."""
    found = []
    for part in accept.split(","):
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        weights = [word.removeprefix("q=") for word in parameters if word.startswith("q=")]
        weight = float(weights[0]) if weights and _WEIGHT.fullmatch(weights[0]) else 1.0
        # A browser that opens an answer in a window names HTML; whoever names one of our formats beside a range wants that.
        found.append((weight, media in MEDIA_TYPES.values(), media))
    ordered = sorted(found, key=lambda one: one[:2], reverse=True)  # sorted is stable, also in reverse
    return [media for weight, _, media in ordered if weight > 0]


@lru_cache(maxsize=256)
def _row(columns: tuple[str, ...]) -> type[msgspec.Struct]:
    """Make the type of a row: one is built and written in an eighth of the time of a dict."""
    # A column may be called `count(*)`; none has quotes in its name.
    fields = [(f"column_{number}", Any) for number in range(len(columns))]
    return msgspec.defstruct(
        "Row", fields, rename=dict(zip((name for name, _ in fields), columns, strict=True)), gc=False
    )


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    wanted: Wish,
    numbers: Collection[str] = (),
    **envelope: Any,
) -> Response:
    """Answer with rows.

    Args:
        rows: mappings with at least these columns.
        columns: in their order.
        wanted: the caller's wish.
        numbers: the columns that hold doubles: where all values are null, their type is not to be seen.
        envelope: beside ``data`` in JSON (paging, what was asked). Where there are rows only, :func:`_beside` says what becomes of it.
    """
    if wanted.form is Format.CSV:
        body = _csv(rows, columns, _beside(columns, envelope))
    elif wanted.form is Format.PARQUET:
        body = _parquet(rows, columns, numbers, envelope)
    else:
        row = _row(tuple(columns))
        data = [row(*values) for values in zip(*plain_columns(rows, columns), strict=True)]
        body = msgspec.json.encode({**plain(envelope), "data": data})
    return bytes_(body, MEDIA_TYPES[wanted.form], wanted.etag)


def document(content: Any, wanted_etag: str | None, lasting: Callable[[Any], Any] | None = None) -> Response:
    """Answer with one JSON document.

    Args:
        content: the document.
        wanted_etag: the caller's `If-None-Match`.
        lasting: makes of the document, in JSON's types, the one without what only time changes: then the ETag is of that,
            and weak (RFC 9110, 8.8.1).
    """
    told = plain(content)
    lasts = None if lasting is None else msgspec.json.encode(lasting(told))
    return bytes_(msgspec.json.encode(told), MEDIA_TYPES[Format.JSON], wanted_etag, lasting=lasts)


def bytes_(
    body: bytes,
    media_type: str,
    wanted_etag: str | None,
    max_age_seconds: int = MAX_AGE_SECONDS,
    lasting: bytes | None = None,
) -> Response:
    """Answer with bytes, or with 304 when the caller has them already; with ``lasting`` when it has what matters of them."""
    etag = f'"{hashlib.sha256(body if lasting is None else lasting).hexdigest()[:32]}"'
    headers = {
        "ETag": etag if lasting is None else f"W/{etag}",
        "Cache-Control": f"private, max-age={max_age_seconds}, must-revalidate",
        "Vary": "Accept, Cookie",
    }
    if wanted_etag and {etag, "*"} & {part.strip().removeprefix("W/") for part in wanted_etag.split(",")}:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _beside(columns: Sequence[str], envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the envelope are columns behind the others in CSV and Parquet: whatever is one value, but the cursor.

    So a file says of what it is, wherever it is kept, and files of several symbols may be put together.
    """
    several = (dict, list, tuple)
    return {
        name: value
        for name, value in envelope.items()
        if name != "next" and name not in columns and not isinstance(value, several)
        and (value is not None or kind_of(name) is not Kind.TEXT)  # several that are not there
    }  # fmt: skip


def _cell(value: Any) -> Any:
    return ("false", "true")[value] if isinstance(value, bool) else plain(value)


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], beside: Mapping[str, Any]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([*columns, *beside])
    always = [_cell(value) for value in beside.values()]
    writer.writerows([*(_cell(row[name]) for name in columns), *always] for row in rows)
    return file.getvalue().encode()


def _parquet(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], numbers: Collection[str], envelope: Mapping[str, Any]
) -> bytes:
    """Decimals become decimal128 with the places the column has, times UTC timestamps in ms: no digit is lost.

    A column without a value has the type its name says, so that all pages of a list have one schema. The whole envelope is in
    the file's metadata under `METADATA_KEY`, as JSON has it.
    """
    import pyarrow as pa
    from pyarrow import parquet

    arrays = []
    for name in columns:
        values = [row[name] for row in rows]
        arrays.append(pa.array(values, type=_arrow_type(name, values, numbers)))
    beside = _beside(columns, envelope)
    for name, value in beside.items():
        one = pa.array([value], type=_arrow_type(name, [value], numbers))
        arrays.append(pa.repeat(one[0], len(rows)))
    metadata = {METADATA_KEY: msgspec.json.encode(plain(dict(envelope)))}
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, names=[*columns, *beside], metadata=metadata), file)
    return file.getvalue()


def _arrow_types() -> dict[Kind, Any]:
    import pyarrow as pa

    return {
        Kind.TEXT: pa.string(), Kind.COUNT: pa.int64(), Kind.NUMBER: pa.float64(), Kind.FLAG: pa.bool_(),
        Kind.TIME: pa.timestamp("ms", tz="UTC"), Kind.DAY: pa.date32(),
    }  # fmt: skip


def _arrow_type(name: str, values: Sequence[Any], numbers: Collection[str]) -> Any:
    import pyarrow as pa

    there = [value for value in values if value is not None]
    if not there and (kind := Kind.NUMBER if name in numbers else kind_of(name)) is not Kind.DECIMAL:
        return _arrow_types()[kind]
    if not there or isinstance(there[0], Decimal):
        places = -min((int(value.as_tuple().exponent) for value in there), default=0)
        return pa.decimal128(DECIMAL_DIGITS, max(places_of(name), places))
    return _arrow_types()[Kind.TIME] if isinstance(there[0], datetime) else None
