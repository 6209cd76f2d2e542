"""When an agent that has ended is started again: pure, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass

EXIT_MISCONFIGURED = 2
"""`pyros run` ends with this where the agent could not be made of its class and options."""

EXIT_NAME_TAKEN = 4
"""`pyros run` ends with this where another live agent holds the name."""

FIRST = 1.0
"""Seconds before the first restart; each further one waits twice as long."""

LONGEST = 60.0
"""Most seconds between two starts of an agent that fails."""

QUIET = 60.0
"""Seconds that an agent has to live for its earlier failures to be forgotten."""

SLOW = 30.0
"""Seconds to wait where only a person, or somebody else's end, can mend it."""

_DOUBLINGS = 16


@dataclass(slots=True)
class Pauses:
    """The pauses between the lives of one agent. All times are seconds.

    Attributes:
        failures: how often it has failed lately.
        longest: the most that a failing agent is paused.
    """

    failures: int = 0
    longest: float = LONGEST

    def after(self, code: int, lived: float) -> float | None:
        """How long to wait after an end with exit code `code`; None: it was meant to end."""
        if code == 0:
            return None
        if lived >= QUIET:
            self.failures = 0
        if code in {EXIT_MISCONFIGURED, EXIT_NAME_TAKEN}:
            return SLOW
        pause = min(self.longest, FIRST * 2.0 ** min(self.failures, _DOUBLINGS))
        self.failures += 1
        return pause
