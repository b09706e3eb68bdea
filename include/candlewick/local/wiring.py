"""Connections of the platform as ``AIRFLOW_CONN_…`` variables: those set from outside as they are, the rest made here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.local.errors import LauncherError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from candlewick.local.home import Credentials
    from candlewick.settings import Settings

PREFIX = "AIRFLOW_CONN_"
# Where all our servers listen but the web UI: some of them ask nobody for a password.
LOOPBACK = "127.0.0.1"
LARGEST_PORT = 65535
BINANCE_HOSTS = (
    "https://api.binance.com",
    "https://data-api.binance.vision",
    "https://api-gcp.binance.com",
    "https://api1.binance.com",
    "https://api2.binance.com",
    "https://api3.binance.com",
    "https://api4.binance.com",
)
BINANCE_ARCHIVE = "https://data.binance.vision"


@dataclass(frozen=True)
class Account:
    """How a database is reached; ``connection`` is the name it was found under."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    connection: str = field(default="WAREHOUSE", compare=False)


@dataclass(frozen=True)
class Wiring:
    """The connections of one platform."""

    variables: Mapping[str, str]
    outside: frozenset[str]

    def is_private(self, name: str) -> bool:
        """Whether the launcher provides this connection (``LAKE``, ``WAREHOUSE``, ``BINANCE``, ``BINANCE_ARCHIVE``)."""
        return name not in self.outside

    def account(self, name: str) -> Account:
        """Return a database account by connection name.

        Raises:
            LauncherError: it names no host, or no port that can be.
        """
        fields = parse(name, self.variables[PREFIX + name])
        host, port = str(fields.get("host") or ""), str(fields.get("port") or 3306)
        if not host:
            raise LauncherError(f"{PREFIX}{name} names no host; correct it in the environment or .env.")
        if not (port.isdecimal() and 0 < int(port) <= LARGEST_PORT):
            raise LauncherError(f"{PREFIX}{name} names the port {port!r}; correct it in the environment or .env.")
        return Account(host, int(port), str(fields.get("login") or ""), str(fields.get("password") or ""), name)

    def bases(self, name: str) -> list[str]:
        """Return the base URLs of an http connection, the first choice first."""
        fields = parse(name, self.variables[PREFIX + name])
        host = str(fields.get("host") or "")
        port = f":{fields['port']}" if fields.get("port") else ""
        base = host + port if "://" in host else f"{fields.get('schema') or 'https'}://{host}{port}"
        extra = fields.get("extra")
        return [base, *(extra.get("fallback_hosts", []) if isinstance(extra, dict) else [])]


def parse(name: str, value: str) -> dict[str, object]:
    """Return the fields of a connection given as JSON or as a URI.

    Raises:
        LauncherError: it is neither.
    """
    try:
        if value.lstrip().startswith("{"):
            fields: dict[str, object] = json.loads(value)
            extra = fields.get("extra")
            return {**fields, "extra": json.loads(extra) if isinstance(extra, str) and extra else extra or {}}
        from airflow.sdk import (
            Connection,
        )  # only Airflow knows all rules of its URIs; importing it takes a second or two

        found = Connection.from_uri(value, conn_id=name.lower())
        return {key: getattr(found, key) for key in ("host", "port", "login", "password", "schema")} | {
            "extra": found.extra_dejson
        }
    except (ValueError, TypeError) as error:
        raise LauncherError(
            f"{PREFIX}{name} is neither a connection URI nor JSON ({type(error).__name__}); correct it in the environment or .env."
        ) from None


def wire(settings: Settings, credentials: Credentials, environ: Mapping[str, str], mode: str) -> Wiring:
    """Return the connections: every ``AIRFLOW_CONN_…`` of the environment wins over one made here."""
    given = {key: value for key, value in environ.items() if key.startswith(PREFIX) and value}
    made = _made(settings, credentials, mode)
    if PREFIX + "WAREHOUSE" in given:
        for name in ("WAREHOUSE_TRANSFORM", "WAREHOUSE_READ"):
            made[name] = given[PREFIX + "WAREHOUSE"]
    outside = frozenset(key.removeprefix(PREFIX) for key in given)
    return Wiring({**{PREFIX + key: value for key, value in made.items()}, **given}, outside)


def url_host(bind_host: str) -> str:
    """Return how a URL of this machine names a server bound there."""
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(bind_host, bind_host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host


def _made(settings: Settings, credentials: Credentials, mode: str) -> dict[str, str]:
    def mysql(role: str, schema: str) -> str:
        return json.dumps(
            {
                "conn_type": "mysql",
                "host": LOOPBACK,
                "port": settings.database_port,
                "login": f"candlewick_{role}",
                "password": credentials[f"database_{role}"],
                "schema": schema,
                "extra": {"local_infile": True, "charset": "utf8mb4"},
            }
        )

    lake = {
        "conn_type": "aws",
        "login": credentials["s3_key"],
        "password": credentials["s3_secret"],
        "extra": {
            "endpoint_url": f"http://{LOOPBACK}:{settings.s3_port}",
            "region_name": "us-east-1",
            "config_kwargs": {
                "s3": {"addressing_style": "path"},
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        },
    }
    demo = f"http://{LOOPBACK}:{settings.exchange_port}"
    rest, *fallbacks = [demo] if mode == "demo" else BINANCE_HOSTS
    return {
        "LAKE": json.dumps(lake),
        "WAREHOUSE": mysql("writer", settings.raw_schema),
        "WAREHOUSE_TRANSFORM": mysql("transformer", settings.marts_schema),
        "WAREHOUSE_READ": mysql("reader", settings.marts_schema),
        "BINANCE": json.dumps({"conn_type": "http", "host": rest, "extra": {"fallback_hosts": fallbacks}}),
        "BINANCE_ARCHIVE": json.dumps({"conn_type": "http", "host": demo if mode == "demo" else BINANCE_ARCHIVE}),
    }
