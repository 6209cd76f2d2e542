"""What a promise's proof is made of: one harness, its trials, its mutants, its count."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

Figures = dict[str, float]
"""What one trial has measured, by name; seconds, unless the name says otherwise."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one trial has shown: how often the promise was put to the test, and how it was broken.

    Attributes:
        count: how many times this trial counts, such as its 20 commands.
        broken: one sentence for each break of the promise; empty where it held.
        figures: what was measured on the way.
    """

    count: int = 1
    broken: list[str] = field(default_factory=list)
    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the trials of one run share.

    Attributes:
        folder: their own, empty at the start.
        build: what the processes under test run: "healthy", or the name of a mutant.
    """

    folder: Path
    build: str = "healthy"


RunTrial = Callable[[int], Trial]
"""Runs the trial of this number; numbers count on over resumed runs, and vary what a trial does."""


@dataclass(frozen=True, slots=True)
class Harness:
    """Puts one promise to the test, as often as it is asked.

    Attributes:
        name: of this harness, such as "g3-failpoints"; a promise may have several.
        promise: such as "G3".
        title: what is promised, in one line for people.
        full: the count of the full run, in the unit of `Trial.count`.
        gate: the count in the test run that gates every change: enough to catch each mutant;
            0: it takes too long for that, and only the soak runs it.
        mutants: builds that the trials of the gate have to catch.
        limits: for a figure's name, the percentile (0-100) and the most that it may be over a run.
        open: makes what all trials share (brokers, proxies, agents that stay), gives the function
            that runs one, and takes everything down.
        needs: what the machine must offer, as `tests.need` names it.
    """

    name: str
    promise: str
    title: str
    full: int
    gate: int
    mutants: tuple[str, ...]
    open: Callable[[Setting], AbstractContextManager[RunTrial]]
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    needs: tuple[str, ...] = ("mosquitto",)


@dataclass
class Tally:
    """The sum of trials; can be carried on."""

    count: int = 0
    trials: int = 0
    broken: list[str] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Take one trial in."""
        self.trials += 1
        self.count += trial.count
        self.broken += trial.broken
        for name, value in trial.figures.items():
            self.figures.setdefault(name, []).append(value)


def trials(
    harness: Harness, setting: Setting, count: int, begun: int = 0
) -> Generator[Trial, None, None]:
    """Run trials until `count` is reached, from the trial number `begun` on."""
    done, number = 0, begun
    with harness.open(setting) as run:
        while done < count:
            trial = run(number)
            yield trial
            done += max(1, trial.count)
            number += 1


TRIES = 3
"""So many times the gate's count a mutant has, since chance decides in which trial it shows."""


def percentile(values: list[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def excesses(harness: Harness, tally: Tally) -> list[str]:
    """The limits that a run's figures do not keep, one sentence each."""
    told = []
    for name, (percent, most) in harness.limits.items():
        values = tally.figures.get(name)
        if values and (found := percentile(values, percent)) > most:
            told.append(f"{name}: p{percent:g} is {found:.3g}, promised is at most {most:g}")
    return told
