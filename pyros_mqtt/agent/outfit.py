"""What an agent brings into its life, and what a life calls of its agent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pyros_mqtt.daily import Almanac
from pyros_mqtt.dispatch import ActionTable, Chore
from pyros_mqtt.messages import About
from pyros_mqtt.telemetry import Channels, Follow
from pyros_mqtt.topics import Topics


class Companion(Protocol):
    """What measures beside the agent, in a thread of its own."""

    def measure_until(self, stopping: threading.Event) -> None:
        """Measure again and again until the agent stops."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """What an agent brings into its life: its name, table, channels and chores."""

    name: str
    topics: Topics
    actions: ActionTable
    measured: Channels
    chores: dict[str, tuple[Chore, Callable[[], Any]]]
    version: str
    description: str
    reads_messages_itself: bool
    followed: list[Follow] = field(default_factory=list)
    companions: list[Companion] = field(default_factory=list)

    def vocabulary(self) -> int:
        """Changes when there are new messages or channels to tell of."""
        return len(self.actions) + len(self.measured.declared)

    def about(self, journal: str) -> About:
        """What the agent understands and measures."""
        return About(
            self.name,
            version=self.version,
            description=self.description,
            messages=self.actions.infos(),
            telemetry=self.measured.declared,
            journal=journal,
        )


class Hooks(Protocol):
    """What a life calls of its agent, in the agent's thread (urgent messages: the urgent one)."""

    @property
    def almanac(self) -> Almanac | None:
        """What daily chores go by."""

    def alarm(self, name: str, severity: str, text: str) -> None:
        """Raise an alarm of the agent's own; for any thread."""

    def work(self) -> None:
        """Start the work."""

    def receive(self) -> None:
        """Run messages until the end."""

    def analyze_message(self, message: str) -> Any:
        """Run one message."""

    def shutdown(self) -> None:
        """Clean up."""
