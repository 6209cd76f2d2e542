"""Orders that the scheduler has not taken yet, in the order in which they came."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyros_agents.memory import Memory


@dataclass(frozen=True, slots=True)
class Order:
    """A message to the scheduler."""

    message: str
    args: dict[str, Any]


class OrderBook:
    """One order for each event, the sum of those that came; one thread uses it.

    Attributes:
        trouble: why an order would not outlive this process, for people; ``""`` where it would.
    """

    def __init__(self, memory: str | Path | None = None) -> None:
        """Begin with an empty book; with a file as `memory`, `recall` finds the one before."""
        self.trouble = ""
        self._memory = Memory(memory)
        self._orders: dict[str, Order] = {}

    def __bool__(self) -> bool:
        """Whether an order waits."""
        return bool(self._orders)

    def waiting(self) -> list[tuple[str, Order]]:
        """List events and their orders."""
        return list(self._orders.items())

    def recall(self) -> None:
        """Take over what waited in the life before.

        Raises:
            OSError, ValueError, TypeError: it cannot be read.
        """
        for event, table in self._memory.read().items():
            self._orders[event] = Order(**table)

    def enter(self, event: str, order: Order) -> None:
        """Let an order wait; a later one for the same event goes to the end.

        An update of what has not been observed yet stays an order to observe, at the new place.
        """
        before = self._orders.pop(event, None)
        if before is not None and (before.message, order.message) == ("observe", "update"):
            order = Order("observe", before.args | order.args)
        self._orders[event] = order
        self._write()

    def strike(self, event: str) -> None:
        """The order for an event waits no more."""
        if self._orders.pop(event, None) is not None:
            self._write()

    def _write(self) -> None:
        try:
            self._memory.write({event: asdict(order) for event, order in self._orders.items()})
            self.trouble = ""
        except OSError as error:
            self.trouble = f"orders would not outlive a restart: {error}"
