"""Bytes of a connection -> messages: as PyROS's receiver read them, or line by line. Pure."""

from __future__ import annotations

from typing import Protocol


class Framing(Protocol):
    """Cuts what one connection says into messages.

    Attributes:
        is_over: no further message is taken.
        waste: bytes that became no message.
    """

    is_over: bool
    waste: int

    def take(self, data: bytes) -> list[bytes]:
        """Give the messages that end with these bytes; empty `data` is the end."""


class OneRead:
    """PyROS's receiver: `conn.recv(buffer_size)`, once; that is the message."""

    def __init__(self) -> None:
        self.is_over = False
        self.waste = 0

    def take(self, data: bytes) -> list[bytes]:
        """Give what the first read brought."""
        if self.is_over:
            self.waste += len(data)
            return []
        self.is_over = True
        return [data] if data else []


class Lines:
    """A message a line, at most `limit` bytes long; the last one may lack its end."""

    def __init__(self, limit: int) -> None:
        self.is_over = False
        self.waste = 0
        self._limit = limit
        self._begun = b""

    @property
    def begun(self) -> int:
        """Bytes of a line that has not ended yet."""
        return len(self._begun)

    def take(self, data: bytes) -> list[bytes]:
        """Give the lines that end here; one that is too long ends the connection."""
        if not data:
            self.is_over = True
            last, self._begun = self._begun, b""
            return [last] if last.strip() else []
        *whole, self._begun = (self._begun + data).split(b"\n")
        lines: list[bytes] = []
        for line in whole:
            if len(line) > self._limit:
                return self._give_up(lines, line)
            if line.strip():
                lines.append(line)
        return self._give_up(lines, self._begun) if len(self._begun) > self._limit else lines

    def _give_up(self, lines: list[bytes], line: bytes) -> list[bytes]:
        self.is_over = True
        self.waste += len(line)
        self._begun = b""
        return lines
