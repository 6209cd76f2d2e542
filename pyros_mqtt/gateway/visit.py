"""One connection of an old sender, from its first byte to its answer."""

from __future__ import annotations

import contextlib
import socket

from pyros_mqtt.gateway.answers import as_bytes
from pyros_mqtt.gateway.framing import Framing, Lines, OneRead
from pyros_mqtt.settings import OldSocket


class Visit:
    """A sender that has connected. For the gateway's thread alone. Times are monotonic seconds.

    Attributes:
        sock: its socket.
        agent: to whom it writes.
        section: what the configuration says of that agent's socket.
        peer: the sender's name.
        since: since when nothing whole has come from it, or it waits for its answers.
        heard: messages that have come.
        owed: answer lines that have to come yet.
        trouble: how the connection broke; empty where it did not.
        is_watched: its socket is looked at for more to read.
    """

    def __init__(
        self, sock: socket.socket, agent: str, section: OldSocket, peer: str, now: float
    ) -> None:
        sock.settimeout(0)
        self.sock = sock
        self.agent = agent
        self.section = section
        self.peer = peer
        self.since = now
        self.heard = 0
        self.owed = 0
        self.trouble = ""
        self.is_watched = False
        size = section.buffer_size
        self.framing: Framing = Lines(size) if section.framing == "line" else OneRead()

    @property
    def is_read(self) -> bool:
        """Nothing more is read."""
        return bool(self.trouble) or self.framing.is_over

    @property
    def is_over(self) -> bool:
        """Nothing more is read, and nothing has to be answered."""
        return bool(self.trouble) or (self.framing.is_over and not self.owed)

    def read(self, now: float) -> list[bytes]:
        """Read once, as far as something is there, and give the messages that became whole."""
        try:
            data = self.sock.recv(self.section.buffer_size)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return []
        whole = self.framing.take(data)
        self.heard += len(whole)
        if whole or self.framing.is_over:
            self.since = now
        return whole

    def wasted(self) -> int:
        """Count the bytes that have come and are not read, as far as one look tells."""
        if isinstance(self.framing, OneRead) and self.framing.is_over and not self.trouble:
            with contextlib.suppress(OSError):
                self.framing.take(self.sock.recv(65536))
        return self.framing.waste

    def say(self, line: str) -> None:
        """Write an answer line; one who does not read it is not waited for."""
        text = as_bytes(line)
        try:
            if self.sock.send(text) < len(text):
                self.trouble = "the answer was not read"
        except OSError as error:
            self.trouble = f"the answer could not be written: {error.strerror or error}"
