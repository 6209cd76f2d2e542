"""The harnesses take turns: a slice of trials each, then a mutant each, until all are full."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.faults.harness import TRIES, Harness, Tally, Trial, excesses
from tests.faults.soak.report import Mutant, Record, Report
from tests.faults.soak.slices import HANGS, Failed, Missing, Slice, run

FIRST_SLICE, SLICE = 20.0, 120.0
"""Seconds of one turn, in the first round and later; a trial that has begun is ended."""

MOST_FAILURES = 5
"""Trials that could not be judged after which a harness is left alone."""

TOLD = 3
"""Breaks of one trial that are told at once; the report keeps more."""

PAUSE = 10.0
"""Seconds between two words on the progress within a slice."""

Say = Callable[[str], None]


class Turns:
    """Runs a soak, and keeps its report on disk after every trial.

    Args:
        until: monotonic seconds; no trial is begun after that.
        say: is told in one line what happens.
        hangs: seconds after which a trial is given up.
    """

    def __init__(  # noqa: PLR0913 - what a soak is made of
        self,
        harnesses: Sequence[Harness],
        report: Report,
        path: Path,
        *,
        until: float = float("inf"),
        say: Say = print,
        hangs: float = HANGS,
    ) -> None:
        self._harnesses = harnesses
        self._report = report
        self._path = path
        self._until = until
        self._say = say
        self._hangs = hangs
        self._began = time.monotonic()
        self._before = report.runs[-1].seconds
        self._failures: Counter[str] = Counter()
        for harness in harnesses:
            report.record(harness)

    def run(self) -> None:
        """Go round until every count is full and every mutant has been run, or time is up."""
        slice_seconds = FIRST_SLICE
        while waiting := [each for each in self._harnesses if self._has_work(each)]:
            for harness in waiting:
                if self._is_over():
                    return
                self._turn(harness, slice_seconds)
            slice_seconds = SLICE

    def _has_work(self, harness: Harness) -> bool:
        record = self._record(harness)
        if record.missing or self._failures[harness.name] >= MOST_FAILURES:
            return False
        return bool(record.left or record.untried)

    def _record(self, harness: Harness) -> Record:
        return self._report.records[harness.name]

    def _is_over(self) -> bool:
        return time.monotonic() >= self._until

    def _turn(self, harness: Harness, seconds: float) -> None:
        """One slice of the healthy build, and one mutant."""
        record = self._record(harness)
        if record.left:
            self._healthy(harness, record, seconds)
        if record.untried and not record.missing and not self._is_over():
            self._mutant(harness, record, record.untried[0])

    def _healthy(self, harness: Harness, record: Record, seconds: float) -> None:
        self._say(f"{harness.name}: {_progress(record)}; goes on with trial {record.number}")
        left = min(seconds, self._until - time.monotonic())
        piece = Slice(harness, record.left, record.number, left)
        told = time.monotonic()
        for news in run(piece, hangs=self._hangs):
            self._enter(record, news)
            self._save()
            if time.monotonic() - told > PAUSE:
                told = time.monotonic()
                self._say(f"{harness.name}: {_progress(record)}")
        self._say(f"{harness.name}: {_progress(record)}")

    def _enter(self, record: Record, news: Trial | Failed | Missing) -> None:
        number = record.number
        if isinstance(news, Missing):
            record.missing = news.what
            self._say(f"{record.name}: cannot run: {news.what}")
        elif isinstance(news, Failed):
            self._fail(record, f"trial {number}", news.why)
        else:
            record.add(_numbered(news, number))
            for sentence in news.broken[:TOLD]:
                self._say(f"{record.name}: BROKEN in trial {number}: {sentence}")
            if more := len(news.broken[TOLD:]):
                self._say(f"{record.name}: and {more} more breaks in trial {number}")

    def _fail(self, record: Record, what: str, why: str) -> None:
        self._failures[record.name] += 1
        record.fail(f"{what}: {why}")
        self._say(f"{record.name}: {what} could not be judged: {why}")

    def _mutant(self, harness: Harness, record: Record, build: str) -> None:
        """Run a build that is broken on purpose; the first break ends it."""
        tally = Tally()
        failed = ""
        for news in run(Slice(harness, TRIES * harness.gate, build=build), hangs=self._hangs):
            if isinstance(news, Trial):
                tally.add(news)
            else:
                failed = news.why if isinstance(news, Failed) else news.what
            if tally.broken or failed:
                break
        if failed and not tally.broken:
            self._fail(record, f"mutant {build}", failed)
        else:
            self._judge(harness, record, build, tally)
        self._save()

    def _judge(self, harness: Harness, record: Record, build: str, tally: Tally) -> None:
        how = [*tally.broken, *excesses(harness, tally)]
        record.mutants[build] = Mutant(bool(how), tally.count, how[0] if how else "")
        verdict = f"caught: {how[0]}" if how else "NOT CAUGHT, it passes for healthy"
        self._say(f"{harness.name}: mutant {build} {verdict}")

    def _save(self) -> None:
        self._report.runs[-1].seconds = self._before + time.monotonic() - self._began
        self._report.save(self._path)


def _numbered(trial: Trial, number: int) -> Trial:
    """Let each break tell in which trial it came, so that this can be run again."""
    return replace(trial, broken=[f"trial {number}: {each}" for each in trial.broken])


def _progress(record: Record) -> str:
    return f"{record.count} of {record.full}, {record.breaks} broken"
