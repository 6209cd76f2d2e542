"""What the service manager (systemd, a container's engine) has told this process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LIFE_FILE = "PYROS_LIFE_FILE"
"""Names the file; for containers, whose engines ask by running a command."""

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", LIFE_FILE)
"""They are meant for one process only; a child must not inherit them."""


@dataclass(frozen=True, slots=True)
class Service:
    """How to talk to it.

    Attributes:
        address: the socket that wants to hear how we are; empty where there is none.
        watchdog: seconds within which it wants a sign of life; None where it wants none.
        life_file: the file whose age and text tell it how we are; None where there is none.
    """

    address: str = ""
    watchdog: float | None = None
    life_file: Path | None = None

    @classmethod
    def of_environment(cls) -> Service:
        """Read what systemd sets: sd_notify(3) and sd_watchdog_enabled(3) say how."""
        is_meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        has_watchdog = is_meant and microseconds.isdigit() and int(microseconds) > 0
        file = os.environ.get(LIFE_FILE, "")
        return cls(
            os.environ.get("NOTIFY_SOCKET", ""),
            int(microseconds) / 1e6 if has_watchdog else None,
            Path(file) if file else None,
        )
