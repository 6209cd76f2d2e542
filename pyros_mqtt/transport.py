"""The protocol that `link` (MQTT) and `loopback` (tests) keep: publish, subscribe, state.

Handlers and callbacks run in the transport's own thread, the network thread, one at a time; only
`on_fate` may come in the thread that publishes. They must be short, and none is ever user code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came from the broker. `expiry` is seconds (MQTT 5)."""

    topic: str
    payload: bytes
    retain: bool = False
    correlation: bytes | None = None
    expiry: int | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way to the broker.

    `keep`: hold it through an outage until the broker has it (QoS 1 only); otherwise it is
    dropped while there is no connection, because its owner says it again or it has aged.
    `may_linger`: it may wait a moment for what follows soon, to leave together with it.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    keep: bool = False
    correlation: bytes | None = None
    may_linger: bool = False


class Fate:
    """What became of a parcel, as far as the broker tells. An acknowledgement is no delivery."""

    TAKEN = "taken"
    """The broker has it."""
    NO_SUBSCRIBER = "no-subscriber"
    """The broker has it and nobody listens to its topic (told by MQTT 5 only)."""
    REFUSED = "refused"
    """The broker's rules do not allow it (told by MQTT 5 only)."""
    TOO_LARGE = "too-large"
    """Over the broker's packet limit; sending it would cost the connection."""
    DROPPED = "dropped"
    """It was never sent: no connection, or the backlog is full."""
    IN_DOUBT = "in-doubt"
    """It was sent (QoS 1), and the connection broke before the broker said anything."""


Handler = Callable[[Delivery], None]
OnFate = Callable[[str], None]


class Transport(Protocol):
    """One connection to a bus, under one client id."""

    @property
    def is_up(self) -> bool:
        """Connected, and every subscription confirmed."""

    @property
    def trouble(self) -> str:
        """Why it is not up, for people; empty while it is."""

    def open(self, will: Parcel | None = None) -> None:
        """Start connecting, and go on for ever until closed. Returns at once.

        `will` is what the broker publishes when the connection breaks without a goodbye.
        """

    def close(self, timeout: float = 2.0) -> None:
        """Send what waits, disconnect cleanly (so no will fires), end the thread."""

    def publish(self, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        """Queue one parcel, from any thread.

        `on_fate` is called once with one of `Fate`: in the network thread, or at once in this one,
        where there is no connection or what is not acknowledged has left. It must not block.
        """

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Listen, at QoS 1 and again after each reconnection.

        Raises:
            ValueError: the pattern overlaps one that is listened to already, so that a broker
                may deliver one message twice.
        """

    def unsubscribe(self, pattern: str) -> None:
        """Stop listening."""

    def on_state(self, callback: Callable[[bool], None]) -> None:
        """Call with True after each connection (subscriptions confirmed), False after its loss."""

    def guard(self, may_return: Callable[[], bool | None], evicted: Callable[[str], None]) -> None:
        """Ask before coming back after a lost connection, whose client id may have a new owner.

        `may_return` may block; None means that it could not tell, and is to be asked again.
        `evicted` is told in words for people where somebody else throws us out again and again,
        so that the connection goes on under another client id.
        """

    def on_turn(self, callback: Callable[[], None], *, vouches: bool = False) -> None:
        """Call after each batch of deliveries, before they are acknowledged, and every 0.1 s.

        They are not acknowledged where a callback that `vouches` for them has failed.
        """


class Bus(Protocol):
    """Where transports come from: the configured brokers, or the loopback of a test."""

    def transport(self, client_id: str) -> Transport:
        """Make one connection; it is opened by its user."""


@runtime_checkable
class Secluded(Protocol):
    """A bus that ends with its process, and touches nothing of the machine's observatory."""

    @property
    def settings(self) -> Settings:
        """Those of whoever comes without any."""


def settings_for(bus: Bus | Secluded | None) -> Settings:
    """Give the settings of somebody who was given none: the bus's own, or those of the machine.

    Raises:
        SettingsError: they are wrong.
    """
    if isinstance(bus, Secluded):
        return bus.settings
    from pyros_mqtt.settings import Settings

    return Settings()
