"""What can be known before anything is started: free ports, programs, and whether the outside world answers."""

from __future__ import annotations

import shutil
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import psutil
import requests

from candlewick.local.errors import PortTaken, ProgramMissing, Unreachable
from candlewick.local.system_packages import SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence


def answers(host: str, port: int, seconds: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=seconds):
        return True
    return False


def require_free(host: str, port: int, what: str, setting: str) -> None:
    """Make sure that a service can listen on a port.

    Args:
        host: address to listen on.
        port: its port.
        what: the service, as a person calls it.
        setting: the environment variable that moves it.

    Raises:
        PortTaken: someone listens there; the message says who, if that can be seen, and which setting to change.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections that linger do not count
        try:
            probe.bind((host, port))
        except OSError as error:
            holder = _holder(port)
            raise PortTaken(
                f"Port {port} on {host}, wanted by {what}, is taken{f' by {holder}' if holder else ''} ({error.strerror}); "
                f"stop that or set {setting} to a free port."
            ) from None


def _holder(port: int) -> str:
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="inet"):
            # An address is (host, port), and empty for a socket that is bound to none.
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def program(name: str, package: str) -> str:
    """Return the path of a program.

    Raises:
        ProgramMissing: it is not installed; the message names the package.
    """
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        raise ProgramMissing(f"The program {name} is not on this machine; install it: apt-get install {package}.")
    return path


def require_exchange(bases: Sequence[str]) -> str:
    """Return the first exchange host that answers its ping.

    Raises:
        Unreachable: none does; the message tells what each said.
    """
    said = []
    for base in bases:
        try:
            response = requests.get(f"{base.rstrip('/')}/api/v3/ping", timeout=5)
        except requests.RequestException as error:
            said.append(f"{base}: {_short(error)}")
            continue
        if response.ok:
            return base
        hint = (
            " (not served from this country)"
            if response.status_code == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS
            else ""
        )
        said.append(f"{base}: HTTP {response.status_code}{hint}")
    raise Unreachable(
        f"No exchange host answers /api/v3/ping ({'; '.join(said)}); check the network or AIRFLOW_CONN_BINANCE, "
        "or use make demo, which needs none."
    )


def _short(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in 5 s"
    return "name not found" if "resol" in str(error) else "no connection"
