"""Tells the service manager how this process is.

systemd hears it in the words of sd_notify(3); a container's engine finds it in a file.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyros_mqtt.settings import Service

log = logging.getLogger(__name__)

LONGEST = 200
"""Most characters of a status text: it is one line of `systemctl status`."""

FILE_PAUSE = 10.0
"""Seconds between two signs of life in a file; who asks calls us hung after a minute."""


class ServiceManager:
    """Says how we are; where nobody asked, it costs nothing. For any thread; nothing is raised.

    Args:
        service: how to talk to it, by default as the environment says.
    """

    def __init__(self, service: Service | None = None) -> None:
        if service is None:
            from pyros_mqtt.settings import Service

            service = Service.of_environment()
        self._service = service
        self._told = ""

    @property
    def pause(self) -> float | None:
        """Seconds between two signs of life, half of what is asked; None where none is."""
        asked = self._service.watchdog and self._service.watchdog / 2
        if self._service.life_file is None:
            return asked
        return min(FILE_PAUSE, asked or FILE_PAUSE)

    def ready(self) -> None:
        """The start is over."""
        self._say("READY=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """A sign of life, for its watchdog."""
        self._say("WATCHDOG=1")
        self._note(self._told)

    def status(self, text: str) -> None:
        """How we are, for people; nothing is sent while it stays the same."""
        # what an undecodable file name was shown as cannot be written
        line = " ".join(text.encode(errors="replace").decode().split())[:LONGEST]
        if line != self._told:
            self._told = line
            self._say(f"STATUS={line}")
            self._note(line)

    def _say(self, line: str) -> None:
        address = self._service.address
        if not address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.settimeout(1.0)
                way.connect("\0" + address[1:] if address.startswith("@") else address)
                way.send(line.encode())
        except OSError as error:
            log.debug("the service manager at %s did not hear %r: %s", address, line, error)

    def _note(self, line: str) -> None:
        file = self._service.life_file
        if file is None:
            return
        try:
            # Replaced, so that who looks in this moment does not find it empty.
            part = file.with_name(f"{file.name}.part")
            part.write_text(f"{line}\n", "utf-8")
            part.replace(file)
        except OSError as error:
            log.debug("no sign of life in %s: %s", file, error)
