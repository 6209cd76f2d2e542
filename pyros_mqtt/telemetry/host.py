"""The machine itself as telemetry: load, memory, disk, temperature, clock."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry.channels import Channels
from pyros_mqtt.telemetry.clock import read_clock

CHANNELS = (
    Channel("host-load", description="1-minute load average, for each processor"),
    Channel("host-memory", "%", "in use", (0, 100)),
    Channel("host-disk", "%", "in use of the file system of the state folder", (0, 100)),
    Channel("host-temperature", "deg_C", "of the hottest sensor"),
    Channel("host-clock-offset", "s", "how far the clock is ahead, as its keeper estimates"),
    Channel("host-clock-error", "s", "how far the clock may be off, as the kernel reckons"),
)
"""What a machine can tell; one that has no sensor or no clock keeper has fewer of them."""


class Host:
    """Measures this machine, and publishes that through an agent's channels.

    Args:
        channels: the agent's.
        every: seconds between two measurements.
        folder: whose file system is looked at.

    Raises:
        AgentError: `every` is not positive, or psutil is not installed.
    """

    def __init__(self, channels: Channels, every: float, folder: Path) -> None:
        if not 0 < every < math.inf:
            raise AgentError(f"sample_host(every={every!r}): it must be seconds, more than 0")
        try:
            import psutil
        except ImportError:
            raise AgentError("sample_host() needs psutil: pip install 'pyros-mqtt[host]'") from None
        self._psutil = psutil
        self._channels = channels
        self._every = every
        self._folder = folder

    def measure_until(self, stopping: threading.Event) -> None:
        """Measure again and again until the event is set; for a thread of its own."""
        while True:
            self.measure()
            if stopping.wait(self._every):
                return

    def measure(self) -> None:
        """Measure once. What cannot be measured is left out."""
        values = dict(self._values())
        for channel in CHANNELS:
            value = values.get(channel.name)
            if value is not None:
                self._channels.declare(channel)
                self._channels.publish(channel.name, value)

    def _values(self) -> Iterator[tuple[str, float | None]]:
        psutil = self._psutil
        yield "host-load", round(psutil.getloadavg()[0] / (psutil.cpu_count() or 1), 3)
        yield "host-memory", psutil.virtual_memory().percent
        yield "host-disk", psutil.disk_usage(str(_existing(self._folder))).percent
        yield "host-temperature", self._temperature()
        clock = read_clock()
        if clock is not None:
            yield "host-clock-offset", clock.offset
            yield "host-clock-error", clock.error

    def _temperature(self) -> float | None:
        read = getattr(self._psutil, "sensors_temperatures", None)
        if read is None:
            return None
        return max((one.current for row in read().values() for one in row), default=None)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
