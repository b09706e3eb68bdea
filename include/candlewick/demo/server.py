"""uvicorn on sockets of our own, so that one exchange may stand behind several ports."""

import signal
import socket
from collections.abc import Sequence

import uvicorn

from candlewick.demo.app import ExchangeApp


def bind(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Listening sockets; port 0 takes a free one. Raises OSError when a port is taken."""
    return [socket.create_server((host, port), backlog=1024, reuse_port=False) for port in ports]


def serve(app: ExchangeApp, sockets: list[socket.socket]) -> None:
    """Serve until SIGTERM or SIGINT, then return."""
    config = uvicorn.Config(
        app,
        # Cut-off answers, which are served on purpose, would each be logged as an error.
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    # uvicorn raises the signal it was stopped by once more when it is done: by then it has been obeyed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=sockets)
