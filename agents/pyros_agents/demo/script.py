"""The night, scene by scene: what is done, what has to happen, and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.demo.chronicle import Chronicle
from pyros_agents.demo.observatory import BURST_SKY_SECONDS, notice_path
from pyros_mqtt import Fleet, Outcome, Report, Sender
from pyros_mqtt.traffic import Passing

PATIENCE = 60.0
"""Wall seconds that a scene may take on a slow machine."""


class SceneFailed(Exception):
    """Something that belongs to the night did not happen."""


@dataclass
class Night:
    """What the night has brought. Moments are POSIX seconds of the wall clock."""

    noticed: float = 0.0
    alert: dict[str, Any] = field(default_factory=dict)
    first_command: float = 0.0
    on_target: float = 0.0
    first_exposure: float = 0.0
    images: list[str] = field(default_factory=list)
    survey_images: list[str] = field(default_factory=list)

    def seconds(self) -> dict[str, float]:
        """How long after the notice each step came."""
        return {
            "notice_to_command": round(self.first_command - self.noticed, 4),
            "notice_to_on_target": round(self.on_target - self.noticed, 3),
            "notice_to_first_exposure": round(self.first_exposure - self.noticed, 3),
        }


class Script:
    """Plays the scenes in their order.

    Args:
        narrate: is told in a sentence what happens, for the audience.
    """

    def __init__(
        self,
        sender: Sender,
        fleet: Fleet,
        chronicle: Chronicle,
        clock: SkyClock,
        narrate: Callable[[str], None],
    ) -> None:
        """Take the stage."""
        self._sender = sender
        self._fleet = fleet
        self._chronicle = chronicle
        self._clock = clock
        self._narrate = narrate
        self._curtain = clock.now()
        self.night = Night()

    def play(self) -> None:
        """Play the whole night.

        Raises:
            SceneFailed: something that belongs to it did not happen.
            SendError: an agent did not do what it was told.
            BrokerGone: nobody carries the messages any more.
        """
        self.survey()
        self.alert()
        self.rain()

    def survey(self) -> None:
        """The night begins: the dome opens, and the survey takes its first image."""
        self._narrate("Night: the dome opens, and the survey begins.")
        self._ask("scheduler", "night", on=True)
        self._report_of("dome", "open", "the dome did not open")
        image = self._await(lambda: self._images(1, 0.0), "no image of the survey was taken")[0]
        self.night.survey_images.append(_path_of(image))
        burst = self._curtain + BURST_SKY_SECONDS
        until_then = max(0.0, self._clock.wall_seconds(burst - self._clock.now()))
        self._chronicle.wait_for(lambda: None, until_then)

    def alert(self) -> None:
        """A real notice arrives; the telescope goes there, the camera takes three images."""
        night = self.night
        path = notice_path()
        self._narrate("Swift has seen a burst: its notice arrives.")
        night.noticed = time.time()
        night.alert = self._ask("alert_manager", "notice", path=str(path))
        if night.alert["decision"] != "observe":
            raise SceneFailed(f"the notice was not observed: {night.alert['reason']}")
        self._narrate(f"Decision: {night.alert['decision']}; {night.alert['reason']}.")
        goto = self._await(self._goto_of_alert, "the telescope was not sent to the burst")
        night.first_command = goto.at
        arrived = self._await(lambda: self._end_of(goto), "the telescope did not arrive")
        night.on_target = arrived.at
        self._narrate("On target; three exposures.")
        start = self._await(
            lambda: self._chronicle.command("camera", "expose", night.on_target),
            "no exposure of the burst was started",
        )
        night.first_exposure = start.at
        images = self._await(
            lambda: self._images(3, night.on_target), "the three images of the burst are missing"
        )
        night.images = [_path_of(image) for image in images]

    def rain(self) -> None:
        """A rain front: everything closes by itself."""
        started = time.time()
        self._narrate("Rain: the dome closes, the telescope parks.")
        self._ask("weather", "front", kind="rain", seconds=3600)
        self._report_of("dome", "close", "the dome did not close in the rain", started)
        self._report_of("telescope", "park", "the telescope did not park in the rain", started)
        self._ask("scheduler", "night", on=False)

    # -- what is waited for ---------------------------------------------------------------------

    def _ask(self, agent: str, message: str, **arguments: Any) -> Any:
        receipt = self._sender.post(agent, message, arguments)
        return receipt.result(PATIENCE, between=self._chronicle.check)

    def _await(self, condition: Callable[[], Any], complaint: str) -> Any:
        found = self._chronicle.wait_for(condition, PATIENCE)
        if not found:
            raise SceneFailed(f"{complaint} within {PATIENCE:.0f} s; {self._state_of_things()}")
        return found

    def _report_of(self, agent: str, message: str, complaint: str, after: float = 0.0) -> Passing:
        reports = self._await(
            lambda: self._chronicle.reports(agent, message, Outcome.DONE, after), complaint
        )
        first: Passing = reports[0]
        return first

    def _goto_of_alert(self) -> Passing | None:
        return self._chronicle.command("telescope", "goto", self.night.noticed)

    def _end_of(self, goto: Passing) -> Passing | None:
        for passing in self._chronicle.reports("telescope", "goto", Outcome.DONE, goto.at):
            if isinstance(passing.what, Report) and passing.what.id == getattr(goto.what, "id", 0):
                return passing
        return None

    def _images(self, count: int, after: float) -> list[Passing] | None:
        for lost in self._chronicle.reports("camera", "expose", Outcome.FAILED, after):
            raise SceneFailed(f"an exposure has failed: {_reason_of(lost)}")
        images = self._chronicle.reports("camera", "expose", Outcome.DONE, after)
        return images[:count] if len(images) >= count else None

    def _state_of_things(self) -> str:
        return ", ".join(f"{member.name}: {member.label}" for member in self._fleet.members())


def _reason_of(failure: Passing) -> str:
    error = failure.what.error if isinstance(failure.what, Report) else None
    return error.text if error else "no reason was given"


def _path_of(image: Passing) -> str:
    result = image.what.result if isinstance(image.what, Report) else None
    path = str((result or {}).get("path", ""))
    if not Path(path).is_file():
        raise SceneFailed(f"the camera reported the image {path!r}, and there is no such file")
    return path
