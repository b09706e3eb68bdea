"""The configuration this process runs with: every setting with its value, and the connections without their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from airflow._shared.secrets_masker import should_hide_value_for_key
from airflow.sdk.exceptions import AirflowNotFoundException

from candlewick import docs
from candlewick.alerts.receivers import SMTP, WEBHOOK
from candlewick.connections import WAREHOUSE, WAREHOUSE_READ, WAREHOUSE_TRANSFORM, connection
from candlewick.settings import REPOSITORY, Settings, settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Connection

HIDDEN = "•••"
"""Stands for a secret that is set; one that is not set is an empty text."""
CONNECTIONS = {
    "binance": "the exchange's REST API",
    "binance_archive": "the exchange's public archive",
    "lake": "the object store",
    WAREHOUSE: "the warehouse, as Airflow writes it",
    WAREHOUSE_TRANSFORM: "the warehouse, as dbt writes it",
    WAREHOUSE_READ: "the warehouse, as these pages and analysts read it",
    SMTP: "alerts by e-mail",
    WEBHOOK: "alerts by webhook",
}
SHOWN_EXTRA = {
    "endpoint_url", "region_name", "fallback_hosts", "config_kwargs", "s3", "addressing_style", "use_ssl", "disable_ssl",
    "request_checksum_calculation", "response_checksum_validation", "from_email", "charset", "timeout",
}  # fmt: skip
"""What a connection's extra shows as it is. Everything else is masked: nobody can know all names secrets have."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting: the variable that sets it, its value here, its default, its meaning."""

    variable: str
    value: str
    default: str
    meaning: str

    @property
    def is_default(self) -> bool:
        """Whether nobody changed it."""
        return self.value == self.default


@dataclass(frozen=True, slots=True)
class KnownConnection:
    """A connection the platform uses; what may hold a secret is masked. ``is_set`` is False when nobody made it."""

    conn_id: str
    purpose: str
    is_set: bool
    kind: str = ""
    address: str = ""
    login: str = ""
    password: str = ""
    extra: Mapping[str, str] | None = None


def knobs(config: Settings | None = None) -> list[tuple[str, list[Knob]]]:
    """Return the settings by section, in the order of the documentation."""
    used = config or settings()
    return [
        (f"{title[0].upper()}{title[1:]}", [_knob(used, name) for name in names]) for title, names in docs.sections()
    ]


def _knob(used: Settings, name: str) -> Knob:
    field = Settings.model_fields[name]
    value, default = (shown(name, one) for one in (getattr(used, name), field.get_default(call_default_factory=True)))
    return Knob(f"CANDLEWICK_{name.upper()}", value, default, field.description or "")


def shown(name: str, value: Any) -> str:
    """Write a value the way it is set; one whose name says that it is a secret is masked."""
    if value is not None and value != "" and should_hide_value_for_key(name):  # type: ignore[no-untyped-call]
        return HIDDEN
    match value:
        case None:
            written = ""
        case bool():
            written = str(value).lower()
        case float():
            written = f"{value:g}"
        case Path():
            written = str(REPOSITORY / value)  # a relative one is meant from there
        case tuple():
            written = ",".join(map(str, value))
        case dict():
            written = ",".join(f"{key}={one}" for key, one in value.items())
        case _:
            written = without_password(str(value))
    return written


def connections(names: Mapping[str, str] = CONNECTIONS) -> list[KnownConnection]:
    """Return the connections the platform knows, masked."""
    return [_known(conn_id, purpose) for conn_id, purpose in names.items()]


def _known(conn_id: str, purpose: str) -> KnownConnection:
    try:
        return masked(connection(conn_id), conn_id, purpose)
    except AirflowNotFoundException:
        return KnownConnection(conn_id, purpose, is_set=False)


def masked(conn: Connection, conn_id: str, purpose: str) -> KnownConnection:
    """Return what may be shown of a connection."""
    host = without_password(_without_login(conn.host or ""))
    if conn_id == WEBHOOK:  # the path of such an address is what it is kept secret for
        host = _origin(host)
    return KnownConnection(
        conn_id,
        purpose,
        is_set=True,
        kind=conn.conn_type or "",
        address=f"{host}:{conn.port}" if conn.port else host,
        login=conn.login or "",
        password=HIDDEN if conn.password else "",
        extra={key: _extra(key, value) for key, value in conn.extra_dejson.items()},
    )


def _without_login(host: str) -> str:
    """Mask user and password before a host: it may be given without the scheme that makes it a URL, and they hold any sign."""
    scheme, slashes, rest = host.rpartition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}{slashes}{HIDDEN if login else ''}{at}{place}"


def _extra(key: str, value: Any) -> str:
    if key not in SHOWN_EXTRA:
        return HIDDEN
    if isinstance(value, dict):
        return ", ".join(f"{inner}: {_extra(inner, one)}" for inner, one in value.items())
    if isinstance(value, list):
        return ", ".join(_extra(key, one) for one in value)
    text = str(value)
    return (
        HIDDEN if text.lstrip().startswith(("{", "[")) else without_password(text)
    )  # JSON as text: names nobody looked at


def without_password(text: str) -> str:
    """Mask user and password inside a URL, and its query, where tokens travel; other text stays as it is."""
    if "://" not in text:
        return text
    parts = urlsplit(text)
    netloc = parts.netloc.rpartition("@")
    return urlunsplit(
        parts._replace(
            netloc=f"{HIDDEN}@{netloc[2]}" if netloc[1] else parts.netloc,
            query=HIDDEN if parts.query else "",
            fragment="",
        )
    )


def _origin(address: str) -> str:
    parts = urlsplit(address if "://" in address else f"https://{address}")
    return f"{parts.scheme}://{parts.netloc}" + (f"/{HIDDEN}" if parts.path.strip("/") else "")


def changed(sections: Sequence[tuple[str, Sequence[Knob]]]) -> int:
    """Count the settings that are not their default."""
    return sum(not knob.is_default for _, found in sections for knob in found)
