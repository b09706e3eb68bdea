"""Parameters many routes have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator

from candlewick_ui.formats import Format, Wish, wish

FormatWished = Annotated[Format | None, Query(description="json, csv or parquet; else `Accept` says.")]


async def _wanted(request: Request, format: FormatWished = None) -> Wish:  # noqa: A002 -- the API's name
    """Read the wish; not a plain function, which FastAPI would hand to a thread for each request."""
    return wish(request, format)


Wanted = Annotated[Wish, Depends(_wanted)]
# Of what there is as JSON only: a document has no rows to be put into a table.
Etag = Annotated[
    str | None, Header(alias="If-None-Match", max_length=1000, description="`ETag` of the answer one has.")
]
PathSymbol = Annotated[
    str,
    Path(min_length=1, max_length=50, description="Symbol as the exchange writes it."),
    AfterValidator(str.upper),
]
OneSymbol = Annotated[
    str | None,
    Query(min_length=1, max_length=50, description="One symbol as the exchange writes it; all if not given."),
    AfterValidator(lambda symbol: symbol and symbol.upper()),
]
OneInterval = Annotated[
    str | None,
    Query(pattern=r"^\d{1,2}[smhdwM]$", description="Interval of the candles (1m, 1h, ...); all if not given."),
]
