"""What is to be measured, as a process is told it. Only the standard library: it runs anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DIGITS = 10
"""A payload begins with its number, in so many digits."""

OUTSTANDING_BYTES = 16 * 1024 * 1024
"""What may be between writer and reader: a quarter of what the broker holds for a reader."""

PATIENCE = 60.0
"""Seconds for anything that ought to come."""

Told = dict[str, Any]
"""What a process has found, as it goes over its standard output."""


@dataclass(frozen=True)
class Job:
    """What is to be measured. Numbers below `warmup` are sent and counted, and not timed."""

    place: dict[str, Any] = field(default_factory=dict)
    count: int = 1000
    warmup: int = 100
    size: int = 100
    qos: int = 1
    window: int = 100
    ahead: int = 5000
    flow: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many messages there are, with those that warm up."""
        return self.warmup + self.count

    @property
    def most_ahead(self) -> int:
        """How many messages the writer may be ahead of the reader, so that no queue overflows."""
        return max(2, min(self.ahead, OUTSTANDING_BYTES // self.size))

    def text(self, number: int) -> str:
        """The payload of a number as text, `size` characters long."""
        return f"{number:0{DIGITS}d}".ljust(self.size, "x")

    def payload(self, number: int) -> bytes:
        """The payload of a number."""
        return self.text(number).encode()


def number_of(payload: bytes | str) -> int:
    """Read a payload's number."""
    return int(payload[:DIGITS])
