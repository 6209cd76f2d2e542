"""The scheduler's hands: one errand at a time to dome, telescope or camera.

An errand is begun, looked after, and broken off where something better has come up; nothing here
waits for a slew or an exposure to end, so that an alert never waits either.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pyros_agents.astronomy.ephemeris import separation
from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.scheduling.observing import Step
from pyros_agents.scheduling.targets import Target
from pyros_mqtt import Agent, Receipt, SendError

PROMPT = 2.0
"""Wall seconds within which an agent must have stopped, or does not."""

_SLACK = 60.0
"""Wall seconds by which an errand may take longer than planned before it counts as lost."""

_PLANNED = {Step.OPEN: 180.0, Step.UNPARK: 60.0, Step.SLEW: 300.0, Step.CLOSE_UP: 30.0}
"""Sky seconds that an errand takes at most; an exposure takes its own time."""


_Order = tuple[str, str, float, dict[str, Any]]
"""To whom, which message, for how many wall seconds it may start, and its arguments."""


@dataclass(frozen=True, slots=True)
class Crew:
    """The names of the agents that do the work; an empty one is not there."""

    telescope: str = "telescope"
    dome: str = "dome"
    camera: str = "camera"


@dataclass(frozen=True, slots=True)
class Errand:
    """One step under way. `deadline` is monotonic seconds."""

    step: Step
    target: Target | None
    receipts: tuple[Receipt, ...]
    deadline: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How an errand ended; `trouble` tells people why it failed, ``""`` where it did not."""

    errand: Errand
    trouble: str


class Errands:
    """Begins and ends errands; one thread at a time.

    Args:
        voice: the agent in whose name they are sent.
        crew: who does the work.
        clock: the sky's clock.
    """

    def __init__(self, voice: Agent, crew: Crew, clock: SkyClock) -> None:
        """Begin with none."""
        self._voice = voice
        self._crew = crew
        self._clock = clock
        self.current: Errand | None = None
        self._has_slewed = False

    def begin(self, step: Step, target: Target | None) -> None:
        """Send what the step takes.

        Raises:
            SendError: an agent did not take it.
        """
        if step is Step.SLEW and not self._has_slewed:
            self._clear_away()
        orders = self._orders(step, target)
        send = self._voice.send_to
        receipts = tuple(send(agent, word, ttl=ttl, args=args) for agent, word, ttl, args in orders)
        self.current = Errand(step, target, receipts, self._deadline(step, target))

    def is_fit(self, step: Step, target: Target | None, field: float) -> bool:
        """Say whether the current errand is still what is wanted.

        One for a target is as long as that target is wanted, and has not moved by more than
        `field` degrees; any other as long as its step is.
        """
        errand = self.current
        if errand is None or errand.step is not step:
            return False
        return not step.is_of_target or is_same_place(errand.target, target, field)

    def ending(self) -> Ending | None:
        """Say how the current errand ended, and forget it; None while it runs."""
        errand = self.current
        if errand is None:
            return None
        if not all(receipt.is_ended for receipt in errand.receipts):
            if time.monotonic() < errand.deadline:
                return None
            self.break_off()
            return Ending(errand, f"no end of {errand.step} within its time")
        self.current = None
        return Ending(errand, "; ".join(filter(None, map(_trouble_of, errand.receipts))))

    def break_off(self, *, leave_telescope: bool = False) -> None:
        """End the current errand, whatever it is: the exposure is given up, the slew stopped.

        With `leave_telescope` a slew goes on, since others park the telescope now. An agent that
        does not obey is not waited for: the next errand will tell.
        """
        errand, self.current = self.current, None
        if errand is None:
            return
        try:
            if errand.step is Step.EXPOSE:
                self._voice.send_to(self._crew.camera, "abort", ttl=PROMPT)
            elif errand.step is Step.SLEW and not leave_telescope:
                # waits for its end, or this stop could come in time to end the next slew
                self._voice.ask(self._crew.telescope, "stop", ttl=PROMPT, timeout=PROMPT)
        except SendError:
            return

    def _clear_away(self) -> None:
        """Give up an exposure that an earlier life of ours has left: a slew would spoil it."""
        self._has_slewed = True
        try:
            self._voice.send_to(self._crew.camera, "abort", ttl=PROMPT)
        except SendError:
            return

    def _orders(self, step: Step, target: Target | None) -> list[_Order]:
        crew = self._crew
        if step is Step.OPEN:
            return [(crew.dome, "open", 10.0, {})]
        if step is Step.UNPARK:
            return [(crew.telescope, "unpark", 10.0, {})]
        if step is Step.CLOSE_UP:
            close: list[_Order] = [(crew.dome, "close", 30.0, {})] if crew.dome else []
            return [*close, (crew.telescope, "park", 30.0, {})]
        if target is None:
            return []
        if step is Step.SLEW:
            return [(crew.telescope, "goto", 10.0, {"ra": target.ra, "dec": target.dec})]
        return [(crew.camera, "expose", 30.0, _exposure(target))]

    def _deadline(self, step: Step, target: Target | None) -> float:
        planned = _PLANNED.get(step, target.seconds if target else 0.0)
        return time.monotonic() + self._clock.wall_seconds(planned) + _SLACK


def is_same_place(one: Target | None, other: Target | None, field: float) -> bool:
    """Say whether two targets are one, and stand in one field of `field` degrees' radius."""
    if one is None or other is None or one.name != other.name:
        return False
    return separation((one.ra, one.dec), (other.ra, other.dec)) <= field


def _exposure(target: Target) -> dict[str, Any]:
    args = {
        "seconds": target.seconds,
        "object": target.name,
        "ra": target.ra,
        "dec": target.dec,
        "kind": "light",
    }
    return args | ({"filter": target.filter} if target.filter else {})


def _trouble_of(receipt: Receipt) -> str:
    if not receipt.did_fail:
        return ""
    problem = receipt.report.error if receipt.report else None
    text = problem.text if problem else f"what became of it is not known ({receipt.state})"
    return f"{receipt.command.agent} {receipt.command.message}: {text}"
