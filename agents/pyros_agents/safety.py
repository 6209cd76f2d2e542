"""The safety agent: judges the sky, tells everyone, and has the dome closed."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Annotated, Any

from pydantic import Field

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.memory import Memory
from pyros_agents.safeguards.insistence import Insistence
from pyros_agents.safeguards.rules import Openings, as_tables, rules_with
from pyros_agents.safeguards.weather_watch import WeatherWatch
from pyros_mqtt import Agent, Cancelled, Channel, Follow, PyrosError, every, on

Reason = Annotated[str, Field(max_length=200, description="who holds the dome closed, and why")]

FIRST_WORD = 5.0
"""Wall seconds that a new life waits for its first news before it judges without any."""

FRESH = 10.0
"""Wall seconds for which a measured state of dome or telescope is believed."""

NOTES_EVERY = 30.0
"""Sky seconds between two notes of the memory while nothing changes."""

UNHEEDED = {
    "dome": "the dome is told to close and is not closed: look at it",
    "telescope": "the telescope is told to park and is not parked",
}
"""What to tell people of an order that was given often enough."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the dome may be open; `reasons` say why not; `since` is sky time, POSIX seconds."""

    safe: bool
    reasons: list[str]
    since: float


class Safety(Agent):
    """Judges by rules whether the dome may be open; where it may not, has it closed."""

    channels = (
        Channel(
            "verdict",
            description="whether the dome may be open, why not, and since when (sky time)",
            fields=("safe", "reasons", "since"),
            rate=1,
            retain=True,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        name: str = "safety",
        *,
        sky: Mapping[str, Any] | SkyClock | None = None,
        limits: Mapping[str, Mapping[str, Any] | bool] | None = None,
        stale: float = 120.0,
        settle: float = 600.0,
        memory: str | Path | None = None,
        **options: Any,
    ) -> None:
        """Start unsafe.

        Args:
            name: the agent's.
            sky: the sky's clock, a table of the configuration.
            limits: what differs from `rules.RULES`: field to a table, or false.
            stale: sky seconds after which weather is no weather.
            settle: for how many sky seconds all must have been good at the start, and after a
                loss of sight; no rule asks for more than its own delay.
            memory: a file in which delays that run and a person's hold outlive this process.
            options: the agent's.
        """
        super().__init__(name, **options)
        self.clock = SkyClock.of(sky)
        self.rules = rules_with(limits)
        self._watch = WeatherWatch(self.rules, stale=stale, settle=settle)
        self._openings = Openings()
        self._verdict: Verdict | None = None
        self._hold = ""
        self._conditions = self.follow("weather", "conditions")
        self._shutter = self.follow("dome", "shutter")
        self._pointing = self.follow("telescope", "pointing")
        self._orders = {"dome": Insistence(), "telescope": Insistence()}
        self._errands: dict[str, Thread] = {}
        self._memory, self._noting = Memory(memory), Lock()
        self._noted = -math.inf
        self._began = time.monotonic()
        self._memory_trouble = ""
        self._take_over()

    def work(self) -> None:
        """Begin to wait for the first news; runs once in the agent's thread."""
        self._began = time.monotonic()

    def _take_over(self) -> None:
        """Recall what the life before knew; not in `work`, for a `hold` may come before that."""
        try:
            table = self._memory.read()
            if table:
                gap = self.clock.now() - table["at"]
                self._hold = str(table["hold"])
                self._watch.recall(table["weather"], gap)
                self._openings.recall(table["openings"], gap)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self.log.exception("the memory cannot be read; all delays start anew")

    @on("verdict")
    def verdict(self) -> dict[str, Any]:
        """Give the verdict now."""
        return asdict(self._verdict or _nothing_known(self.clock.now()))

    @on("limits")
    def limits(self) -> list[dict[str, Any]]:
        """Give the rules, as this agent applies them."""
        return as_tables(self.rules)

    @on("hold", urgent=True, idempotent=True)
    def hold(self, reason: Reason = "by hand") -> None:
        """Let a person keep the dome closed until `release`, whatever the weather is."""
        self._hold = reason or "by hand"
        self._note(self.clock.now())

    @on("release", ttl=10)
    def release(self) -> None:
        """End a person's hold; the weather alone decides again."""
        self._hold = ""
        self._note(self.clock.now())

    @every(seconds=1)
    def judge(self) -> None:
        """Look, publish the verdict, and have the dome closed where it may not be open."""
        if self._conditions.sample is None and time.monotonic() - self._began < FIRST_WORD:
            return
        now, watched = self.clock.now(), self.clock.elapsed()
        self._look(watched)
        changed = self._decide(now)
        self._order(watched)
        self._show_trouble()
        if changed or not 0.0 <= now - self._noted < NOTES_EVERY:
            self._note(now)

    def _look(self, now: float) -> None:
        """Feed the rules with what was heard; `now` by the clock that nobody sets."""
        sample = self._conditions.sample
        value, age = None, math.inf
        if sample is not None:
            age = self._conditions.age * self.clock.speed
            value = sample.value if sample.quality == "good" else None
        self._watch.feed(now, value, age)
        self._openings.feed(now, _state(self._shutter, "state"))

    def _decide(self, now: float) -> bool:
        """Publish the verdict; say whether it has turned."""
        reasons = [f"held: {self._hold}"] if self._hold else []
        reasons += [*self._watch.reasons, *filter(None, [self._openings.reason])]
        safe, before = not reasons, self._verdict
        turned = before is None or before.safe is not safe
        since = now if before is None or turned else before.since
        self._verdict = Verdict(safe, reasons, since)
        self.telemetry("verdict", asdict(self._verdict))
        if turned:
            level = logging.INFO if safe else logging.WARNING
            self.log.log(level, "the verdict is now: %s", "; ".join(reasons) or "safe")
            for order in self._orders.values():
                order.end() if safe else order.begin()
        return turned

    def _order(self, now: float) -> None:
        """Have the dome closed and the telescope parked, once a change and while they are not."""
        closed = _state(self._shutter, "state") == "closed"
        parked = _state(self._pointing, "state") == "parked"
        if self._orders["dome"].step(now, is_obeyed=closed):
            self._send("dome", "close")
        if self._orders["telescope"].step(now, is_obeyed=parked):
            self._send("telescope", "park")

    def _send(self, agent: str, message: str) -> None:
        """Send in a thread of its own, so that a peer who does not answer cannot stop judging."""
        errand = self._errands.get(agent)
        if errand is None or not errand.is_alive():
            errand = Thread(target=self._run_errand, args=(agent, message), daemon=True)
            self._errands[agent] = errand
            errand.start()

    def _run_errand(self, agent: str, message: str) -> None:
        try:
            self.send_to(agent, message, ttl=30)
        except PyrosError as error:
            self.log.warning("%s", error)
        except Cancelled:  # the agent stops
            return

    def _show_trouble(self) -> None:
        """Let the agent's status say who does not obey, and whether a restart forgets."""
        for agent, order in self._orders.items():
            if not order.has_given_up:
                self.recover(agent)
            elif agent == "dome":
                self.fault(UNHEEDED[agent], agent)
            else:
                self.degrade(UNHEEDED[agent], agent)
        if self._memory_trouble:
            self.degrade(self._memory_trouble, "memory")
        else:
            self.recover("memory")

    def _note(self, now: float) -> None:
        """Write down what the next life must know; an older table never replaces a newer one."""
        with self._noting:
            self._noted = now
            weather, openings = self._watch.memory(), self._openings.memory()
            table = {"at": now, "hold": self._hold, "weather": weather, "openings": openings}
            try:
                self._memory.write(table)
                self._memory_trouble = ""
            except OSError as error:
                self._memory_trouble = f"delays and holds would not outlive a restart: {error}"


def _nothing_known(now: float) -> Verdict:
    return Verdict(safe=False, reasons=["nothing is known yet"], since=now)


def _state(follow: Follow, field: str) -> str | None:
    """What a neighbour measured of itself a moment ago; None where it is not known."""
    value = follow.value if follow.is_fresh(FRESH) else None
    state = value.get(field) if isinstance(value, dict) else None
    return state if isinstance(state, str) else None
