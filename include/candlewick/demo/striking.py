"""What a fault does to an answer."""

from collections.abc import Callable

from candlewick.demo.answers import Answer, error, no_such_key
from candlewick.demo.faults import Fault
from candlewick.demo.limits import banned, seconds_to_next_minute, too_many

_WAF_PAGE = b"<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>"
_MAINTENANCE_PAGE = b"<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>"
_GARBAGE = bytes(range(128, 256)) * 4
_RESTRICTED = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. "
    "Please contact customer service if you believe you received this message in error."
)
_BAN_SECONDS = 120
_BINANCE_LIMIT = 6000
_NOT_MODIFIED = 304


def _too_many(fault: Fault, now_ms: int) -> Answer:
    wait = fault.retry_after if fault.retry_after is not None else seconds_to_next_minute(now_ms)
    return too_many(_BINANCE_LIMIT, wait)


def _banned(fault: Fault, now_ms: int) -> Answer:
    seconds = fault.retry_after if fault.retry_after is not None else _BAN_SECONDS
    return banned(now_ms + seconds * 1000, now_ms)


def _pause(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


_REFUSALS: dict[str, Callable[[Fault, int], Answer]] = {
    "429": _too_many,
    "418": _banned,
    "451": lambda _fault, _now_ms: error(451, 0, _RESTRICTED),
    "403": lambda _fault, _now_ms: Answer(_WAF_PAGE, 403, "text/html"),
    "500": lambda _fault, _now_ms: error(500, -1000, "An unknown error occurred while processing the request."),
    "503": lambda fault, _now_ms: error(
        503, -1008, "Server is currently overloaded with other requests.", _pause(fault)
    ),
    "504": lambda _fault, _now_ms: error(504, -1007, "Timeout waiting for response from backend server."),
}


def refusal(faults: list[Fault], path: str, now_ms: int) -> Answer | None:
    """The answer of the first fault that stands instead of an answer; None when there is none."""
    if any(fault.kind == "404" for fault in faults):
        return no_such_key(path)
    return next((_REFUSALS[fault.kind](fault, now_ms) for fault in faults if fault.kind in _REFUSALS), None)


def spoil(answer: Answer, faults: list[Fault]) -> None:
    """Change the body of an answer that was to be sent; 304 has none."""
    if answer.status == _NOT_MODIFIED:
        return
    for fault in faults:
        match fault.kind:
            case "cutoff":
                answer.cut_off = True
            case "garbage":
                answer.body = _GARBAGE
            case "html":
                answer.body, answer.media_type = _MAINTENANCE_PAGE, "text/html"
            case "empty":
                answer.body = b"[]" if answer.body.startswith(b"[") else b""
