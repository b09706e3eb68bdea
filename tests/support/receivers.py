"""Receivers of alerts that really listen: an HTTP endpoint and a mail server, as small as the protocols allow."""

from __future__ import annotations

import json
import socketserver
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Listening:
    """A server on a thread, started and stopped with the ``with`` block."""

    server: socketserver.BaseServer

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self) -> int:
        return self.server.server_address[1]


class Webhook(_Listening):
    """Keeps what is posted in ``posts`` as (path, document); answers ``status``."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, json.loads(body)))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class MailServer(_Listening):
    """Keeps the mails it is given in ``mails``; refuses them while ``refuses`` is set."""

    def __init__(self) -> None:
        self.mails = []
        self.refuses = False
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, words: str) -> None:
                self.wfile.write(words.encode() + b"\r\n")

            def handle(self):
                self.say("220 mail server of a test")
                for line in self.rfile:
                    command = line.strip().upper()
                    if command.startswith(b"DATA"):
                        self.say("354 go on")
                        receiver.mails.append(message_from_bytes(self._data(), policy=policy.default))
                        self.say("250 kept")
                    elif command.startswith(b"RCPT") and receiver.refuses:
                        self.say("550 nobody lives here")
                    elif command.startswith(b"QUIT"):
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 fine")

            def _data(self) -> bytes:
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    lines.append(line)
                return b"".join(lines)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
