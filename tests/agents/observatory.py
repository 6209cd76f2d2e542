"""The peers of a device's agent, played by a test, and a dark sky that runs fast."""

from __future__ import annotations

import time
from typing import Any

from pyros_agents.astronomy.sky import SkyClock
from pyros_mqtt import Agent
from pyros_mqtt.testing import Rehearsal
from tests.agents.night_clock import NIGHT

SPEED = 40.0
"""Sky seconds in a second of the test."""


def fast_night(start: float = NIGHT, speed: float = SPEED) -> SkyClock:
    return SkyClock(start, speed, time.time())


class Player(Agent):
    """Publishes one channel of the agent whose name it takes, whenever the test says so."""

    def __init__(self, name: str, channel: str, stage: Rehearsal) -> None:
        super().__init__(name, bus=stage.bus)
        self.channel = channel
        stage.start(self)

    def say(self, **fields: Any) -> None:
        self.telemetry(self.channel, fields)
