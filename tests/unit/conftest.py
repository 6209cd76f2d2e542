"""What unit tests have in common."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _a_loopback_answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it starts, an agent waits for a claim to its name; in the process none is late."""
    monkeypatch.setattr("pyros_mqtt.agent.ownership.NO_CLAIM", 0.05)
