"""Who connects and how, and whom a connection tells what comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyros_mqtt.link.credentials import Credentials
from pyros_mqtt.transport import Delivery, Parcel


@dataclass(frozen=True, slots=True)
class Access:
    """Who connects, and how: client id, password, certificates, keep-alive in seconds, will.

    `listen_qos` is that of every subscription.
    """

    client_id: str
    username: str | None = None
    password: str | None = None
    credentials: Credentials | None = None
    keepalive: int = 10
    listen_qos: int = 1
    will: Parcel | None = None


class Events(Protocol):
    """What a connection tells its link, always in the network thread."""

    def arrived(self, delivery: Delivery, mid: int) -> None:
        """A message came; `mid` is 0 where it needs no acknowledgement."""

    def landed(self, mid: int, fate: str) -> None:
        """The broker acknowledged a publication."""

    def confirmed(self, mid: int, refused: bool) -> None:  # noqa: FBT001 - an event's value
        """The broker answered a subscription."""
