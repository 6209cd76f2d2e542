"""An agent's place on a bus, where it is started again and again, and a sender that keeps books."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from pyros_mqtt import Receipt, Sender, Settings
from pyros_mqtt.errors import SendError
from pyros_mqtt.messages import Command
from pyros_mqtt.settings import BrokerUrl
from tests.faults.harness import Setting
from tests.faults.history import Event, Reader, What
from tests.faults.processes import FreshProcess, Process, environment

R = TypeVar("R")

PATIENCE = 60.0
"""Seconds in which what has to happen has happened, on a machine with much other work."""

END = 30.0
"""Seconds in which a command has come to an end that can come to one."""


class Site:
    """One agent under test: its folder, its history, and whichever process plays it now.

    Args:
        more: settings of its processes, as `PYROS_*` variables.
    """

    def __init__(self, setting: Setting, url: BrokerUrl, root: str, name: str, **more: str) -> None:
        self.name = name
        self.folder = setting.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.notes = Reader(self.folder / "notes")
        self._environment = environment(setting, url, root, self.folder / "state", **more)
        self.process: Process | None = None

    def start(self, *, fresh: bool = False, **more: str) -> Process:
        """Start the agent, in an interpreter of its own where it is `fresh`; returns at once."""
        kind = FreshProcess if fresh else Process
        words = ("agent", self.name, str(self.notes.path))
        self.process = kind(self._environment | more, *words)
        return self.process

    def start_ready(self, *, fresh: bool = False, **more: str) -> Process:
        """Start the agent, and wait until it takes commands."""
        process = self.start(fresh=fresh, **more)
        self.until_ready()
        return process

    def until_ready(self) -> None:
        """Wait until the process that was started last takes commands."""
        assert self.process is not None
        pid = self.process.pid
        ready = self.notes.until(lambda events: was_ready(events, pid), PATIENCE)
        assert ready, f"{self.name} has not become ready: see {self.folder}"

    def __enter__(self) -> Self:
        """Use it for one block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self.kill()

    def kill(self) -> None:
        """Kill what runs."""
        if self.process is not None:
            self.process.kill()


def was_ready(events: list[Event], pid: int) -> bool:
    """Whether this process has come to take commands."""
    return any(event.what == "ready" and event.pid == pid for event in reversed(events))


class Bookkeeper:
    """A healthy sender in this process, that notes what it sends and hears.

    Args:
        more: settings besides.
    """

    def __init__(
        self, url: BrokerUrl, root: str, folder: Path, name: str = "ops", **more: Any
    ) -> None:
        own = {"brokers": (url,), "root": root, "state_dir": folder / name}
        settings = Settings(**(own | more))
        self.sender = Sender(name, settings=settings)
        self._books: dict[str, list[Event]] = {}

    def close(self) -> None:
        """End the connection."""
        self.sender.close()

    def book(self, agent: str) -> list[Event]:
        """What was sent to one agent, and what it has said."""
        return list(self._books.get(agent, []))

    def post(
        self, agent: str, message: str, key: str, seconds: float = 0.0, ttl: float = 60.0
    ) -> Receipt:
        """Send a command whose fate is noted; returns at once."""
        now = time.monotonic()
        receipt = self.sender.post(agent, message, {"key": key, "seconds": seconds}, ttl=ttl)
        self._note("sent", key, receipt.command, now, deadline=now + ttl)
        receipt.watch(self._hear)
        return receipt

    def repeat(self, command: Command) -> Receipt:
        """Send a command again, as it is."""
        receipt = self.sender._voice.send(command)
        receipt.watch(self._hear)
        return receipt

    def _hear(self, receipt: Receipt) -> None:
        if receipt.report is None:
            return
        state = receipt.report.state
        what: What = "ended" if state.is_terminal else "accepted"
        key = str(receipt.command.args["key"])
        self._note(what, key, receipt.command, time.monotonic(), state=state.value)

    def _note(  # noqa: PLR0913, PLR0917 - what an event is made of
        self,
        what: What,
        key: str,
        command: Command,
        at: float,
        deadline: float | None = None,
        state: str = "",
    ) -> None:
        event = Event(
            what, key, at, command.id, command.sender, command.agent, deadline, state=state
        )
        self._books.setdefault(command.agent, []).append(event)


def await_end(receipt: Receipt, timeout: float = END) -> str:
    """Wait for the end of a command; the state that it has come to."""
    with contextlib.suppress(SendError):
        receipt.result(timeout)
    return receipt.state


@contextlib.contextmanager
def bookkeeping(url: BrokerUrl, root: str, folder: Path) -> Iterator[Bookkeeper]:
    """A bookkeeper for the while of a block."""
    with contextlib.closing(Bookkeeper(url, root, folder)) as keeper:
        yield keeper


def side_by_side(call: Callable[[int], R], numbers: range) -> list[R]:
    """Call with each number, at the same time: what is under test mostly waits."""
    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(call, numbers))
