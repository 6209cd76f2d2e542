"""An accepted command on its way to its action."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from pyros_mqtt.dispatch import Action
from pyros_mqtt.messages import Command


@dataclass(slots=True, eq=False)
class Ticket:
    """An accepted command on its way to its action.

    `arrived` and `told`, when progress was last reported, are monotonic seconds.
    """

    command: Command
    action: Action | None
    arguments: dict[str, Any]
    arrived: float
    lifetime: float | None
    cancelled: threading.Event = field(default_factory=threading.Event)
    why: str = ""
    told: float = float("-inf")

    @property
    def is_urgent(self) -> bool:
        """It overtakes what waits."""
        return self.command.urgent or bool(self.action and self.action.rules.urgent)

    def is_late(self) -> bool:
        """Its deadline has passed, by the wall clock or by the time since it arrived."""
        deadline, lifetime = self.command.deadline, self.lifetime
        if deadline is not None and time.time() > deadline:
            return True
        return lifetime is not None and time.monotonic() - self.arrived > lifetime

    def cancel(self, why: str) -> None:
        """Ask it to end; it does so at its next checkpoint."""
        self.why = self.why or why
        self.cancelled.set()
