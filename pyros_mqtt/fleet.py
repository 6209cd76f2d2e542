"""Everyone's status and about as seen from outside, with age and silence.

The rules by which claims are ordered and judged stand in `claims`; here they meet the bus.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pyros_mqtt.claims import Claim, Health, Line, Skew, Vigil, kept_for
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.topics import Topics
from pyros_mqtt.wire import decode_about, decode_status

if TYPE_CHECKING:
    from pyros_mqtt.messages import About, Status
    from pyros_mqtt.settings import Settings
    from pyros_mqtt.transport import Bus, Delivery

MAX_MEMBERS = 10_000
"""So many names a fleet keeps; whoever floods the bus with more names does not grow its reader."""

MOST_UNREADABLE = 100
"""So many names are kept whose status cannot be read."""

WATCHMAN = "alarms"
"""The usual name of whoever watches the rules of alarms, and the channel of any of that kind."""

OnChange = Callable[[str], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """One agent as its neighbours see it at one moment.

    `age` is the seconds since its last news by the reader's own clock, infinite where no claim
    with a time has come yet. `status` says what it claimed, `health` what may be believed of it.
    `skew` is the seconds by which its clock is ahead of the reader's, None where no beat has told.
    """

    name: str
    status: Status | None
    about: About | None
    age: float
    health: Health
    skew: float | None = None

    @property
    def label(self) -> str:
        """What to show people, such as `busy: goto`, `silent for 12 s`, `lost`."""
        if self.health is Health.SILENT:
            return f"silent for {self.age:.0f} s" if math.isfinite(self.age) else "silent"
        if self.health is not Health.LIVE or self.status is None:
            return self.health.value
        task = self.status.task
        remark = task.message if task is not None else self.status.detail
        return f"{self.status.state}: {remark}" if remark else self.status.state.value

    @property
    def is_watchman(self) -> bool:
        """It watches the rules of alarms: it is named so, or says that it counts them."""
        counts = self.about is not None and WATCHMAN in self.about.telemetry
        return self.name == WATCHMAN or counts


@dataclass(slots=True)
class _Record:
    """What is kept of one agent."""

    claim: Claim = field(default_factory=Claim)
    skew: Skew = field(default_factory=Skew)
    about: About | None = None


class Fleet:
    """Watches all agents under one topic root.

    All methods may be called from any thread. `clock` is the monotonic clock that ages count by.

    Attributes:
        malformed: how many payloads and topics could not be read, and were passed over.
    """

    def __init__(
        self,
        bus: Bus | None = None,
        topics: Topics | None = None,
        *,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the watch; nothing is connected before `open`.

        Args:
            bus: where to connect; by default the configured brokers.
            topics: the tree to watch; by default the configured root.
            settings: by default those of the environment and the files.
            clock: monotonic seconds.

        Raises:
            SettingsError: no broker is configured.
        """
        if bus is None or topics is None:
            bus, topics = _configured(settings, bus, topics)
        self.malformed = 0
        self._topics = topics
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._unreadable: dict[str, str] = {}
        self._vigil = Vigil()
        self._news = threading.Condition()
        self._changed: dict[str, None] = {}
        self._callbacks: list[OnChange] = []
        self._connection_changed = False
        self._up_since: float | None = None
        self._line = Line()
        client_id = topics.client_id(f"fleet-{secrets.token_hex(4)}")
        self._transport = bus.transport(client_id)
        self._transport.on_state(self._on_state)
        self._transport.on_turn(self._on_turn)
        self._transport.subscribe(topics.every("status"), self._on_status)
        self._transport.subscribe(topics.every("about"), self._on_about)
        self._transport.subscribe(topics.line, self._on_line)

    def open(self) -> None:
        """Start watching; returns at once. The first claims come when `is_up` has become true."""
        self._transport.open()

    def close(self) -> None:
        """Stop watching for good; everything is unknown from then on."""
        self._transport.close()
        with self._news:
            self._up_since = None
            self._news.notify_all()

    def __enter__(self) -> Self:
        """Open it."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def is_up(self) -> bool:
        """The fleet's own connection stands; while it does not, everyone is unknown."""
        return self._up_since is not None

    @property
    def trouble(self) -> str:
        """Why the own connection does not stand, for people; empty while it does."""
        return self._transport.trouble

    def members(self) -> tuple[Member, ...]:
        """Everyone heard of and not removed, sorted by name, judged now."""
        with self._news:
            return tuple(self._member(name) for name in sorted(self._records))

    def get(self, name: str) -> Member | None:
        """One agent, judged now; None where nobody has heard of it."""
        with self._news:
            return self._member(name) if name in self._records else None

    def unreadable(self) -> dict[str, str]:
        """Whose last status could not be read, and why; a hundred names at most."""
        with self._news:
            return dict(sorted(self._unreadable.items()))

    def on_change(self, callback: OnChange) -> None:
        """Call with an agent's name after news of it, its silence or its removal.

        The callback runs in the network thread and must be short; what it raises is logged.
        News of one agent that come together are told once. When the own connection comes or
        goes, everyone is told of.
        """
        self._callbacks.append(callback)

    def wait_until(self, predicate: Callable[[], object], timeout: float) -> bool:
        """Wait until `predicate()` is true; False when `timeout` seconds have passed first.

        It is asked again after news, silences and changes of the connection, with the fleet
        locked: let it ask this fleet and nothing that waits.
        """
        with self._news:
            return bool(self._news.wait_for(predicate, timeout))

    # -- the network thread ------------------------------------------------------------------

    def _on_state(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        with self._news:
            self._up_since = self._clock() if up else None
            if not up:
                self._line = Line()
            self._all_have_changed()

    def _on_line(self, delivery: Delivery) -> None:
        with self._news:
            if self._line.hear(delivery.payload, self._clock()):
                self._all_have_changed()

    def _on_status(self, delivery: Delivery) -> None:
        name = self._name_of(delivery)
        if name is None:
            return
        if not delivery.payload:
            self._remove(name)
            return
        try:
            status = decode_status(delivery.payload, name)
        except BadPayload as error:
            self._pass_over(delivery)
            self._note_unreadable(name, str(error))
            return
        with self._news:
            self._unreadable.pop(name, None)
            record = self._records.setdefault(name, _Record())
            wall = time.time()
            kept = kept_for(status, wall) if delivery.retain else None
            record.skew.hear(status, wall, retained=delivery.retain)
            if record.claim.hear(status, self._clock(), kept=kept):
                self._changed[name] = None
            self._expect(name, record)

    def _on_about(self, delivery: Delivery) -> None:
        name = self._name_of(delivery)
        if name is None:
            return
        try:
            about = decode_about(delivery.payload, name) if delivery.payload else None
        except BadPayload:
            self._pass_over(delivery)
            return
        with self._news:
            record = self._records.setdefault(name, _Record())
            record.about = about
            if about is None and record.claim.status is None:
                del self._records[name]
            self._changed[name] = None

    def _on_turn(self) -> None:
        with self._news:
            now = self._clock()
            for name in self._vigil.due(now):
                record = self._records.get(name)
                if record is None:
                    continue
                if record.claim.health(now, self._hears_since) is not Health.LIVE:
                    self._changed[name] = None
                self._expect(name, record)
            changed, self._changed = self._changed, {}
            if changed or self._connection_changed:
                self._connection_changed = False
                self._news.notify_all()
        for name in changed:
            self._tell(name)

    def _tell(self, name: str) -> None:
        for callback in self._callbacks:
            try:
                callback(name)
            except Exception:  # noqa: BLE001 - foreign code must not end the network thread
                _log.exception("a callback for changes of the fleet failed at %r", name)

    def _name_of(self, delivery: Delivery) -> str | None:
        address = self._topics.parse(delivery.topic)
        if address is None or (
            address.agent not in self._records and len(self._records) >= MAX_MEMBERS
        ):
            self._pass_over(delivery)
            return None
        return address.agent

    def _pass_over(self, delivery: Delivery) -> None:
        self.malformed += 1
        _log.debug("passed over on %s: %r", delivery.topic, delivery.payload[:200])

    def _note_unreadable(self, name: str, why: str) -> None:
        with self._news:
            if name in self._unreadable or len(self._unreadable) < MOST_UNREADABLE:
                self._unreadable[name] = why

    def _remove(self, name: str) -> None:
        with self._news:
            self._unreadable.pop(name, None)
            if self._records.pop(name, None) is not None:
                self._changed[name] = None

    # -- with the lock held ------------------------------------------------------------------

    @property
    def _hears_since(self) -> float | None:
        """Since when what these agents say has reached us; None while it does not."""
        return self._line.hears_since(self._up_since)

    def _all_have_changed(self) -> None:
        for name, record in self._records.items():
            self._changed[name] = None
            self._expect(name, record)
        self._connection_changed = True

    def _expect(self, name: str, record: _Record) -> None:
        self._vigil.expect(name, record.claim.next_look(self._clock(), self._hears_since))

    def _member(self, name: str) -> Member:
        record, now = self._records[name], self._clock()
        claim = record.claim
        health = claim.health(now, self._hears_since)
        skew = record.skew.seconds
        return Member(name, claim.status, record.about, claim.age(now), health, skew)


def _configured(
    settings: Settings | None, bus: Bus | None, topics: Topics | None
) -> tuple[Bus, Topics]:
    """Take what was not given from the settings."""
    from pyros_mqtt.link import Brokers

    if settings is None:
        from pyros_mqtt.settings import Settings

        settings = Settings()
    return bus or Brokers(settings), topics or Topics(settings.root)
