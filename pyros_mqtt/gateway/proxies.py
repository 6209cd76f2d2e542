"""Keeps the proxies of a gateway alive: one for each agent that lives on its old socket."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

from pyros_mqtt.errors import NameTaken, words_of
from pyros_mqtt.gateway.proxy import Proxy

if TYPE_CHECKING:
    from pyros_mqtt.settings import OldSocket, Settings
    from pyros_mqtt.transport import Bus

AGAIN = 10.0
"""Seconds until a proxy that has ended is started again."""


class Proxies:
    """The proxies by name. `troubles` is for any thread, the rest for the gateway's agent thread.

    A proxy whose agent was told to shut down comes back with that agent's socket. One whose
    name a live agent holds, because that one has moved already, waits until the name is free.
    One that cannot start is tried again later, and keeps no other from its start.
    """

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self._settings = settings
        self._bus = bus
        self._running: dict[str, Proxy] = {}
        self._again_at: dict[str, float] = {}
        self._shut_down: set[str] = set()
        self.troubles: dict[str, str] = {}

    def keep(self) -> None:
        """Start those that do not run."""
        for name, section in self._settings.gateway.proxied.items():
            proxy = self._running.get(name)
            if proxy is not None and not proxy.is_alive:
                self._bury(name, self._running.pop(name))
            elif proxy is not None:
                self._recover(name, proxy)
            elif time.monotonic() >= self._again_at.get(name, 0.0):
                self._start(name, section)

    def stop(self, timeout: float) -> None:
        """End all of them, `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        for proxy in self._running.values():
            proxy.stop()
        for name, proxy in self._running.items():
            try:
                proxy.join(max(0.0, deadline - time.monotonic()))
            except Exception as error:  # noqa: BLE001 - it is over all the same
                self.troubles[name] = str(error)

    def _start(self, name: str, section: OldSocket) -> None:
        """Start one; where the agent was told to shut down, once it is there again."""
        if name in self._shut_down and not _answers(section):
            self._again_at[name] = time.monotonic() + AGAIN
            return
        self._shut_down.discard(name)
        try:
            proxy = Proxy(name, section, bus=self._bus, settings=self._settings)
            proxy.start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the others have to start
            self._again_at[name] = time.monotonic() + AGAIN
            self.troubles[name] = f"the proxy of {name} cannot start: {words_of(error)}"
        else:
            self._running[name] = proxy

    def _bury(self, name: str, proxy: Proxy) -> None:
        self._again_at[name] = time.monotonic() + AGAIN
        try:
            proxy.join(0)
        except NameTaken as error:
            self.troubles[name] = f"{error}; if it has moved, take `proxy` out of its section"
        except Exception as error:  # noqa: BLE001 - whatever has ended it is told
            self.troubles[name] = f"the proxy of {name} has failed: {error}"
        else:
            self.troubles.pop(name, None)
            self._shut_down.add(name)

    def _recover(self, name: str, proxy: Proxy) -> None:
        if name in self.troubles and proxy.is_at_work:
            del self.troubles[name]


def _answers(section: OldSocket) -> bool:
    place = (section.ip, section.receive_port or 0)
    with contextlib.suppress(OSError), socket.create_connection(place, timeout=1.0):
        return True
    return False
