"""How often somebody may try to log in: each wrong attempt costs more time than the last."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

FREE = 3
"""Wrong attempts in a row that cost nothing: people mistype."""

LONGEST_BY_NAME = 60.0
"""Most seconds for which attempts under one name have to wait, wherever they come from."""

LONGEST_BY_ADDRESS = 900.0
"""Most seconds for which one address has to wait."""

FORGOTTEN = 3600.0
"""Seconds without an attempt after which earlier ones are forgotten."""

MOST = 10_000

_DIGITS = 40
"""Doublings after which a delay has long reached its bound."""


class TooMany(Exception):
    """It is too early for another attempt.

    Attributes:
        seconds: after which the next one is taken.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__(f"too many attempts; try again in {self.seconds} s")


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    until: float = 0.0
    last: float = 0.0


class Attempts:
    """Counts wrong attempts by name and by address. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()
        self._homes: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """Take an attempt, which counts as wrong until it has `succeeded`.

        From where somebody has logged in before she need not wait for what others try in her
        name, so nobody can shut her out.

        Raises:
            TooMany: not yet.
        """
        address, now = _network(address), time.monotonic()
        bounds = [(("address", address), LONGEST_BY_ADDRESS)]
        with self._lock:
            if (name, address) not in self._homes:
                bounds.append((("name", name), LONGEST_BY_NAME))
            counts = [(self._count(key, now), longest) for key, longest in bounds]
            left = max(count.until - now for count, _ in counts)
            if left > 0:
                raise TooMany(left)
            for count, longest in counts:
                count.wrong, count.last = count.wrong + 1, now
                count.until = now + _delay(count.wrong, longest)

    def succeeded(self, name: str, address: str) -> None:
        """Forget what was wrong before."""
        address = _network(address)
        with self._lock:
            self._counts.pop(("name", name), None)
            self._counts.pop(("address", address), None)
            self._homes[name, address] = None
            if len(self._homes) > MOST:
                self._homes.popitem(last=False)

    def _count(self, key: tuple[str, str], now: float) -> _Count:
        count = self._counts.setdefault(key, _Count())
        self._counts.move_to_end(key)
        if now - count.last > FORGOTTEN:
            count.wrong = 0
        if len(self._counts) > MOST:
            self._counts.popitem(last=False)
        return count


def _delay(wrong: int, longest: float) -> float:
    beyond = min(wrong - FREE, _DIGITS)
    return min(2.0 ** (beyond - 1), longest) if beyond > 0 else 0.0


def _network(address: str) -> str:
    """Give an address, or the network of an IPv6 one, of which one machine has many."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((read, 64), strict=False))
    return str(read)
