"""The template: copy this file, rename the class, and put your device where the numbers are.

Run it with `pyros run pyros_agents.barebones:Barebones`.
"""

from __future__ import annotations

from typing import Any

from pyros_mqtt import ActionFailed, Agent, Channel, every, on


class Barebones(Agent):
    """Greets, counts, fails and measures: one of everything an agent can do."""

    channels = (Channel("temperature", unit="deg_C", description="of nothing in particular"),)

    def __init__(self, name: str = "barebones", **options: Any) -> None:
        """Take the agent's name; everything else comes from the configuration."""
        super().__init__(name, **options)
        self.temperature = 20.0

    @on("hello")
    def hello(self, name: str = "world") -> dict[str, str]:
        """Greet somebody."""
        return {"greeting": f"hello {name}"}

    @on("count")
    def count(self, to: int, seconds: float = 1.0) -> int:
        """Count up to a number, `seconds` apart; `abort` ends it at once."""
        for number in range(1, to + 1):
            self.sleep(seconds)
            self.progress(number / to, f"{number} of {to}")
        return to

    @on("fail")
    def fail(self) -> None:
        """Fail, to show how that looks."""
        raise ActionFailed("this always fails")

    @every(seconds=1)
    def measure(self) -> None:
        """Publish the temperature."""
        self.telemetry("temperature", self.temperature)
