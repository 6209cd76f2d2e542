"""Each promise holds in a small count, and its harness catches every mutant in the same count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import g_clusters
from tests.faults.builds import HEALTHY
from tests.faults.harness import TRIES, Harness, Setting, Tally, excesses, trials
from tests.faults.harnesses import HARNESSES
from tests.need import need

ALONE = [harness for harness in HARNESSES if harness not in g_clusters.HARNESSES]
"""Those of clusters share one for all of their builds: see `test_clusters`."""

MUTANTS = [(harness, build) for harness in ALONE for build in harness.mutants]


def tally_of(harness: Harness, folder: Path, build: str = HEALTHY) -> Tally:
    """Run the gate's count; a mutant is given up once it is caught, and has `TRIES` counts."""
    for thing in harness.needs:
        need(thing)
    tally, count = Tally(), harness.gate
    tries = 1 if build == HEALTHY else TRIES
    for trial in trials(harness, Setting(folder, build), tries * count):
        tally.add(trial)
        if build == HEALTHY:
            continue
        if tally.broken or (tally.count >= count and excesses(harness, tally)):
            break
    return tally


@pytest.mark.timeout(300)
@pytest.mark.parametrize("harness", ALONE, ids=lambda harness: harness.name)
def test_the_promise_holds(harness: Harness, tmp_path: Path) -> None:
    tally = tally_of(harness, tmp_path)
    assert tally.broken == []
    assert excesses(harness, tally) == []
    assert tally.count >= harness.gate


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("harness", "build"), MUTANTS, ids=lambda one: getattr(one, "name", one))
def test_the_harness_catches_a_mutant(harness: Harness, build: str, tmp_path: Path) -> None:
    tally = tally_of(harness, tmp_path, build)
    assert tally.broken or excesses(harness, tally), f"{build} passes for healthy"
