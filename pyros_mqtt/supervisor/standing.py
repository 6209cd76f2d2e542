"""How the agents of this machine stand, told to the service manager while they run."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from pyros_mqtt.service_manager import ServiceManager
from pyros_mqtt.supervisor.keeper import Keeper

PAUSE = 5.0
"""Seconds between two looks where the service manager wants no signs of life."""


class Standing:
    """Tells systemd that we are ready, live and stop; all methods are for any thread."""

    def __init__(self, keepers: Mapping[str, Keeper]) -> None:
        self._keepers = keepers
        self._manager = ServiceManager()
        self._ended = threading.Event()

    def begin(self) -> None:
        """The agents have been started."""
        self._manager.ready()
        threading.Thread(target=self._run, name="standing", daemon=True).start()

    def end(self) -> None:
        """The agents are being stopped."""
        if not self._ended.is_set():
            self._ended.set()
            self._manager.stopping()

    def _run(self) -> None:
        while True:
            self._manager.status(self._words())
            self._manager.alive()
            if self._ended.wait(self._manager.pause or PAUSE):
                return

    def _words(self) -> str:
        kept = sum(keeper.is_kept for keeper in self._keepers.values())
        again = [f"{name} {k.restarts}" for name, k in self._keepers.items() if k.restarts]
        started_again = f"; started again: {', '.join(again)}" if again else ""
        return f"keeps {kept} of {len(self._keepers)} agents{started_again}"
