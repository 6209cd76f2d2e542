"""A simulated weather station: days and nights, gusts, and fronts that are scripted.

The weather is a function of the sky's time, so that every process and every run that share a sky
and a seed see the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import cos, exp, pi, sin
from random import Random

from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.station import Conditions

DAY = 86_400.0

MEANS = {"temperature": 14.0, "humidity": 55.0, "wind": 10.0}
"""The means of a day: degC, %, km/h."""

LONGEST_RAMP = 120.0
"""Seconds that a front takes at most to come, and to go."""

WET = 0.25
"""The strength of a shower from which on the rain sensor sees drops."""

HOAR = 85.0
"""The humidity, %, over which ice grows in a frost."""


class Front(StrEnum):
    """The weather that can be scripted."""

    RAIN = "rain"
    WIND = "wind"
    HUMID = "humid"
    CLEAR = "clear"


TARGETS: dict[Front, dict[str, float]] = {
    Front.RAIN: {"humidity": 96.0, "cloud": 1.0, "shower": 1.0, "temperature": 9.0},
    Front.WIND: {"wind": 55.0, "gust": 80.0, "cloud": 0.4},
    Front.HUMID: {"humidity": 92.0, "cloud": 0.6},
    Front.CLEAR: {"humidity": 45.0, "wind": 6.0, "gust": 9.0, "cloud": 0.0, "shower": 0.0},
}
"""To which values each front pulls the weather; the others it leaves alone."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One front on its way over the station: sky seconds from `start` to `end`, ramps included."""

    kind: Front
    start: float
    end: float

    def strength(self, now: float) -> float:
        """How much of the front is here: 0 before and after, 1 in its middle."""
        ramp = min(LONGEST_RAMP, (self.end - self.start) / 4)
        return max(0.0, min(1.0, (now - self.start) / ramp, (self.end - now) / ramp))


class SimulatedStation:
    """A station in a mild climate, on whose nights a telescope can work unless a front comes."""

    def __init__(
        self,
        site: Site,
        clock: SkyClock,
        *,
        seed: int = 0,
        means: Mapping[str, float] | None = None,
    ) -> None:
        """Build it.

        Args:
            site: where it stands; gives local time and mean pressure.
            clock: the sky's.
            seed: another seed, another weather.
            means: what differs of `MEANS`.
        """
        self._site, self._clock = site, clock
        self._means = MEANS | dict(means or {})
        self._noises = {
            "temperature": Noise(f"t{seed}", 40.0, 7200.0),
            "humidity": Noise(f"h{seed}", 30.0, 5400.0),
            "wind": Noise(f"w{seed}", 15.0, 1800.0),
            "gust": Noise(f"g{seed}", 3.0, 60.0),
            "pressure": Noise(f"p{seed}", 120.0, 3 * DAY),
            "cloud": Noise(f"c{seed}", 120.0, 4 * 3600.0),
        }
        self._fronts: tuple[Passage, ...] = ()

    def read(self) -> Conditions:
        """Measure."""
        now = self._clock.now()
        values = self._undisturbed(now)
        for front in self._fronts:
            strength = front.strength(now)
            for field, target in TARGETS[front.kind].items():
                values[field] += (target - values[field]) * strength
        return self._conditions(values, now)

    def front(self, kind: Front, seconds: float) -> None:
        """Let a front come now and be over after `seconds` of the sky.

        A clear one sweeps the others away when it has fully come. Any thread may call.
        """
        now = self._clock.now()
        coming = Passage(kind, now, now + seconds)
        kept = [front for front in self._fronts if front.end > now]
        if kind is Front.CLEAR:
            over = now + min(LONGEST_RAMP, seconds / 4)
            kept = [Passage(f.kind, f.start, min(f.end, over)) for f in kept]
        self._fronts = (*kept, coming)

    def _undisturbed(self, now: float) -> dict[str, float]:
        """The weather without any front."""
        hour = (now / 3600.0 + self._site.longitude / 15.0) % 24.0
        warmth = cos((hour - 14.5) * pi / 12.0)  # the warmest hour is well after noon
        noise = {field: source.at(now) for field, source in self._noises.items()}
        wind = max(0.3, self._means["wind"] * (1.0 + 0.35 * warmth + 0.5 * noise["wind"]))
        return {
            "temperature": self._means["temperature"] + 4.5 * warmth + noise["temperature"],
            "humidity": self._means["humidity"] - 9.0 * warmth + 5.0 * noise["humidity"],
            "wind": wind,
            "gust": wind * (1.35 + 0.3 * noise["gust"]),
            "cloud": max(0.0, 0.15 + 0.2 * noise["cloud"]),
            "shower": 0.0,
        }

    def _conditions(self, values: dict[str, float], now: float) -> Conditions:
        flutter = 0.2 * self._noises["gust"].at(now + 1.0)  # a front, too, never stands still
        humidity = min(100.0, max(3.0, values["humidity"] + flutter))
        return Conditions(
            temperature=round(values["temperature"] + 0.05 * flutter, 2),
            humidity=round(humidity, 2),
            wind=round(max(0.0, values["wind"] + flutter), 2),
            gust=round(max(values["wind"], values["gust"]) + abs(flutter), 2),
            rain=values["shower"] > WET,
            ice=values["temperature"] < 0.0 and humidity > HOAR,
            pressure=round(self._pressure(now), 2),
            cloud=round(min(1.0, max(0.0, values["cloud"])), 3),
        )

    def _pressure(self, now: float) -> float:
        """Mean pressure of an isothermal air with a scale height of 8.4 km, the tide, and noise.

        The half-day tide has its maxima at 10 and 22 h of local time.
        """
        hour = (now / 3600.0 + self._site.longitude / 15.0) % 24.0
        mean = 1013.25 * exp(-self._site.height / 8400.0)
        return mean + 1.2 * cos((hour - 10.0) * pi / 6.0) + 3.0 * self._noises["pressure"].at(now)


class Noise:
    """Smooth and endless noise between -1 and 1, the same for the same seed and time."""

    def __init__(self, seed: str, shortest: float, longest: float, waves: int = 6) -> None:
        """Mix waves with periods from `shortest` to `longest` seconds, the long ones higher."""
        dice = Random(seed)  # noqa: S311 - a simulation
        steps = [i / (waves - 1) for i in range(waves)]
        self._waves = [
            (
                (0.4 + step) / sum(0.4 + one for one in steps),
                2 * pi / (shortest * (longest / shortest) ** step * dice.uniform(0.9, 1.1)),
                dice.uniform(0.0, 2 * pi),
            )
            for step in steps
        ]

    def at(self, now: float) -> float:
        """The value at a time in seconds."""
        return sum(height * sin(speed * now + phase) for height, speed, phase in self._waves)
