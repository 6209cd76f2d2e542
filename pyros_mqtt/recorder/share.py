"""Which agents a recorder listens to, where several share the work."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from pyros_mqtt.errors import AgentError
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Delivery, Handler, Transport


@dataclass(frozen=True, slots=True)
class Share:
    """The part `number` (from 1) of `parts`: an agent always falls to the same one."""

    number: int = 1
    parts: int = 1

    @classmethod
    def of(cls, words: str) -> Share:
        """Read `1/2`, or nothing for the whole.

        Raises:
            AgentError: it is no such share.
        """
        found = re.fullmatch(r"([1-9]\d{0,2})/([1-9]\d{0,2})", words or "1/1")
        if found is None or int(found[1]) > int(found[2]):
            raise AgentError(f"share={words!r}: say which part of how many, such as 1/2")
        return cls(int(found[1]), int(found[2]))

    def has(self, agent: str) -> bool:
        """Whether an agent falls into this share."""
        return zlib.crc32(agent.encode()) % self.parts == self.number - 1


class Ear:
    """Listens to everything of the agents of a share.

    Agents of a share are found by the status that each has retained, through `scout`, a second
    connection; without a share one subscription covers them all.
    """

    def __init__(
        self, share: Share, topics: Topics, ear: Transport, scout: Transport, hear: Handler
    ) -> None:
        self._share = share
        self._topics = topics
        self._transports = (ear,) if share.parts == 1 else (ear, scout)
        self._hear = hear
        self._known: set[str] = set()
        self.transport = ear
        if share.parts == 1:
            ear.subscribe(f"{topics.root}/+/#", hear)
        else:
            scout.subscribe(topics.every("status"), self._meet)

    def open(self) -> None:
        """Start to listen."""
        for one in self._transports:
            one.open()

    def close(self) -> None:
        """Stop."""
        for one in self._transports:
            one.close(0.5)

    @property
    def trouble(self) -> str:
        """Why nothing is heard."""
        return next((one.trouble for one in self._transports if not one.is_up), "")

    def _meet(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is None or address.agent in self._known:
            return
        self._known.add(address.agent)
        if self._share.has(address.agent):
            self.transport.subscribe(f"{self._topics.root}/{address.agent}/#", self._hear)
