"""What happened in the night, as the bus told it: the demo's only source of truth."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyros_mqtt import Command, Outcome, Report
from pyros_mqtt.traffic import Passing


class Chronicle:
    """Keeps every command and report with the moment it passed, and lets others wait for one."""

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        """Begin with an empty page; `check` is called while waiting, and may raise."""
        self.check = check
        self._changed = threading.Condition()
        self.passed: list[Passing] = []
        self._commands: dict[tuple[str, str], Passing] = {}

    def note(self, passing: Passing) -> None:
        """Write down one thing; runs in the network thread."""
        with self._changed:
            self.passed.append(passing)
            if isinstance(passing.what, Command):
                key = (passing.agent, passing.what.id)
                self._commands.setdefault(key, passing)
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], Any], timeout: float) -> Any:
        """Wait until `condition` gives something true, and return that; None after `timeout`.

        What `condition` or the chronicle's `check` raise ends the wait.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := condition()):
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.check()
                self._changed.wait(min(left, 0.1))
            return found

    def command(self, agent: str, message: str, after: float = 0.0) -> Passing | None:
        """The first command of this kind that passed after `after` (POSIX seconds)."""
        for passing in self.passed:
            what = passing.what
            wanted = isinstance(what, Command) and what.message == message
            if wanted and passing.agent == agent and passing.at >= after:
                return passing
        return None

    def reports(
        self, agent: str, message: str, state: Outcome, after: float = 0.0
    ) -> list[Passing]:
        """The reports of this kind that passed after `after` (POSIX seconds)."""
        return [
            passing
            for passing in self.passed
            if passing.agent == agent
            and passing.at >= after
            and isinstance(passing.what, Report)
            and (passing.what.message, passing.what.state) == (message, state)
        ]

    def ends(self) -> dict[str, int]:
        """How many commands came to each terminal state; each command counts once."""
        ends: dict[tuple[str, str], Outcome] = {}
        for passing in self.passed:
            if isinstance(passing.what, Report) and passing.what.state.is_terminal:
                ends[passing.agent, passing.what.id] = passing.what.state
        counts = Counter(ends.values())
        return {state.value: counts[state] for state in Outcome if state.is_terminal}

    def without_end(self) -> list[str]:
        """The commands that nobody ever answered for."""
        ended = {
            (p.agent, p.what.id)
            for p in self.passed
            if isinstance(p.what, Report) and p.what.state.is_terminal
        }
        return [
            f"{passing.what} to {key[0]}"
            for key, passing in self._commands.items()
            if key[1] and key not in ended
        ]
