"""Small actors in place of telescope, dome, camera and safety, for rehearsals of the scheduler."""

from __future__ import annotations

import threading
from typing import Any

from pyros_mqtt import ActionFailed, Agent, Channel, State, every, on, wire
from pyros_mqtt.messages import Status
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery, Parcel


class StandInSafety(Agent):
    """Says what its `safe` is set to, often."""

    channels = (Channel("verdict", retain=True),)
    safe = True
    is_talking = True

    @every(seconds=0.1)
    def speak(self) -> None:
        """Give the verdict."""
        if self.is_talking:
            reasons = [] if self.safe else ["rain"]
            self.telemetry("verdict", {"safe": self.safe, "reasons": reasons, "since": 0.0})


class StandInDome(Agent):
    """Opens and closes at once."""

    channels = (Channel("shutter", retain=True),)
    state = "closed"
    refuses = False

    @on("open", ttl=10)
    def open(self) -> None:
        """Open."""
        if self.refuses:
            raise ActionFailed("it may not be open now", "unsafe")
        self.state = "open"
        self.show()

    @on("close")
    def close(self) -> None:
        """Close."""
        self.state = "closed"
        self.show()

    @every(seconds=0.1)
    def show(self) -> None:
        """Tell the state."""
        self.telemetry("shutter", {"state": self.state, "fraction": float(self.state == "open")})


class StandInTelescope(Agent):
    """Slews in `slew` seconds; remembers where it was sent."""

    channels = (Channel("pointing", retain=True),)

    def __init__(self, **options: Any) -> None:
        super().__init__("telescope", **options)
        self.state, self.place, self.slew = "parked", (0.0, 0.0), 0.05
        self.asked: list[tuple[float, float]] = []
        self.stops = 0
        self.refuses = False

    @on("goto", ttl=30)
    def goto(self, ra: float, dec: float) -> dict[str, float]:
        """Slew."""
        self.asked.append((ra, dec))
        if self.state == "parked":
            raise ActionFailed("parked", "parked")
        if self.refuses:
            raise ActionFailed("the mount is stuck", "stuck")
        self.state = "slewing"
        self.sleep(self.slew)
        self.state, self.place = "tracking", (ra, dec)
        self.show()
        return {"ra": ra, "dec": dec}

    @on("unpark", ttl=30)
    def unpark(self) -> None:
        """Let go."""
        self.state = "stopped"
        self.show()

    @on("park")
    def park(self) -> None:
        """Park."""
        self.cancel_running("parking")
        self.state = "parked"
        self.show()

    @on("stop")
    def stop_motion(self) -> None:
        """Stand still."""
        self.stops += 1
        self.cancel_running("stop")

    @every(seconds=0.1)
    def show(self) -> None:
        """Tell where it looks."""
        ra, dec = self.place
        self.telemetry("pointing", {"ra": ra, "dec": dec, "state": self.state})


class StandInCamera(Agent):
    """Exposes for `exposure` wall seconds, whatever it is told; remembers what it was asked."""

    def __init__(self, **options: Any) -> None:
        super().__init__("camera", **options)
        self.exposure = 0.05
        self.asked: list[str] = []
        self.taken: list[str] = []
        self.is_exposing = threading.Event()
        self.fails = 0

    @on("expose", ttl=60)
    def expose(self, **args: Any) -> dict[str, Any]:
        """Expose."""
        name = str(args["object"])
        self.asked.append(name)
        if self.fails:
            self.fails -= 1
            raise ActionFailed("the shutter hangs", "stuck")
        self.is_exposing.set()
        try:
            self.sleep(self.exposure)
        finally:
            self.is_exposing.clear()
        self.taken.append(name)
        return {"path": f"/{name}"}


class MuteAgent:
    """Claims to be ready, and answers nothing; keeps what comes."""

    def __init__(self, name: str, bus: Bus, root: str = "pyros") -> None:
        topics, self.heard = Topics(root), b""
        self._transport = bus.transport(f"mute-{name}")
        self._transport.subscribe(topics.inbox(name), self._hear)
        self._transport.open()
        status = wire.encode_status(Status(name, State.READY, beat=600.0))
        self._transport.publish(Parcel(topics.status(name), status, retain=True))

    def _hear(self, delivery: Delivery) -> None:
        self.heard += delivery.payload

    def close(self) -> None:
        """Go."""
        self._transport.close(2.0)
