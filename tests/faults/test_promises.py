"""Each promise holds in a small count, and its harness catches every mutant in the same count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness import Harness, Setting, Tally, excesses, trials
from tests.faults.harnesses import HARNESSES
from tests.need import need

MUTANTS = [(harness, build) for harness in HARNESSES for build in harness.mutants]


def tally_of(harness: Harness, folder: Path, build: str = "healthy", *, first: bool) -> Tally:
    """Run the gate's count; `first` ends it at the first break."""
    for thing in harness.needs:
        need(thing)
    tally = Tally()
    for trial in trials(harness, Setting(folder, build), harness.gate):
        tally.add(trial)
        if first and tally.broken:
            break
    return tally


@pytest.mark.timeout(300)
@pytest.mark.parametrize("harness", HARNESSES, ids=lambda harness: harness.name)
def test_the_promise_holds(harness: Harness, tmp_path: Path) -> None:
    tally = tally_of(harness, tmp_path, first=False)
    assert tally.broken == []
    assert excesses(harness, tally) == []
    assert tally.count >= harness.gate


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("harness", "build"), MUTANTS, ids=lambda one: getattr(one, "name", one))
def test_the_harness_catches_a_mutant(harness: Harness, build: str, tmp_path: Path) -> None:
    tally = tally_of(harness, tmp_path, build, first=True)
    assert tally.broken or excesses(harness, tally), f"{build} passes for healthy"
