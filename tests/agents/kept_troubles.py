"""What an agent without a bus complains of, kept for its test."""

from __future__ import annotations

from pyros_mqtt import Agent


class KeptTroubles(Agent):
    """Keeps in `troubles` what it is degraded or at fault by, and about what."""

    troubles: dict[str, str]

    def fault(self, reason: str, about: str = "") -> None:
        self.troubles[about] = f"fault: {reason}"

    def degrade(self, reason: str, about: str = "") -> None:
        self.troubles[about] = f"degraded: {reason}"

    def recover(self, about: str = "") -> None:
        self.troubles.pop(about, None)
