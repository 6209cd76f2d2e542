"""Each promise holds in a small count, and its harness catches every mutant in the same count.

The figures have their limits here, too, but `scripts/soak` is what measures them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import g_clusters
from tests.faults.builds import HEALTHY
from tests.faults.harness import TRIES, Harness, Setting, Tally, excesses, trials
from tests.faults.harnesses import HARNESSES
from tests.need import need

GATE = [one for one in HARNESSES if one.gate and one not in g_clusters.HARNESSES]
"""Those of clusters share one for all of their builds: see `test_clusters`."""

MUTANTS = [(harness, build) for harness in GATE for build in harness.mutants]


def tally_of(harness: Harness, folder: Path, build: str = HEALTHY) -> Iterator[Tally]:
    """Run the gate's count as often as somebody wants the next tally, `TRIES` times at most."""
    for thing in harness.needs:
        need(thing)
    with closing(trials(harness, Setting(folder, build), TRIES * harness.gate)) as run:
        for _ in range(TRIES):
            tally = Tally()
            for trial in run:
                tally.add(trial)
                if tally.count >= harness.gate or (tally.broken and build != HEALTHY):
                    break
            yield tally


@pytest.mark.timeout(300)
@pytest.mark.parametrize("harness", GATE, ids=lambda harness: harness.name)
def test_the_promise_holds(harness: Harness, tmp_path: Path) -> None:
    """Never is it broken; a figure over its limit is looked at again: other tests run beside."""
    for tally in tally_of(harness, tmp_path):
        assert tally.broken == []
        assert tally.count >= harness.gate
        told = excesses(harness, tally)
        if not told:
            return
    pytest.fail(f"{TRIES} times in a row: {told}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("harness", "build"), MUTANTS, ids=lambda one: getattr(one, "name", one))
def test_the_harness_catches_a_mutant(harness: Harness, build: str, tmp_path: Path) -> None:
    """By chance it may behave for a while, so it has as many tries."""
    tallies = tally_of(harness, tmp_path, build)
    assert any(one.broken or excesses(harness, one) for one in tallies), f"{build} passes"
