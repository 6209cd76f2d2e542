"""When an order is given, and given again: at once, while it is not obeyed, but not for ever."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Insistence:
    """One order that may have to be repeated; times are sky seconds.

    Whether it is obeyed is measured, not concluded from an answer. After `most` orders without
    effect a person is needed, not one more try.

    Attributes:
        pause: seconds between two orders.
        most: how often it is given.
        has_given_up: the last order has had its time, and is not obeyed.
    """

    pause: float = 60.0
    most: int = 5
    has_given_up: bool = False
    _is_wanted: bool = False
    _given: int = 0
    _last: float = 0.0

    def begin(self) -> None:
        """Want it, from the first order on."""
        self._is_wanted, self._given, self.has_given_up = True, 0, False

    def end(self) -> None:
        """Want it no more."""
        self._is_wanted, self.has_given_up = False, False

    def step(self, now: float, *, is_obeyed: bool) -> bool:
        """Say whether to give the order now. The first one is given even if it seems needless."""
        if is_obeyed and (self._given or not self._is_wanted):
            self.end()
        if not self._is_wanted or (self._given and 0.0 <= now - self._last < self.pause):
            return False
        if self._given >= self.most:
            self._is_wanted, self.has_given_up = False, True
            return False
        self._given, self._last = self._given + 1, now
        return True
