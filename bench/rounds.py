"""Interleaved rounds, so that whatever else the machine does hits everyone alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.quantiles import histogram, medians, merged
from bench.stage import Sample, Stage
from bench.systems import System
from bench.works import WORKS
from pyros_mqtt.errors import PyrosError

Say = Callable[[str], None]


@dataclass
class Record:
    """What one system has given in one work, round by round."""

    rounds: list[dict[str, float]] = field(default_factory=list)
    histograms: list[dict[str, int]] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Keep one measurement."""
        self.rounds.append(sample.figures)
        if sample.laps:
            self.histograms.append(histogram(lap / 1000 for lap in sample.laps))

    def told(self) -> dict[str, object]:
        """The form in which it is written: each round's figures, and their medians."""
        body: dict[str, object] = {"rounds": self.rounds, "median": medians(self.rounds)}
        if self.histograms:
            body["histogram_us"] = merged(self.histograms)
        return body


@dataclass
class Results:
    """Everything that was measured, and what could not be."""

    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def medians(self, work: str, system: str) -> dict[str, float]:
        """The medians of a system in a work; empty where it was not measured."""
        record = self.records.get(work, {}).get(system)
        return medians(record.rounds) if record else {}


def order(systems: Sequence[System], number: int) -> list[System]:
    """The systems in the order of a round, which begins with another one each time."""
    first = number % len(systems) if systems else 0
    return [*systems[first:], *systems[:first]]


def run(
    stage: Stage, systems: Sequence[System], works: Sequence[str], rounds: int, say: Say
) -> Results:
    """Measure each work with each system that can do it, round by round."""
    results = Results(records={work: {} for work in works})
    for number in range(rounds):
        for work in works:
            able = [one for one in systems if work in one.works]
            for system in order(able, number):
                say(f"round {number + 1} of {rounds}: {work}, {system.name}")
                try:
                    _measure(stage, system, work, results)
                except (PyrosError, OSError) as error:
                    results.failures.append(f"{work}, {system.name}: {error}")
                    say(results.failures[-1])
    return results


def _measure(stage: Stage, system: System, work: str, results: Results) -> None:
    sample = WORKS[work](stage, system)
    results.records[work].setdefault(system.name, Record()).add(sample)
