"""Who still has to close or park at the end of a night, and when to tell them again."""

from __future__ import annotations

from collections.abc import Collection

LONGEST = 60
"""To how many times the first one the pause between two attempts grows at most."""


class ClosingUp:
    """Keeps book of a crew's end of work; each obeys, or fails, on its own.

    Who has obeyed is left alone until the next evening, since by day people work there; who has
    not is told again for as long as it is day, in pauses that grow. One thread uses it.

    Args:
        agents: the names of those who close or park.
    """

    def __init__(self, agents: Collection[str]) -> None:
        """Begin by day, perhaps after another life that has left something open."""
        self._agents = frozenset(agents)
        self._failures = 0
        self.left = self._agents
        self.is_new = True
        """It has not looked around yet."""

    @property
    def is_done(self) -> bool:
        """All have obeyed, or were found in order by a life that began by day."""
        return not self.left

    def evening(self) -> None:
        """Have everyone told anew when the night is over."""
        self.left, self._failures, self.is_new = self._agents, 0, False

    def look_around(self, in_order: Collection[str]) -> None:
        """Take note of whom a life that has begun by day finds closed or parked."""
        self.left -= frozenset(in_order)
        self.is_new = False

    def obeyed(self, agents: Collection[str]) -> None:
        """Leave these alone."""
        self.left -= frozenset(agents)

    def failed(self) -> int:
        """Count a failure; returns how many times the usual pause is due."""
        self._failures += 1
        return min(1 << min(self._failures - 1, 16), LONGEST)
