"""What keeps metrics small, whoever floods the bus with new names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

LONGEST = 100
"""Most characters of a label."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def label(text: str) -> str:
    """Make a label of what somebody else has written: short, and nothing that cannot be printed.

    A single lone surrogate would cost Prometheus everything, since UTF-8 cannot say it.
    """
    return "".join(one if one.isprintable() else "?" for one in text[:LONGEST])


class Admission(Generic[Key]):
    """Lets the first `most` names in; one thread at a time.

    Attributes:
        left_out: how often a name had to stay outside.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: set[Key] = set()
        self.left_out = 0

    def admits(self, name: Key) -> bool:
        """Whether this one is in, or gets in."""
        if name not in self._inside:
            if len(self._inside) >= self._most:
                self.left_out += 1
                return False
            self._inside.add(name)
        return True

    def dismiss(self, name: Key) -> None:
        """Make room where this one was."""
        self._inside.discard(name)


class Recent(Generic[Key, Value]):
    """Remembers the latest `most` values by their keys; one thread at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._values)

    def __contains__(self, key: Key) -> bool:
        """Whether this one is remembered."""
        return key in self._values

    def note(self, key: Key, value: Value) -> bool:
        """Remember it, unless it is known; whether it is new."""
        if key in self._values:
            return False
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return True

    def take(self, key: Key) -> Value | None:
        """Give the value and forget it; None where it is not known."""
        return self._values.pop(key, None)
