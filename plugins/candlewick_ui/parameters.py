"""Parameters many routes have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from candlewick_ui.formats import Wish, wish

Wanted = Annotated[Wish, Depends(wish)]
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
