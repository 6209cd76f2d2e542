"""The night's scenes for a storm: whoever gave an order gives it again until it is carried out.

Nothing is concluded from reports, which may pass while nobody can hear them: what counts is what
is measured, and what lies on the disk.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astropy.io import fits

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.demo.chaos.ledger import Ledger
from pyros_agents.demo.chronicle import Chronicle
from pyros_agents.demo.observatory import BURST_SKY_SECONDS, notice_path
from pyros_agents.demo.script import SceneFailed
from pyros_mqtt import Follow, Outcome, Sender, SendError

PATIENCE = 240.0
"""Wall seconds that a scene may take, deaths and all."""

ORDER_TTL = 10.0
"""Wall seconds for which an order may start."""

ORDER_PATIENCE = 25.0
"""Wall seconds for the end of an order; an agent that has died tells of it in its next life."""

FRESH = 3.0
"""Wall seconds for which a measurement is believed."""

RAIN_COMES = 10.0
"""Wall seconds that an order has to show its effect before it is given again."""

WANTED = 3
"""Images of the burst."""


@dataclass
class StormyNight:
    """What the night has brought: decisions, images (paths) by target, shutter and mount."""

    alert: dict[str, Any] = field(default_factory=dict)
    targets: Counter[str] = field(default_factory=Counter)
    images: list[str] = field(default_factory=list)
    dome: str = "unknown"
    telescope: str = "unknown"


@dataclass(frozen=True, slots=True)
class Props:
    """What the play needs on its stage.

    `follow` gives what an agent measures of itself; of the folder `images` only those count that
    are taken from now on.
    """

    sender: Sender
    chronicle: Chronicle
    ledger: Ledger
    follow: Callable[[str], Follow]
    images: Path
    clock: SkyClock


class StormyScript:
    """Plays the scenes in their order, and each of them until it has happened."""

    def __init__(self, props: Props, narrate: Callable[[str], None]) -> None:
        """Take the stage; `narrate` is told in a sentence what happens, for the audience."""
        self._sender, self._chronicle, self._ledger = props.sender, props.chronicle, props.ledger
        self._follow, self._images, self._clock = props.follow, props.images, props.clock
        self._narrate = narrate
        self._curtain = self._clock.now()
        self._old = set(self._files())
        self.night = StormyNight()

    def play(self) -> None:
        """Play the whole night.

        Raises:
            SceneFailed: something that belongs to it did not happen.
        """
        self.survey()
        self.alert()
        self.rain()

    def survey(self) -> None:
        """The night begins: the survey takes its first image."""
        self._narrate("Night: the dome opens, and the survey begins.")
        self._order("scheduler", "night", on=True)
        self._await(self.taken, "no image of the survey was taken")
        burst = self._curtain + BURST_SKY_SECONDS
        until_then = max(0.0, self._clock.wall_seconds(burst - self._clock.now()))
        self._chronicle.wait_for(lambda: None, until_then)

    def alert(self) -> None:
        """A real notice arrives; three images of the burst are taken."""
        self._narrate("Swift has seen a burst: its notice arrives.")
        deadline = time.monotonic() + PATIENCE
        while not self._is_observed():
            if time.monotonic() > deadline:
                raise SceneFailed(f"the scheduler has not heard of it within {PATIENCE:.0f} s")
            told = self._order("alert_manager", "notice", path=str(notice_path()))
            self.night.alert = self.night.alert or told
            self._chronicle.wait_for(self._is_observed, ORDER_PATIENCE)
        event = str(self.night.alert.get("event", ""))
        self._narrate(f"The scheduler knows of {event}.")
        self._await(
            lambda: len(self.taken(event)) >= WANTED, f"{WANTED} images of {event} are missing"
        )
        self.night.images = [str(path) for path in self.taken(event)]

    def rain(self) -> None:
        """A rain front: everything closes by itself."""
        self._narrate("Rain: the dome closes, the telescope parks.")
        deadline = time.monotonic() + PATIENCE
        while not self.is_shut():
            if time.monotonic() > deadline:
                raise SceneFailed(f"the observatory is not shut: {self._measured()}")
            if self._field("weather", "rain") is not True:
                self._order("weather", "front", kind="rain", seconds=3600)
            self._chronicle.wait_for(self.is_shut, RAIN_COMES)
        self._order("scheduler", "night", on=False)

    def close_the_book(self) -> None:
        """Say how everything stands at the end."""
        night = self.night
        self._chronicle.wait_for(self.is_shut, RAIN_COMES)
        night.dome = str(self._field("dome", "state"))
        night.telescope = str(self._field("telescope", "state"))
        night.targets = Counter(str(fits.getval(path, "OBJECT")) for path in self.taken())

    def is_shut(self) -> bool:
        """Whether it rains, the shutter is closed and the telescope parked, all measured now."""
        return (
            self._field("weather", "rain") is True
            and self._field("dome", "state") == "closed"
            and self._field("telescope", "state") == "parked"
        )

    def taken(self, target: str = "") -> list[Path]:
        """List the images of this night, of one target or of all."""
        word = target.replace(" ", "_")
        return [path for path in self._files() if path not in self._old and word in path.name]

    # -- how it is done -------------------------------------------------------------------------

    def _order(self, agent: str, message: str, **arguments: Any) -> Any:
        """Give an order, and give it again where it was not carried out.

        Raises:
            SceneFailed: nothing helped.
        """
        deadline, reason = time.monotonic() + PATIENCE, ""
        while time.monotonic() < deadline:
            try:
                receipt = self._sender.post(agent, message, arguments, ttl=ORDER_TTL)
                return receipt.result(ORDER_PATIENCE, between=self._chronicle.check)
            except SendError as error:
                reason = str(error)
                self._narrate(f"Not done: {reason}. The order is given again.")
                self._chronicle.wait_for(lambda: None, 1.0)
        raise SceneFailed(f"{message} was not carried out within {PATIENCE:.0f} s: {reason}")

    def _await(self, condition: Callable[[], Any], complaint: str) -> None:
        if not self._chronicle.wait_for(condition, PATIENCE):
            raise SceneFailed(f"{complaint} within {PATIENCE:.0f} s; {self._measured()}")

    def _is_observed(self) -> bool:
        return self._ledger.has("scheduler", "observe", Outcome.DONE)

    def _files(self) -> list[Path]:
        return sorted(self._images.glob("*/*.fits"))

    def _field(self, agent: str, name: str) -> Any:
        follow = self._follow(agent)
        value = follow.value if follow.is_fresh(FRESH) else None
        return value.get(name) if isinstance(value, dict) else None

    def _measured(self) -> str:
        names = (("weather", "rain"), ("dome", "state"), ("telescope", "state"))
        return ", ".join(f"{agent} {name}: {self._field(agent, name)}" for agent, name in names)
