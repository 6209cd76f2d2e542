"""Fills a journal with ids, and measures how long a look-up and a purge take; a process of its own.

Times are made up, so that hours pass in a moment: what has ended long ago is purged at `NOW`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pyros_mqtt.journal import SqliteJournal
from pyros_mqtt.journal.table import PURGE_ROWS
from pyros_mqtt.messages import Command, Outcome, report_on
from tests.faults.harness import percentile

NOW = 1_763_841_600.0
AGO = NOW - 1000
"""When those ended that may be forgotten now."""

STEP = 10_000
"""Ids that each measurement adds to those that are remembered."""

OLD = 2 * STEP
"""Ids that each measurement adds besides, and lets the journal forget."""

LOOK_UPS = 1000

LOOK_UP = "seconds of work for a look-up (p99 of 1000)"
LOOK_UP_WAIT = "seconds until a look-up returns (median of 1000)"
LOOK_UP_TAIL = "seconds until a look-up returns (p99 of 1000)"
PURGE = "seconds of work for a write that purges (longest)"
PURGE_WAIT = "seconds until a write that purges returns (median)"
PURGE_TAIL = "seconds until a write that purges returns (longest)"
COMMIT_TAIL = "seconds until a commit returns (longest)"
"""Work is what a processor does. Until something returns others may have had the processor, so the
tails of the waits mean something only on a machine that has nothing else to do."""


class Seconds(NamedTuple):
    """What one call has taken."""

    work: float
    wait: float


def measure(path: str, number: str, result: str) -> None:
    """Bring the journal to `number` + 1 steps, measure, and write the figures to a file."""
    journal = SqliteJournal(Path(path))
    number_ = int(number)
    for step in range(number_ + 1):
        if not _is_there(journal, step):
            _fill(journal, step)
    figures = _measure(journal, number_)
    journal.close()
    Path(result).write_text(json.dumps(figures))


def _command(name: str, *, live: bool) -> Command:
    sent = NOW if live else AGO
    ttl = 3600.0 if live else 1.0
    args = {"ra": 83.633, "dec": 22.014, "side": "west"}
    return Command("dome", "goto", args, name, "ops", sent_at=sent, deadline=sent + ttl)


def _live(number: int) -> str:
    # ids are random, so that neighbours in time are none in the index
    return f"{random.Random(number).getrandbits(96):024x}"  # noqa: S311 - no secret


def _old(number: int, index: int) -> str:
    return f"{_live(index)}-{number}"


def _is_there(journal: SqliteJournal, step: int) -> bool:
    return journal.find("ops", _live((step + 1) * STEP - 1)) is not None


def _fill(journal: SqliteJournal, step: int) -> None:
    for number in range(step * STEP, (step + 1) * STEP):
        command = _command(_live(number), live=True)
        journal.write(command, report_on(command, Outcome.DONE, NOW))
        if number % 500 == 499:
            journal.commit()


def _measure(journal: SqliteJournal, number: int) -> dict[str, float]:
    for index in range(OLD):
        command = _command(_old(number, index), live=False)
        journal.write(command, report_on(command, Outcome.DONE, AGO))
    journal.commit()
    chance = random.Random(number)  # noqa: S311 - a seed
    look_ups = [_look_up(journal, chance, number, index) for index in range(LOOK_UPS)]
    purges: list[Seconds] = []
    commits: list[Seconds] = []
    for index in range(OLD // PURGE_ROWS + 2):
        for name, times in (("purging", purges), ("new", commits)):  # the first of a second purges
            command = _command(f"{name}-{number}-{index}", live=True)
            report = report_on(command, Outcome.DONE, NOW + 60 * (number + 1) + 2 * index)
            journal.write(command, report)
            times.append(_seconds(journal.commit))
    assert journal.find("ops", _old(number, 0)) is None, "nothing was forgotten"
    return {
        LOOK_UP: percentile([one.work for one in look_ups], 99),
        LOOK_UP_WAIT: percentile([one.wait for one in look_ups], 50),
        LOOK_UP_TAIL: percentile([one.wait for one in look_ups], 99),
        PURGE: max(one.work for one in purges),
        PURGE_WAIT: percentile([one.wait for one in purges], 50),
        PURGE_TAIL: max(one.wait for one in purges),
        COMMIT_TAIL: max(one.wait for one in commits),
    }


def _look_up(journal: SqliteJournal, chance: random.Random, number: int, index: int) -> Seconds:
    """Every second one is of an id that is not known."""
    name = _live(chance.randrange((number + 1) * STEP)) if index % 2 else f"unknown-{index}"
    return _seconds(lambda: journal.find("ops", name))


def _seconds(call: Callable[[], object]) -> Seconds:
    begun, worked = time.perf_counter(), time.thread_time()
    call()
    return Seconds(time.thread_time() - worked, time.perf_counter() - begun)
