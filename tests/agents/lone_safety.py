"""A safety agent without a bus, and fine weather for it."""

from __future__ import annotations

import json
import time
from typing import Any

from pyros_agents.safety import Safety
from pyros_mqtt import Receipt
from pyros_mqtt.transport import Delivery
from tests.agents.hand_clock import HandClock
from tests.agents.kept_troubles import KeptTroubles

FINE: dict[str, Any] = {
    "temperature": 12.0,
    "humidity": 50.0,
    "wind": 9.0,
    "gust": 12.0,
    "rain": False,
    "ice": False,
    "pressure": 901.0,
    "cloud": 0.1,
}


class Alone(KeptTroubles, Safety):
    """A safety agent without a bus: it is told what it follows, and what it says is kept."""

    def __init__(self, clock: HandClock, **options: Any) -> None:
        super().__init__(sky=clock, **({"settle": 0.0} | options))
        self.hand = clock.hand
        self.told: list[dict[str, Any]] = []
        self.sent: list[tuple[str, str]] = []
        self.refusal: Exception | None = None
        self.troubles: dict[str, str] = {}
        self.tremble = 0.0
        self.work()

    # -- what it hears

    def hear(self, agent: str, channel: str, value: Any, **more: Any) -> None:
        kept = more.pop("kept", 0.0)
        payload = json.dumps({"t": time.time() - kept, "v": value, **more}).encode()
        self.follow(agent, channel).hear(Delivery("", payload, retain=kept > 0))

    def look(self, seconds: float = 1.0, *, kept: float = 0.0, **weather: Any) -> dict[str, Any]:
        """Let the sky go on by so many seconds, hear the weather, and judge."""
        self.hand[0] += seconds
        self.tremble = (self.tremble + 0.01) % 0.5
        moved = {"humidity": 50.0 + self.tremble, "wind": 9.0 + self.tremble, "gust": 12.0}
        moved["gust"] += self.tremble
        self.hear("weather", "conditions", FINE | moved | weather, kept=kept)
        self.judge()
        return self.told[-1]

    def stay(self, seconds: int, step: int = 10, **weather: Any) -> dict[str, Any]:
        for _ in range(0, seconds, step):
            self.look(step, **weather)
        return self.told[-1]

    def shutter(self, state: str) -> None:
        self.hear("dome", "shutter", {"state": state, "fraction": 0.0})

    def pointing(self, state: str) -> None:
        self.hear("telescope", "pointing", {"state": state})

    # -- what it says

    def telemetry(  # noqa: PLR0913 - as the agent's
        self,
        channel: str,
        value: Any,
        unit: str | None = None,
        *,
        time: Any = None,
        quality: str = "good",
        t0: float | None = None,
        dt: float | None = None,
    ) -> None:
        del unit, time, quality, t0, dt
        assert channel == "verdict"
        self.told.append(value)

    def send_to(self, agent: str, message: str, /, **_: Any) -> Receipt:
        self.sent.append((agent, message))
        if self.refusal is not None:
            raise self.refusal
        return None  # type: ignore[return-value]

    def orders(self) -> list[tuple[str, str]]:
        """What was sent, once every errand has been run; then forgotten."""
        for errand in self._errands.values():
            errand.join(5)
        sent, self.sent = sorted(self.sent), []
        return sent


CLOSE, PARK = ("dome", "close"), ("telescope", "park")
