"""The dashboard as a process: bus threads, event loop, web server."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import uvicorn

from pyros_mqtt.access.people import people_path, read_people
from pyros_mqtt.access.place import access_file
from pyros_mqtt.dashboard.accounts import Accounts
from pyros_mqtt.dashboard.app import application
from pyros_mqtt.dashboard.authority import Authority, ReadOnly, SharedToken
from pyros_mqtt.dashboard.history import History
from pyros_mqtt.dashboard.orders import Orders
from pyros_mqtt.dashboard.watch import Watch
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import Settings
from pyros_mqtt.signing import signer_of
from pyros_mqtt.transport import Bus

log = logging.getLogger(__name__)

DRAIN = 2
"""Seconds that a request may take on when the dashboard ends."""


SWITCH = 0.0005
"""Seconds for which one thread may keep the others waiting."""


class Dashboard:
    """Shows what is on the bus to browsers.

    Args:
        bus: where to connect.
        settings: `dashboard_host`, `dashboard_port`, `dashboard_token`, `dashboard_names`, and what
            is shown of the observatory.
        history: where earlier measurements come from; by default the memory, and the archive.
        authority: who may see and command; by default the people in `people.toml`, else everybody
            may see, and whoever knows the token may command.

    Raises:
        AccessError: `people.toml` or `access.toml` is wrong.
        SettingsError: the address cannot be listened at, or a token would cross a network in clear.
    """

    def __init__(
        self,
        bus: Bus,
        settings: Settings,
        *,
        history: History | None = None,
        authority: Authority | None = None,
    ) -> None:
        self._authority = authority or _authority(settings)
        self._socket = _listening(settings.dashboard_host, settings.dashboard_port)
        self._watch = Watch(bus, settings, history)
        self._orders = None
        if self._authority.asks_for:
            self._orders = Orders(
                bus,
                self._watch.topics,
                self._watch.board,
                signer_of(settings),
                knows_people=self._authority.is_closed,
            )
        self._server = _Server(
            uvicorn.Config(
                application(self._watch, self._orders, self._authority, settings),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # who is believed is said in the settings
                lifespan="off",
                ws_max_size=65_536,
                timeout_graceful_shutdown=DRAIN,
            )
        )

    @property
    def may(self) -> str:
        """Who may do what, for people."""
        if self._authority.is_closed:
            return "for people who log in"
        return "who has the token commands" if self._authority.asks_for else "it only shows"

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def __enter__(self) -> Self:
        """Watch the bus."""
        self._watch.open()
        if self._orders is not None:
            self._orders.transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        if self._orders is not None:
            self._orders.close()
        self._watch.close()
        self._socket.close()

    def serve(self) -> None:
        """Serve until SIGINT, SIGTERM or `stop`. For the main thread."""
        # The event loop shares the interpreter with the bus's threads; by default it would wait for
        # them up to 5 ms at each of a first view's thirty requests.
        sys.setswitchinterval(SWITCH)
        with _ending(self._server):
            self._server.run([self._socket])

    def stop(self) -> None:
        """End `serve`; from any thread."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _ending(server: uvicorn.Server) -> Iterator[None]:
    """Let both signals that end a process end the server, which is no failure."""

    def end(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"the dashboard cannot listen at {host}:{port}: {error}; "
            "dashboard_host and dashboard_port, or --host and --port, name another place"
        ) from None


def _authority(settings: Settings) -> Authority:
    people = people_path(settings.state_dir)
    known = read_people(people)
    if settings.dashboard_person_header or people.exists():
        if not known:
            log.warning("%s names nobody, so nobody can log in", people)
        return _accounts(people, settings)
    if settings.dashboard_token is None:
        return ReadOnly()
    host = settings.dashboard_host
    if not _is_loopback(host):
        raise SettingsError(
            f"dashboard_token is set and dashboard_host is {host}: the token would cross the "
            "network in clear; listen on 127.0.0.1 behind a proxy with HTTPS, or leave out the "
            "token, so that the page only shows"
        )
    return SharedToken(settings.dashboard_token.get_secret_value())


def _accounts(people: Path, settings: Settings) -> Accounts:
    if not _is_loopback(settings.dashboard_host) and not settings.dashboard_proxies:
        raise SettingsError(
            f"{people} says who logs in, and dashboard_host is {settings.dashboard_host}: "
            "passwords would cross the network in clear; listen on 127.0.0.1 behind a proxy with "
            "HTTPS, or name the proxy in dashboard_proxies, so that nobody else is answered"
        )
    if settings.dashboard_token is not None:
        log.warning("dashboard_token is not used: there are people who log in, in %s", people)
    return Accounts(people, access_file(settings))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
