"""Connections of the platform as ``AIRFLOW_CONN_…`` variables: those set from outside as they are, the rest made here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.local.errors import LauncherError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from candlewick.local.home import Credentials
    from candlewick.settings import Settings

PREFIX = "AIRFLOW_CONN_"
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
    """How a database is reached."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True)
class Wiring:
    """The connections of one platform."""

    variables: Mapping[str, str]
    outside: frozenset[str]
    connect_host: str

    def is_private(self, name: str) -> bool:
        """Whether the launcher provides this connection (``LAKE``, ``WAREHOUSE``, ``BINANCE``, ``BINANCE_ARCHIVE``)."""
        return name not in self.outside

    def account(self, name: str) -> Account:
        """Return a database account by connection name."""
        fields = parse(name, self.variables[PREFIX + name])
        return Account(
            str(fields.get("host") or "127.0.0.1"),
            int(str(fields.get("port") or 3306)),
            str(fields.get("login") or ""),
            str(fields.get("password") or ""),
        )

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
    host = connect_host(settings.bind_host)
    given = {key: value for key, value in environ.items() if key.startswith(PREFIX) and value}
    made = _made(settings, credentials, host, mode)
    if PREFIX + "WAREHOUSE" in given:
        for name in ("WAREHOUSE_TRANSFORM", "WAREHOUSE_READ"):
            made[name] = given[PREFIX + "WAREHOUSE"]
    outside = frozenset(key.removeprefix(PREFIX) for key in given)
    return Wiring({**{PREFIX + key: value for key, value in made.items()}, **given}, outside, host)


def connect_host(bind_host: str) -> str:
    """Return the address under which a server bound there is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind_host, bind_host)  # noqa: S104 - compared, not bound


def _made(settings: Settings, credentials: Credentials, host: str, mode: str) -> dict[str, str]:
    def mysql(role: str, schema: str) -> str:
        return json.dumps(
            {
                "conn_type": "mysql",
                "host": host,
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
            "endpoint_url": f"http://{host}:{settings.s3_port}",
            "region_name": "us-east-1",
            "config_kwargs": {
                "s3": {"addressing_style": "path"},
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        },
    }
    demo = f"http://{host}:{settings.exchange_port}"
    rest, *fallbacks = [demo] if mode == "demo" else BINANCE_HOSTS
    return {
        "LAKE": json.dumps(lake),
        "WAREHOUSE": mysql("writer", settings.raw_schema),
        "WAREHOUSE_TRANSFORM": mysql("transformer", settings.marts_schema),
        "WAREHOUSE_READ": mysql("reader", settings.marts_schema),
        "BINANCE": json.dumps({"conn_type": "http", "host": rest, "extra": {"fallback_hosts": fallbacks}}),
        "BINANCE_ARCHIVE": json.dumps({"conn_type": "http", "host": demo if mode == "demo" else BINANCE_ARCHIVE}),
    }
