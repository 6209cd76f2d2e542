"""A night ends well on mosquitto and on a NATS cluster, though one of the nodes is killed.

The same nights on RabbitMQ, whose three nodes take up to a minute to start, are for the soak:
`scripts/soak --only cluster-rabbitmq`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults import mutants
from tests.faults.builds import HEALTHY
from tests.faults.clusters import NEEDS, OPEN
from tests.faults.g_clusters import MUTANTS, play
from tests.faults.harness import Setting
from tests.need import need

BUILDS: dict[str, tuple[str, ...]] = {
    "mosquitto": MUTANTS,
    "nats": (mutants.NO_DUPLICATE_CHECK,),
}
"""The mutants that share the night of the healthy ones; the soak tries all of them everywhere."""

Told = dict[str, list[str]]
"""What was broken, by build."""


def _one_night(kind: str, folder: Path) -> Told:
    place, builds = folder / kind, (HEALTHY, *BUILDS[kind])
    place.mkdir()
    with OPEN[kind](place) as brokers:
        trials = play(brokers, [Setting(place, build) for build in builds], number=0)
    return {build: trial.broken for build, trial in zip(builds, trials, strict=True)}


def _here() -> Sequence[str]:
    """The kinds that this machine has; in CI a missing one is a failure."""
    here = []
    for kind in BUILDS:
        try:
            need(NEEDS[kind])
        except pytest.skip.Exception:
            continue
        here.append(kind)
    return here


@pytest.mark.timeout(400)  # three nodes start in turn, and a cluster takes its time to vote
def test_a_night_ends_well_on_each_broker_though_a_node_is_killed(tmp_path: Path) -> None:
    """All at once, since most of it is waiting."""
    nights: dict[str, Future[Told]] = {}
    with ThreadPoolExecutor(len(BUILDS)) as threads:
        for kind in _here():
            nights[kind] = threads.submit(_one_night, kind, tmp_path)
    told = {kind: night.result() for kind, night in nights.items()}
    broken = {kind: healthy for kind, one in told.items() if (healthy := one.pop(HEALTHY))}
    assert broken == {}
    passing = [(kind, build) for kind, one in told.items() for build in one if not one[build]]
    assert passing == [], "they pass for healthy"
    if missing := set(BUILDS) - set(told):
        pytest.skip(f"tried without {', '.join(sorted(missing))}: scripts/setup tests brings them")
