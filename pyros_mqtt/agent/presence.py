"""What the bus sees of an agent that lives: its beats, and what it understands.

It runs in the network thread, but for `begin` and `introduce`: those are for the agent's.
"""

from __future__ import annotations

import logging
import time

from pyros_mqtt.agent.outfit import Outfit
from pyros_mqtt.agent.tenure import Tenure
from pyros_mqtt.condition import Condition
from pyros_mqtt.inbox import Inbox
from pyros_mqtt.messages import State
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.transport import Delivery


class Presence:
    """Keeps the agent's status and about on the bus as they are.

    Args:
        journal: the kind of journal it keeps, which is part of the about.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that others see of an agent comes together here
        self,
        outfit: Outfit,
        outbox: Outbox,
        inbox: Inbox,
        condition: Condition,
        tenure: Tenure,
        journal: str,
    ) -> None:
        self._outfit = outfit
        self._outbox = outbox
        self._inbox = inbox
        self._condition = condition
        self._tenure = tenure
        self._journal = journal
        self._introduced = -1
        self._log = logging.getLogger(f"pyros.{outfit.name}")
        self.pulse: float | None = None
        """When the network thread has last come by, in monotonic seconds; for any thread. None
        before it runs: without a broker at the start, an agent works before it has a connection."""

    def begin(self) -> None:
        """The network thread is about to run."""
        self.pulse = time.monotonic()

    def tick(self) -> None:
        """A turn of the network thread: say what is due."""
        self.pulse = time.monotonic()
        known = self._introduced == self._outfit.vocabulary()
        if self._condition.life is State.READY and not known:
            self.introduce()
        self._outbox.waiting = self._inbox.waiting
        self._outbox.dropped = self._outfit.measured.dropped
        if not self._tenure.is_lost:
            self._outbox.tick()

    def introduce(self) -> None:
        """Say what the agent understands and measures; for any thread."""
        self._introduced = self._outfit.vocabulary()
        self._outbox.introduce(self._outfit.about(self._journal))

    def defend_about(self, delivery: Delivery) -> None:
        """Say it again where somebody has written over it."""
        if not self._outbox.is_our_about(delivery.payload):
            self.introduce()

    def connected(self) -> None:
        """There is a new connection, to a broker that may have forgotten everything."""
        self._log.info("connected")
        self._outbox.greet()
