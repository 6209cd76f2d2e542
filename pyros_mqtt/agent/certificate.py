"""An agent's own certificate, and its authority's: an alarm 30, 7 and 1 days before one ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyros_mqtt.access import expiry

if TYPE_CHECKING:
    from pyros_mqtt.agent.conversation import Conversation

ALARM = "certificate"

EVERY = 60.0
"""Seconds between two looks: the alarm is over soon after the file was replaced."""


class CertificateWatch:
    """Looks at the files; in the agent's thread.

    Args:
        agent: raises the alarm.
        name: its name, for people.
        own: its certificate.
        authority: that of who signed it; None: the system's are trusted.
    """

    def __init__(self, agent: Conversation, name: str, own: Path, authority: Path | None) -> None:
        self._agent = agent
        self._files = {own: f"its certificate; `pyros access rotate {name}` makes a new one"}
        if authority is not None:
            self._files[authority] = "its authority; begin a new one by `pyros access init`"

    def look(self) -> None:
        """Raise the alarm, raise it anew when it gets more urgent, or clear it.

        Raises:
            AccessError: a file cannot be read.
        """
        end, file = min((expiry.end_of(one), one) for one in self._files)
        left = end - time.time()
        shown, wanted = self._agent.severity_shown(ALARM), expiry.severity_of(left)
        if shown is not None and shown != wanted:
            self._agent.clear_alarm(ALARM)
        if wanted is not None:
            verb = "ends" if left > 0 else "has ended"
            when = f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC"
            text = f"{file.name} {verb} on {when}: {self._files[file]}"
            self._agent.alarm(ALARM, wanted, text, value=round(left / expiry.DAY, 1), unit="d")
