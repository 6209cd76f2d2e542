"""A recorded span of time, published again under another root, faster or slower."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyros_mqtt import wire
from pyros_mqtt.archive import Archive, Event
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Fate, Parcel, Transport

RETAINED = {"status", "about", "alarm"}

AT_MOST = 0.5
"""Seconds between two looks whether it is to end."""

BROKER_WITHIN = 5.0
"""Seconds until a broker that does not answer is called unreachable."""


@dataclass
class Tally:
    """What became of the messages so far."""

    said: int = 0
    dropped: int = 0


class Replay:
    """Says again what was recorded, each message at its time.

    Moments in the messages stay those of the record, but a status says when it is said: by that its
    readers judge whether an agent is alive and its clock right. What is retained is taken back at
    the end.

    Args:
        archive: where it was recorded.
        bus: where to say it.
        root: under which; another than that of the record, so that no machine moves.
        speed: 60 lets an hour pass in a minute.
        commands: say the commands, too. Whoever listens under `root` obeys them.

    Raises:
        ArchiveError: `root` is that of the record, or the speed is none.
        BadName: `root` breaks the rule for names.
    """

    def __init__(
        self,
        archive: Archive,
        bus: Bus,
        root: str,
        *,
        speed: float = 1.0,
        commands: bool = False,
    ) -> None:
        Topics(root)
        if root == archive.root:
            raise ArchiveError(
                f"the record is of {root!r}: replay it under another root, or machines would move"
            )
        if not speed > 0:
            raise ArchiveError(f"a speed of {speed} is none: 60 lets an hour pass in a minute")
        self._archive = archive
        self._root = root
        self._speed = speed
        self._commands = commands
        client = f"{root.replace('/', '-')}-replay-{secrets.token_hex(3)}"
        self._transport: Transport = bus.transport(client)
        self._kept: set[str] = set()
        self.tally = Tally()

    def play(
        self,
        start: float,
        stop: float,
        stopping: threading.Event,
        on_moment: Callable[[float], None] | None = None,
    ) -> Tally:
        """Say everything from `start` until before `stop`, POSIX seconds; returns at the end.

        Args:
            start: the first moment; nothing is waited for before the first message.
            stop: the first moment that is left out.
            stopping: ends it early.
            on_moment: told the moment of the record that has come.

        Raises:
            ArchiveError: no broker answers, or the archive fails.
        """
        self._open()
        try:
            for event in self._introductions(start):
                self._say(f"{self._root}/{event.agent}/about", event.payload)
            origin: tuple[float, float] | None = None
            for moment, event in self._archive.stream(start, stop):
                if event.branch == "inbox" and not self._commands:
                    continue
                origin = origin or (moment, time.monotonic())
                self._wait_until(origin[1] + (moment - origin[0]) / self._speed, stopping)
                if stopping.is_set():
                    break
                leaf = f"/{event.leaf}" if event.leaf else ""
                payload = _of_now(event) if event.branch == "status" else event.payload
                self._say(f"{self._root}/{event.agent}/{event.branch}{leaf}", payload)
                if on_moment is not None:
                    on_moment(moment)
        finally:
            for topic in self._kept:
                self._transport.publish(Parcel(topic, b"", retain=True))
            self._transport.close()
        return self.tally

    def _introductions(self, start: float) -> Iterable[Event]:
        """Give what each agent had told of itself before, with the units of its channels."""
        told = self._archive.events(None, {"about"}, None, start)
        return {event.agent: event for event in told}.values()

    def _open(self) -> None:
        up = threading.Event()
        self._transport.on_state(lambda is_up: up.set() if is_up else None)
        self._transport.open()
        if not self._transport.is_up and not up.wait(BROKER_WITHIN):
            why = self._transport.trouble
            self._transport.close()
            raise ArchiveError(f"no broker answers: {why}")

    def _wait_until(self, moment: float, stopping: threading.Event) -> None:
        while (left := moment - time.monotonic()) > 0 and not stopping.wait(min(left, AT_MOST)):
            pass

    def _say(self, topic: str, payload: bytes) -> None:
        branch = topic.removeprefix(f"{self._root}/").split("/")[1]
        retain = branch in RETAINED
        if retain:
            self._kept.add(topic)
        qos = 0 if branch in {"telemetry", "log"} else 1
        self.tally.said += 1
        self._transport.publish(Parcel(topic, payload, qos=qos, retain=retain), self._landed)

    def _landed(self, fate: str) -> None:
        if fate not in {Fate.TAKEN, Fate.NO_SUBSCRIBER}:
            self.tally.dropped += 1


def _of_now(event: Event) -> bytes:
    """Give a status as it is said now; a will and a bare word tell no time."""
    said = event.document
    if not said or "at" not in said:
        return event.payload
    return wire.compact(said | {"at": wire.to_rfc3339(time.time())}).encode()
