"""Everything that the page shows, gathered from the bus by the library's own threads."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from pyros_mqtt.dashboard import rows, sky
from pyros_mqtt.dashboard.board import Board
from pyros_mqtt.dashboard.ear import Ear
from pyros_mqtt.dashboard.history import History, MemoryHistory
from pyros_mqtt.dashboard.images import Images
from pyros_mqtt.dashboard.recorded import Recorded
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.messages import Command, Outcome, Report
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.traffic import Passing, Traffic
from pyros_mqtt.transport import Bus

AGENTS = "agents"
NEWS = "news"

PROGRESS = 1.0
"""Seconds between two reports of progress of one command that the stream shows."""

MOST_RUNNING = 1000


class Watch:
    """Fleet, traffic, measurements and images on one board. For any thread.

    Args:
        bus: where to connect.
        settings: root, site, sky and image folder are read.
        history: where earlier measurements come from; by default the memory, and the archive.
    """

    def __init__(self, bus: Bus, settings: Settings, history: History | None = None) -> None:
        self.topics = topics = Topics(settings.root)
        self.board = Board()
        self.memory = MemoryHistory()
        self.history: History = history or Recorded(self.memory, settings)
        self.images = Images(self.board, _image_folder(settings))
        self.targets = sky.Targets(self.board)
        self.fleet = Fleet(bus, topics)
        skew = settings.max_clock_skew
        self.ear = Ear(bus, topics, self.board, self.targets, self.memory, skew=skew)
        self._traffic = Traffic(bus, topics, self._on_passing)
        self._lock = threading.Lock()
        self._running: OrderedDict[str, float] = OrderedDict()
        self._down_since: float | None = time.monotonic()
        self.fleet.on_change(self._on_change)
        self.ear.transport.on_state(self._on_state)

    def open(self) -> None:
        """Start to watch; returns at once."""
        self.fleet.open()
        self.ear.transport.open()
        self._traffic.transport.open()

    def close(self) -> None:
        """Stop."""
        for one in (self._traffic.transport, self.ear.transport, self.fleet):
            one.close()

    def broker(self) -> dict[str, Any]:
        """Whether a broker is there; since when not (monotonic), and why."""
        with self._lock:
            since = self._down_since
        trouble = self.fleet.trouble or self.ear.transport.trouble
        return {"up": since is None and not trouble, "since": since, "trouble": trouble}

    # -- the network threads -----------------------------------------------------------------

    def _on_state(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        with self._lock:
            self._down_since = None if up else time.monotonic()

    def _on_change(self, name: str) -> None:
        member = self.fleet.get(name)
        if member is None:
            self.board.drop(AGENTS, name)
            self.board.drop(NEWS, name)
            return
        self.board.put(AGENTS, name, rows.of_member(member))
        if math.isfinite(member.age):
            self.board.put(NEWS, name, round(time.monotonic() - member.age, 1))
        else:
            self.board.drop(NEWS, name)

    def _on_passing(self, passing: Passing) -> None:
        what = passing.what
        if isinstance(what, Command):
            found = sky.target_of(what)
            if found is not None:
                self.targets.note(*found)
        elif isinstance(what, Report):
            self.images.note(what, passing.at)
            if what.state is Outcome.RUNNING and self._is_repeated(what.id):
                return
        self.board.tell(rows.of_passing(passing))

    def _is_repeated(self, command: str) -> bool:
        """Progress comes several times a second, and the fleet shows it anyway."""
        now = time.monotonic()
        if now - self._running.get(command, -PROGRESS) < PROGRESS:
            return True
        self._running[command] = now
        self._running.move_to_end(command)
        if len(self._running) > MOST_RUNNING:
            self._running.popitem(last=False)
        return False


def _image_folder(settings: Settings) -> Path | None:
    folder = settings.observatory.get("images")
    return Path(folder).expanduser().absolute() if isinstance(folder, str) else None
