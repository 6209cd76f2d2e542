"""Plays nights on clusters: the promises of `cluster_night` on every broker that is claimed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.faults import mutants
from tests.faults.cluster_night import AGENTS, COMMANDS, Night
from tests.faults.clusters import NEEDS, OPEN, Brokers
from tests.faults.harness import Harness, RunTrial, Setting, Trial

MUTANTS = (
    mutants.NO_DUPLICATE_CHECK,
    mutants.RUNS_AGAIN_AFTER_CRASH,
    mutants.EXPIRY_ON_ARRIVAL_ONLY,
    mutants.TAKES_PUBACK_FOR_DELIVERY,
    "never-gives-way",
)

Phase = Callable[[Night], object]


def play(brokers: Brokers, settings: Sequence[Setting], number: int) -> list[Trial]:
    """Play one night of each setting, side by side; the same node dies in the middle of all."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(settings)) as threads:
        nights = [Night(setting, brokers, number) for setting in settings]
        broken: dict[Night, str] = {}
        verdicts: dict[Night, Trial] = {}

        def go(phase: Phase, night: Night) -> None:
            try:
                result = phase(night)
            except AssertionError as error:
                broken[night] = str(error)
            else:
                if isinstance(result, Trial):
                    verdicts[night] = result

        def all_go(phase: Phase) -> None:
            list(threads.map(partial(go, phase), [one for one in nights if one not in broken]))

        for night in nights:
            stack.callback(night.close)
        all_go(Night.open)
        all_go(Night.work)
        _strike(brokers, number, lambda: all_go(Night.befall))
        all_go(Night.judge)
        return [verdicts.get(one) or Trial(broken=[broken[one]]) for one in nights]


def _strike(brokers: Brokers, number: int, meanwhile: Callable[[], None]) -> None:
    """Kill one node, and start it again after the meanwhile; one that is alone, at once."""
    victim = brokers.nodes[number % len(brokers.nodes)]
    victim.kill()
    if len(brokers.nodes) == 1:
        victim.start()
    meanwhile()
    if len(brokers.nodes) > 1:
        victim.start()
    victim.until_ready()


@contextlib.contextmanager
def _open(kind: str, setting: Setting) -> Iterator[RunTrial]:
    folder = setting.folder / kind
    folder.mkdir(parents=True)
    with OPEN[kind](folder) as brokers:
        yield lambda number: play(brokers, [setting], number)[0]


HARNESSES = tuple(
    Harness(
        name=f"cluster-{kind}",
        promise="G1, G3, G5, G8",
        title=f"A node of {kind} that dies takes no command, no deadline and no truth with it",
        full=100 * len(AGENTS) * COMMANDS,
        gate=len(AGENTS) * COMMANDS,
        mutants=MUTANTS,
        open=partial(_open, kind),
        needs=(NEEDS[kind],),
    )
    for kind in OPEN
)
"""For the soak. The gate plays them in `test_clusters`, where nights share a cluster."""
