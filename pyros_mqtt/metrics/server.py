"""Serves a registry over HTTP, for Prometheus to come and look."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.metrics.families import Registry

PATIENCE = 10.0
"""Seconds that a caller may say nothing."""


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own word
        """Say nothing: Prometheus calls every few seconds."""


class _Listener(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = False  # or two processes would share a port, and each half of the calls

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a caller go who hangs up in the middle."""

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, as HTTPServer would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


class _Listener6(_Listener):
    address_family = socket.AF_INET6


class Server:
    """Serves one registry, in threads of its own, from its making until it is closed.

    Args:
        registry: what to serve.
        address: where to listen: an address of this machine.
        port: 0 takes any that is free.
        tries: so many ports from `port` on may be taken in its place, if others hold it.

    Raises:
        SettingsError: nobody can listen there.
    """

    def __init__(self, registry: Registry, address: str, port: int, *, tries: int = 1) -> None:
        self.address = address
        self._listener = _listening(registry, address, port, tries)
        self.port = self._listener.server_port
        self._thread = threading.Thread(
            target=self._listener.serve_forever, name=f"metrics {self.port}", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to look."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}/metrics"

    def close(self) -> None:
        """Listen no more."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """It listens already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _listening(registry: Registry, address: str, port: int, tries: int) -> _Listener:
    app = make_wsgi_app(registry)
    kind = _Listener6 if ":" in address else _Listener
    for one in range(port, port + tries - 1):
        with suppress(OSError, OverflowError):
            return make_server(address, one, app, kind, _Handler)
    last = port + tries - 1
    try:
        return make_server(address, last, app, kind, _Handler)
    except (OSError, OverflowError) as error:
        ports = f"{port} to {last}" if tries > 1 else f"{port}"
        raise SettingsError(
            f"metrics cannot be served at {address}, port {ports}: {error}; choose another "
            "port, or an address of this machine"
        ) from None
