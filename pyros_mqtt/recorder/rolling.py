"""One night of one channel -> its minutes and hours."""

from __future__ import annotations

from pyros_mqtt.archive.assembly import Bins, assemble, merged
from pyros_mqtt.archive.rows import micros
from pyros_mqtt.archive.steps import HOUR, MINUTE, of_samples, to_rolls
from pyros_mqtt.archive.store import Store

AT_ONCE = 50_000
"""Rows that are deleted in one statement."""


def roll_night(store: Store, source: int, span: tuple[float, float], *, add: bool) -> None:
    """Keep a night's means, minima, maxima and counts of each minute and hour.

    An hour is read at a time, so that memory is bounded.

    Args:
        store: where from and where to.
        source: the channel.
        span: of the night, POSIX seconds.
        add: the night's samples have been deleted before, so what is there has come late: it is
            added to what was kept, and deleted, too.
    """
    start, stop = span
    ends = micros(start), micros(stop)
    if store.next_after(source, ends[0]) is None and add:
        return
    minutes: dict[str, list[Bins]] = {}
    at = start
    while at < stop:
        end = min(at + HOUR, stop)
        samples = assemble(store.samples(source, micros(at), micros(end)), at, end)
        for name, one in of_samples(samples, MINUTE).items():
            minutes.setdefault(name, []).append(one)
        at = end
    by_field = {name: merged(some, MINUTE) for name, some in minutes.items()}
    with store.together():
        for step in (MINUTE, HOUR):
            rolls = [
                roll
                for name, one in by_field.items()
                for roll in to_rolls(name, merged([one], step))
            ]
            store.write_rolls(source, step, None if add else ends, rolls)
        while add and store.delete("samples", source, ends[1], AT_ONCE) == AT_ONCE:
            pass
