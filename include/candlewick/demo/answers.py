"""What goes back over the wire, and Binance's error bodies."""

import json
from dataclasses import dataclass, field


@dataclass
class Answer:
    """A response not yet sent; faults may still change it."""

    body: bytes = b""
    status: int = 200
    media_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    cut_off: bool = False
    """Promise the whole body, send half of it and close the connection."""


class RefusedError(Exception):
    """A request that Binance answers with an error; ``answer`` is that answer."""

    def __init__(self, code: int, msg: str, status: int = 400) -> None:
        super().__init__(msg)
        self.answer = error(status, code, msg)


def as_json(value: object, status: int = 200) -> Answer:
    """Compact JSON, as Binance sends it."""
    return Answer(json.dumps(value, separators=(",", ":")).encode(), status)


def no_such_key(path: str) -> Answer:
    """The archive's 404: an object store's way to say so."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        f"<Message>The specified key does not exist.</Message><Key>{path.lstrip('/')}</Key></Error>"
    )
    return Answer(body.encode(), 404, "application/xml")


def error(status: int, code: int, msg: str, headers: dict[str, str] | None = None) -> Answer:
    """Binance's error body."""
    answer = as_json({"code": code, "msg": msg}, status)
    answer.headers = dict(headers or {})
    return answer
