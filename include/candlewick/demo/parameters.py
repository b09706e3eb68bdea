"""Query parameters checked the way Binance checks them: same codes, same words."""

import json
import re
from collections.abc import Mapping

from candlewick.demo.answers import RefusedError
from candlewick.demo.intervals import HOUR_MS, INTERVALS, MINUTE_MS

_SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
_SYMBOLS = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'
_NUMBER = r"^[0-9]{1,20}$"
_ZONE = re.compile(r"^([+-]?)(\d{1,2})(?::(\d{2}))?$")


def only(query: Mapping[str, str], *known: str) -> None:
    """-1104 when the request carries a parameter the endpoint does not read."""
    read = sum(name in known for name in query)
    if read != len(query):
        raise RefusedError(
            -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(query)}'."
        )


def symbol(query: Mapping[str, str]) -> str:
    """The mandatory symbol, well-formed but maybe unknown."""
    if "symbol" not in query:
        raise RefusedError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    return _matching(query, "symbol", _SYMBOL)


def symbols(query: Mapping[str, str]) -> list[str] | None:
    """The names asked for; None means all."""
    if "symbol" in query and "symbols" in query:
        raise RefusedError(-1128, "Combination of optional parameters invalid.")
    if "symbol" in query:
        return [symbol(query)]
    if "symbols" not in query:
        return None
    names: list[str] = json.loads(_matching(query, "symbols", _SYMBOLS))
    return names


def interval(query: Mapping[str, str]) -> str:
    """The mandatory interval."""
    if "interval" not in query:
        raise RefusedError(-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.")
    if not query["interval"]:
        raise RefusedError(-1105, "Parameter 'interval' was empty.")
    if query["interval"] not in INTERVALS:
        raise RefusedError(-1120, "Invalid interval.")
    return query["interval"]


def limit(query: Mapping[str, str], default: int, most: int) -> int:
    """Binance serves the largest page when more is asked for, and refuses none at all."""
    asked = number(query, "limit")
    if asked == 0:
        raise RefusedError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(asked or default, most)


def number(query: Mapping[str, str], name: str) -> int | None:
    """A non-negative whole number; None when it was not sent."""
    return int(_matching(query, name, _NUMBER)) if name in query else None


def zone_offset_ms(query: Mapping[str, str]) -> int:
    """``timeZone`` ("0", "-1:00", "05:45") as milliseconds east of UTC, within [-12:00, +14:00]."""
    if "timeZone" not in query:
        return 0
    found = _ZONE.match(query["timeZone"])
    if not found:
        raise RefusedError(-1130, "Data sent for parameter 'timeZone' is not valid.")
    size = int(found[2]) * HOUR_MS + int(found[3] or 0) * MINUTE_MS
    offset = -size if found[1] == "-" else size
    if not -12 * HOUR_MS <= offset <= 14 * HOUR_MS:
        raise RefusedError(-1130, "Data sent for parameter 'timeZone' is not valid.")
    return offset


def _matching(query: Mapping[str, str], name: str, pattern: str) -> str:
    if not query[name]:
        raise RefusedError(-1105, f"Parameter '{name}' was empty.")
    if not re.match(pattern, query[name], re.ASCII):
        raise RefusedError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")
    return query[name]
