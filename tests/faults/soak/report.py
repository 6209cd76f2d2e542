"""The shape of a soak's report: what each harness has shown so far, on disk after every trial."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.harness import Harness, Trial, percentile

FORMAT = 1

MOST_SENTENCES = 20
"""Breaks and errors that are kept word by word; the others are counted."""

DIGITS = 6


class NoReport(Exception):
    """The file is no report of a soak; the text says what to do."""


@dataclass
class Mutant:
    """How one mutant fared: `caught` by the sentence `how`, after `count` tests of the promise."""

    caught: bool
    count: int
    how: str = ""


@dataclass
class Record:
    """What one harness has shown.

    Attributes:
        number: of the next trial; counts on over interruptions, so that none is run twice.
        broken: the first breaks, one sentence each; `breaks` is how many there were.
        errors: the first trials that could not be judged; `failures` is how many there were.
        missing: what the machine does not have, so that it cannot run at all.
        values: all that was measured, by name.
        limits: for a figure's name, the percentile and the most that it may be.
    """

    name: str
    promise: str
    title: str
    full: int
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    count: int = 0
    trials: int = 0
    number: int = 0
    breaks: int = 0
    broken: list[str] = field(default_factory=list)
    failures: int = 0
    errors: list[str] = field(default_factory=list)
    missing: str = ""
    mutants: dict[str, Mutant] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Take one trial in."""
        self.number += 1
        self.trials += 1
        self.count += trial.count
        self.breaks += len(trial.broken)
        self.broken += trial.broken[: MOST_SENTENCES - len(self.broken)]
        for name, value in trial.figures.items():
            self.values.setdefault(name, []).append(float(f"{value:.{DIGITS}g}"))

    def fail(self, sentence: str) -> None:
        """Note a trial that could not be judged; its number is not used again."""
        self.number += 1
        self.failures += 1
        self.errors += [sentence][: MOST_SENTENCES - len(self.errors)]

    @property
    def left(self) -> int:
        """How many tests of the promise are missing."""
        return max(0, self.full - self.count)

    @property
    def untried(self) -> list[str]:
        """The mutants that have not been run yet."""
        return [build for build in self.wanted if build not in self.mutants]

    @property
    def escaped(self) -> list[str]:
        """The mutants that passed for healthy."""
        return [build for build, mutant in self.mutants.items() if not mutant.caught]

    @property
    def excesses(self) -> list[str]:
        """The limits that are not kept, one sentence each."""
        return [
            f"{figure['name']}: p{figure['percent']:g} is {figure['found']:.3g}, "
            f"promised is at most {figure['limit']:g}"
            for figure in self.figures()
            if figure["is_over"]
        ]

    @property
    def bound(self) -> float | None:
        """The rate of failures is below this (95 % sure) where none was seen: the rule of three."""
        return 3 / self.count if self.count and not self.breaks else None

    @property
    def is_good(self) -> bool:
        """Nothing speaks against the promise; it may be short of its full count."""
        return not (self.breaks or self.failures or self.missing or self.escaped or self.excesses)

    def figures(self) -> list[dict[str, Any]]:
        """Sum up what was measured: name, p50, p99, max; and where limited, how that was kept."""
        told = []
        for name, values in self.values.items():
            figure: dict[str, Any] = {
                "name": name,
                "p50": percentile(values, 50),
                "p99": percentile(values, 99),
                "max": max(values),
                "is_over": False,
            }
            if name in self.limits:
                percent, limit = self.limits[name]
                found = percentile(values, percent)
                figure |= {"percent": percent, "limit": limit, "found": found}
                figure["is_over"] = found > limit
            told.append(figure)
        return told


@dataclass
class Run:
    """One stretch of a soak: of which commit, from when on (RFC 3339), for how many seconds."""

    commit: str
    start: str
    seconds: float = 0.0


@dataclass
class Report:
    """Everything that a soak has shown, in the order of the harnesses."""

    machine: dict[str, Any]
    runs: list[Run] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)

    def record(self, harness: Harness) -> Record:
        """The record of a harness, with its title, count and limits as they are now."""
        found = self.records.setdefault(
            harness.name, Record(harness.name, harness.promise, harness.title, harness.full)
        )
        found.promise, found.title = harness.promise, harness.title
        found.full, found.limits = harness.full, dict(harness.limits)
        found.wanted, found.missing = list(harness.mutants), ""
        return found

    @property
    def seconds(self) -> float:
        """How long all runs together took."""
        return sum(run.seconds for run in self.runs)

    @property
    def is_good(self) -> bool:
        """Nothing was broken, and no mutant passed for healthy."""
        return all(record.is_good for record in self.records.values())

    def save(self, path: Path) -> None:
        """Write it as a whole: whoever reads finds the old one or the new one."""
        table = {
            "format": FORMAT,
            "machine": self.machine,
            "commit": self.runs[-1].commit if self.runs else "",
            "start": self.runs[0].start if self.runs else "",
            "seconds": round(self.seconds, 1),
            "runs": [asdict(run) for run in self.runs],
            "harnesses": [_as_table(record) for record in self.records.values()],
        }
        new = path.with_name(f"{path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(table, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def load(path: Path) -> Report:
    """Read a report, to go on with it.

    Raises:
        NoReport: the file is none of ours.
    """
    try:
        table = json.loads(path.read_text("utf-8"))
        if table["format"] != FORMAT:
            raise NoReport(
                f"{path} has format {table['format']}, not {FORMAT}; --fresh begins anew"
            )
        records = [_from_table(each) for each in table["harnesses"]]
        return Report(
            table["machine"],
            [Run(**run) for run in table["runs"]],
            {record.name: record for record in records},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NoReport(f"{path} is no report of a soak ({error!r}); --fresh begins anew") from None


def _as_table(record: Record) -> dict[str, Any]:
    """Everything that was noted, and what follows from it, for readers of the file."""
    found = {"bound": record.bound, "figures": record.figures(), "excesses": record.excesses}
    return asdict(record) | found


def _from_table(table: dict[str, Any]) -> Record:
    noted = {key: value for key, value in table.items() if key in Record.__dataclass_fields__}
    noted["mutants"] = {build: Mutant(**each) for build, each in noted["mutants"].items()}
    noted["limits"] = {name: (limit[0], limit[1]) for name, limit in noted["limits"].items()}
    return Record(**noted)
