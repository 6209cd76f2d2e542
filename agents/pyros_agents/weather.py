"""The weather's agent: reads the station and tells everyone what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field

from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.drivers import DriverError, load
from pyros_agents.devices.station import WeatherStation
from pyros_agents.devices.station_simulator import Front, SimulatedStation
from pyros_mqtt import ActionFailed, Agent, Channel, every, on

Seconds = Annotated[float, Field(gt=0, le=86_400, description="seconds of the sky")]


class Weather(Agent):
    """Measures temperature, humidity, wind, rain, ice, pressure and cloud; judges nothing."""

    channels = (
        Channel(
            "conditions",
            description="degC, %, km/h (wind and gust), rain and ice yes or no, hPa, cloud 0 to 1; "
            "null where an instrument says nothing",
            fields=("temperature", "humidity", "wind", "gust", "rain", "ice", "pressure", "cloud"),
            rate=1,
            retain=True,
        ),
        Channel("temperature", "deg_C", "of the air", (-40, 60), deadband=0.05),
        Channel("humidity", "%", "relative", (0, 100), deadband=0.2),
        Channel("wind", "km.h**-1", "mean", (0, 200), deadband=0.5),
        Channel("gust", "km.h**-1", "strongest of late", (0, 250), deadband=0.5),
        Channel("pressure", "hPa", "at the station", (500, 1100), deadband=0.1),
        Channel("cloud", "", "share of the sky", (0, 1), deadband=0.01),
    )

    def __init__(
        self,
        name: str = "weather",
        *,
        site: Mapping[str, Any] | Site | None = None,
        sky: Mapping[str, Any] | SkyClock | None = None,
        driver: str | WeatherStation = "simulator",
        driver_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Connect to the station.

        Args:
            name: the agent's.
            site: the place, a table of the configuration.
            sky: the sky's clock, a table of the configuration.
            driver: `simulator`, or `package.module:Class` of a station.
            driver_options: what that class is made with.
            options: the agent's.
        """
        super().__init__(name, **options)
        self.station: WeatherStation = load(
            driver,
            SimulatedStation,
            site=Site.of(site),
            clock=SkyClock.of(sky),
            **(driver_options or {}),
        )

    @on("front", ttl=30)
    def front(self, kind: Front, seconds: Seconds = 1800.0) -> dict[str, Any]:
        """Let a front of rain, wind, humid or clear air pass; only a simulated station can."""
        if not isinstance(self.station, SimulatedStation):
            raise ActionFailed("this station is real: its weather comes by itself", code="real")
        self.station.front(kind, seconds)
        return {"kind": kind.value, "seconds": seconds}

    @every(seconds=1)
    def measure(self) -> None:
        """Publish the conditions; where the station is silent, be silent: no news is bad news."""
        try:
            conditions = asdict(self.station.read())
        except (DriverError, OSError) as error:
            self.degrade(f"the weather station does not answer: {error}", "station")
            return
        self.telemetry("conditions", conditions)
        for channel in self.channels[1:]:
            self.telemetry(channel.name, conditions[channel.name])
        if missing := [field for field, value in conditions.items() if value is None]:
            self.degrade(f"no value for {', '.join(missing)}", "station")
        else:
            self.recover("station")
