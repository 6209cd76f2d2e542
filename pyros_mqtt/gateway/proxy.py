"""An agent that stands in for one that still lives on its old TCP socket."""

from __future__ import annotations

import socket
import time
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.agent import Agent
from pyros_mqtt.dispatch import every
from pyros_mqtt.errors import ActionFailed
from pyros_mqtt.messages import ALWAYS_URGENT, Command, State
from pyros_mqtt.settings import OldSocket

CONNECT = 3.0
"""Seconds to wait for the old socket to take a connection."""

ANSWER = 5.0
"""Seconds to wait for its answer, where it gives one and the section does not say."""

FAULTY = 3
"""So many tries in a row have to fail until it takes a person."""


class Proxy(Agent):
    """Writes each message to an old TCP socket as PyROS did: connect, send, close.

    It takes every message; arguments follow in their text form, `goto ra=83.633 dec=22.014`.
    """

    def __init__(self, name: str, section: OldSocket, **options: Any) -> None:
        """Stand in for the agent `name`, whose socket is at `section.ip`, `receive_port`."""
        super().__init__(name, **options)
        self._section = section
        self._failures = 0
        self._probe_at = 0.0
        for message in ALWAYS_URGENT:
            self.actions_by_message[message] = self._forward

    def analyze_message(self, message: str) -> str | None:
        """Write the message; returns the answer line, where one is configured."""
        return self._forward(self.command or Command(self.name, message))

    def _forward(self, message: Command) -> str | None:
        text = wire.write_text(message.message, message.args)
        data = bytes(text, "UTF-8")
        if len(data) > self._section.buffer_size:
            raise ActionFailed(
                f"{len(data)} bytes are more than the {self._section.buffer_size} that "
                f"{self.name} reads at once (buffer_size)"
            )
        try:
            with self._connection() as old:
                old.sendall(data)
                self._answers()
                return self._answer(old) if self._section.answer != "none" else None
        except OSError as error:
            raise ActionFailed(self._refuses(error)) from None

    def _connection(self) -> socket.socket:
        place = (self._section.ip, self._section.receive_port or 0)
        return socket.create_connection(place, timeout=CONNECT)

    def _answer(self, old: socket.socket) -> str:
        timeout = self._section.timeout or ANSWER
        if timeout > ANSWER:
            self.progress(text="waits for its answer", patience=timeout + CONNECT)
        old.settimeout(timeout)
        try:
            answer = old.recv(self._section.buffer_size).decode(errors="replace").strip()
        except TimeoutError:
            raise ActionFailed(f"it was written, but not answered within {timeout:g} s") from None
        if not answer:
            raise ActionFailed("it was written, but the connection was closed without an answer")
        return answer

    # -- status -------------------------------------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        """It has its name and takes messages; for any thread."""
        return self._alive.condition.life is State.READY

    @every(seconds=1)
    def look(self) -> None:
        """Try the port, unless that was done lately; the status tells whether it answers."""
        now = time.monotonic()
        if not self._section.probe or now < self._probe_at:
            return
        self._probe_at = now + (1.0 if self._failures else self._section.probe)
        try:
            self._connection().close()
        except OSError as error:
            self._refuses(error)
        else:
            self._answers()

    def _answers(self) -> None:
        self._failures = 0
        self._probe_at = time.monotonic() + self._section.probe
        self.recover("socket")
        self.recover("port")

    def _refuses(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        text = f"the old socket of {self.name} at {self._section.place} does not answer: {reason}"
        self._failures += 1
        if self._failures < FAULTY:
            self.degrade(text, "socket")
        else:
            self.fault(text, "port")
            self.recover("socket")
        return text
