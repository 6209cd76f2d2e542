"""A rehearsal stage for those who write agents: a bus in the process, and somebody to talk to.

```python
with Rehearsal() as stage:
    stage.start(Dome(bus=stage.bus))
    assert stage.ask("dome", "open") == "open"
```
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self, TypeVar

from pyros_mqtt import wire
from pyros_mqtt.agent import Agent
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import JSON, Report, State, Status
from pyros_mqtt.sender import Receipt, Sender
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery, settings_for

AnAgent = TypeVar("AnAgent", bound=Agent)

PATIENCE = 10.0
"""Seconds that waits of a rehearsal last at most, unless told otherwise."""


class Rehearsal:
    """Agents on a bus of their own, a sender, and everyone's status and measurements at hand.

    Args:
        bus: by default a loopback in the process; `link.Brokers(...)` rehearses on real brokers.
        settings: by default those of the environment and the files, but that on a loopback nothing
            is kept: neither the journals nor the spool of this machine are touched.
    """

    def __init__(self, bus: Bus | None = None, settings: Settings | None = None) -> None:
        self.bus = bus or Loopback(settings)
        self.settings = settings or settings_for(self.bus)
        topics = Topics(self.settings.root)
        self._topics = topics
        self._agents: list[Agent] = []
        self._changed = threading.Condition()
        self._samples: dict[tuple[str, str], JSON] = {}
        self.reports: list[Report] = []
        self._ended: set[str] = set()
        self.sender = Sender("rehearsal", bus=self.bus, settings=self.settings)
        self.fleet = Fleet(self.bus, topics)
        self._ear = self.bus.transport("rehearsal-ear")
        self._ear.subscribe(f"{topics.root}/+/telemetry/+", self._hear_sample)
        self._ear.subscribe(f"{topics.root}/+/outbox/+", self._hear_report)
        self._ear.on_state(lambda _up: self._notify())
        self.fleet.on_change(lambda _name: self._notify())

    def __enter__(self) -> Self:
        """Open the stage."""
        self._ear.open()
        self.fleet.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every agent, the last one first, and close the stage."""
        for agent in reversed(self._agents):
            if agent.is_alive:
                agent.stop()
        for agent in self._agents:
            if agent.is_alive:
                agent.join(PATIENCE)
        self.sender.close()
        self.fleet.close()
        self._ear.close()

    def start(self, agent: AnAgent, *, until: State | None = State.READY) -> AnAgent:
        """Start an agent and wait until it takes commands (until None: do not wait)."""
        self._agents.append(agent)
        agent.start()
        if until is not None:
            self.wait_until(lambda: self._claims(agent.name, until))
        return agent

    def send(self, agent: str, message: str, /, **args: JSON) -> Receipt:
        """Send a message; returns once it has been accepted."""
        return self.sender.send_to(agent, message, args=args)

    def ask(self, agent: str, message: str, /, *, timeout: float = PATIENCE, **args: JSON) -> JSON:
        """Send a message and return its result.

        What the action measured on its way is known then: see `latest`.
        """
        receipt = self.sender.post(agent, message, args)
        try:
            return receipt.result(timeout)
        finally:
            if receipt.report is not None and receipt.is_ended:
                self.wait_until(lambda: receipt.command.id in self._ended)

    def latest(self, agent: str, channel: str) -> JSON:
        """The latest measured value of a channel; None where there is none."""
        return self._samples.get((agent, channel))

    def status(self, agent: str) -> Status:
        """The latest status of an agent.

        Raises:
            LookupError: it has none.
        """
        member = self.fleet.get(agent)
        if member is None or member.status is None:
            raise LookupError(f"{agent} has no status")
        return member.status

    def wait_until(self, condition: Callable[[], object], timeout: float = PATIENCE) -> None:
        """Wait until something is true; looked at whenever anything happens on the bus.

        Raises:
            TimeoutError: it has not come true.
        """
        with self._changed:
            deadline = time.monotonic() + timeout
            while not condition():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not true within {timeout} s")
                # what happens off the bus is noticed within a twentieth of a second
                self._changed.wait(0.05)

    def _claims(self, agent: str, state: State) -> bool:
        member = self.fleet.get(agent)
        return member is not None and member.status is not None and member.status.state is state

    def _hear_sample(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is not None:
            for sample in wire.decode_samples(delivery.payload, 0.0):
                self._samples[address.agent, address.leaf] = sample.value
        self._notify()

    def _hear_report(self, delivery: Delivery) -> None:
        report = wire.decode_report(delivery.payload)
        self.reports.append(report)
        if report.state.is_terminal:
            self._ended.add(report.id)
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
