"""The scheduler's hands: one errand at a time to dome, telescope or camera.

An errand is begun, looked after, and broken off where something better has come up; nothing here
waits, not even for an answer, so that an alert never waits for an agent that has gone mute.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pyros_agents.astronomy.ephemeris import separation
from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.scheduling.observing import Step
from pyros_agents.scheduling.targets import Target
from pyros_mqtt import Agent, Receipt, SendError

PROMPT = 2.0
"""Wall seconds within which an agent answers, and has stopped where it was told to; or does not."""

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
    """One step under way. `begun` and `deadline` are monotonic seconds."""

    step: Step
    target: Target | None
    receipts: tuple[Receipt, ...]
    begun: float
    deadline: float

    @property
    def done(self) -> list[str]:
        """Who has done its part."""
        return [each.command.agent for each in self.receipts if each.is_ended and not each.did_fail]

    @property
    def is_mute(self) -> bool:
        """An agent that should have answered by now has not; for closing up its ttl is waited."""
        if self.step is Step.CLOSE_UP or time.monotonic() - self.begun < PROMPT:
            return False
        return not all(receipt.is_answered for receipt in self.receipts)

    @property
    def may_begin_for(self) -> float:
        """Wall seconds for which an order without an answer may still be begun by who wakes up."""
        unanswered = [each.command for each in self.receipts if not each.is_answered]
        ttls = [(each.deadline or 0.0) - (each.sent_at or 0.0) for each in unanswered]
        return max(ttls, default=0.0) - (time.monotonic() - self.begun)


@dataclass(frozen=True, slots=True)
class _Brake:
    """An order to stop; it holds until it has ended, or until `until` (monotonic seconds)."""

    receipt: Receipt
    begun: float
    until: float

    @property
    def holds(self) -> bool:
        return not self.receipt.is_ended and time.monotonic() < self.until

    @property
    def is_unheeded(self) -> bool:
        return self.holds and time.monotonic() - self.begun >= PROMPT


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
        self._brakes: dict[str, _Brake] = {}
        self._has_slewed = False

    def begin(self, step: Step, target: Target | None, only: Collection[str] | None = None) -> None:
        """Send what the step takes, or what it takes from some agents `only`.

        Each order is sent whatever becomes of the others.

        Raises:
            SendError: it was sent to ourselves.
        """
        if step is Step.SLEW and not self._has_slewed:
            self._clear_away()
        orders = [order for order in self._orders(step, target) if only is None or order[0] in only]
        post = self._voice.post
        receipts = tuple(post(agent, word, args, ttl=ttl) for agent, word, ttl, args in orders)
        self.current = Errand(
            step, target, receipts, time.monotonic(), self._deadline(step, target)
        )

    def must_wait(self, step: Step, target: Target | None) -> bool:
        """Say whether an agent that the step needs is still being stopped.

        Its stop could come in time to end what it would be sent to do now. To close up nobody
        waits.
        """
        if step is Step.CLOSE_UP:
            return False
        agents = {agent for agent, *_ in self._orders(step, target)}
        return any(name in agents and brake.holds for name, brake in self._brakes.items())

    @property
    def unheeded(self) -> str:
        """Who should have stopped by now and has not, for people; ``""`` for nobody."""
        late = [brake.receipt.command for brake in self._brakes.values() if brake.is_unheeded]
        return "; ".join(f"no end of {each.message!r} from {each.agent}" for each in late)

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
            if time.monotonic() < errand.deadline and not errand.is_mute:
                return None
            self.break_off()
            return Ending(errand, _overdue(errand))
        self.current = None
        return Ending(errand, "; ".join(filter(None, map(_trouble_of, errand.receipts))))

    def break_off(self, *, leave_telescope: bool = False) -> None:
        """End the current errand, whatever it is: the exposure is given up, the slew stopped.

        With `leave_telescope` a slew goes on, since others park the telescope now.
        """
        errand, self.current = self.current, None
        if errand is None:
            return
        patience = max(PROMPT, errand.may_begin_for)
        if errand.step is Step.EXPOSE:
            self._brake(self._crew.camera, "abort", patience)
        elif errand.step is Step.SLEW and not leave_telescope:
            self._brake(self._crew.telescope, "stop", patience)

    def _clear_away(self) -> None:
        """Give up an exposure that an earlier life of ours has left: a slew would spoil it."""
        self._has_slewed = True
        self._brake(self._crew.camera, "abort", PROMPT)

    def _brake(self, agent: str, word: str, patience: float) -> None:
        """Have an agent stop; `must_wait` tells for as long whether it has."""
        with suppress(SendError):
            receipt, now = self._voice.post(agent, word, ttl=patience), time.monotonic()
            self._brakes[agent] = _Brake(receipt, now, now + patience)

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


def _overdue(errand: Errand) -> str:
    """Say who has not answered, or what does not end."""
    mute = [each.command for each in errand.receipts if not each.is_answered]
    if not mute:
        return f"no end of {errand.step} within its time"
    return "; ".join(f"no answer to {each.message!r} from {each.agent}" for each in mute)


def _trouble_of(receipt: Receipt) -> str:
    if not receipt.did_fail:
        return ""
    if receipt.error is not None:
        return str(receipt.error)
    problem = receipt.report.error if receipt.report else None
    text = problem.text if problem else f"what became of it is not known ({receipt.state})"
    return f"{receipt.command.agent} {receipt.command.message}: {text}"
