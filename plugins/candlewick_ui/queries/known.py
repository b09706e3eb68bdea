"""Whether a symbol is known here at all: asked only where nothing was found, so that it costs nothing where something was."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

_KNOWN = "SELECT symbol FROM {raw}.tracked_symbols WHERE exchange = :exchange AND symbol = :symbol"


def demand_symbol(reader: Reader, exchange: str, symbol: str) -> None:
    """Refuse a symbol nobody has ever tracked or brought the history of; spelt as it is, to the letter.

    Raises:
        Problem: 404.
    """
    if not _is_known(reader, exchange, symbol):
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"expected a symbol of {exchange} that is known here, got {symbol[:50]!r}; the list of symbols has them all",
        )


def _is_known(reader: Reader, exchange: str, symbol: str) -> bool:
    found = reader.one(_KNOWN, exchange=exchange, symbol=symbol)
    return found is not None and found["symbol"] == symbol
