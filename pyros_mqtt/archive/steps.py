"""Steps of time: from samples or from what housekeeping has kept, as columns for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np

from pyros_mqtt.archive.assembly import Array, Bins, Samples, assemble, bins, merged
from pyros_mqtt.archive.rows import MICRO, Roll, micros
from pyros_mqtt.archive.store import Store

BAD = 2

MINUTE, HOUR = 60, 3600
"""Seconds of the steps that housekeeping keeps."""

AT_ONCE = 50_000
"""Samples that are summed up at once: no more of them are ever held, however many there are."""

PARTS = 64
"""Sums of so many bundles of samples are kept apart before they are summed up themselves."""


def stepped(
    store: Store,
    source: int,
    span: tuple[float, float],
    every: float,
    kept: Iterable[tuple[float, float]],
) -> dict[str, Any]:
    """Down-sample a channel: from what was `kept` of whole nights where the steps fit, else anew.

    Gives the columns of all fields on common times: mean, min, max, count.
    """
    parts: dict[str, list[Bins]] = {}
    is_anything = False
    for start, stop, step in _pieces(span, every, kept):
        for found in _gathered(store, source, start, stop, every, step):
            is_anything = True
            _put(parts, found, every)
    if not is_anything:
        parts[""] = [bins(np.empty(0), np.empty(0), every)]
    return _told(parts, every)


def _put(parts: dict[str, list[Bins]], found: dict[str, Bins], every: float) -> None:
    for name, one in found.items():
        some = parts.setdefault(name, [])
        some.append(one)
        if len(some) >= PARTS:
            some[:] = [merged(some, every)]


def _pieces(
    span: tuple[float, float], every: float, kept: Iterable[tuple[float, float]]
) -> Iterator[tuple[float, float, int]]:
    """Cut a span by nights: from kept steps of so many seconds, or (0) from the samples."""
    at, stop = span
    step = HOUR if every % HOUR == 0 else MINUTE if every % MINUTE == 0 else 0
    for begin, end in kept if step else ():
        if end <= at or begin >= stop:
            continue
        if begin > at:
            yield at, begin, 0
        yield max(at, begin), min(stop, end), step
        at = min(stop, end)
    if at < stop:
        yield at, stop, 0


def _gathered(  # noqa: PLR0913, PLR0917 - what, from when to when, in which steps, from which
    store: Store, source: int, start: float, stop: float, every: float, step: int
) -> Iterator[dict[str, Bins]]:
    """Give the bins of a span by field; from kept ones of `step` seconds, or bundles of samples."""
    first, last = _micros(start), _micros(stop)
    if step:
        rolls = sorted(store.rolls(source, step, first, last), key=lambda one: one.field)
        fields = groupby(rolls, key=lambda one: one.field)
        yield {name: of_rolls(list(those)) for name, those in fields}
        return
    for rows in _bundles(store.samples(source, first, last)):
        yield of_samples(assemble(rows, start, stop), every)


def _bundles(rows: Iterator[tuple[Any, ...]]) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Part rows into such as have `AT_ONCE` samples together; each is read before the next."""
    for first in rows:
        yield _bundle(first, rows)


def _bundle(first: tuple[Any, ...], rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield first
    count = first[2]
    while count < AT_ONCE and (row := next(rows, None)) is not None:
        yield row
        count += row[2]


def of_samples(samples: Samples, every: float) -> dict[str, Bins]:
    """Sum up the numbers of some samples that are not bad, by field.

    A field that is now a number and now a text, as a channel's that has changed its form, has its
    numbers summed up.
    """
    fine = samples.quality != BAD
    columns = {name: _numbers(column) for name, column in samples.columns.items()}
    return {
        name: bins(samples.times[fine], column[fine], every)
        for name, column in columns.items()
        if column is not None
    }


def _numbers(column: Array) -> Array | None:
    """Take the numbers out of a column, NaN for what is none; None where there are none."""
    if column.dtype != object:
        return column
    numbers = np.array([one if type(one) in {int, float} else np.nan for one in column], float)
    return None if np.isnan(numbers).all() else numbers


def of_rolls(rolls: list[Roll]) -> Bins:
    """Make bins of what was kept of one field."""
    return Bins(
        np.array([one.t for one in rolls]) / MICRO,
        np.array([one.n for one in rolls], np.int64),
        np.array([one.low for one in rolls]),
        np.array([one.high for one in rolls]),
        np.array([one.total for one in rolls]),
    )


def to_rolls(field: str, one: Bins) -> list[Roll]:
    """Make rows to be kept."""
    starts = np.round(one.starts * MICRO).astype(np.int64)
    columns = (starts, one.n, one.low, one.high, one.total)
    return [Roll(field, *row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _told(parts: dict[str, list[Bins]], every: float) -> dict[str, Any]:
    """Give the columns of all fields on common times: mean, min, max, count."""
    by_field = {name: merged(some, every) for name, some in parts.items()}
    starts = [one.starts for one in by_field.values()]
    times = np.unique(np.concatenate(starts)) if starts else np.empty(0)
    columns: dict[str, Any] = {"time": times}
    for name, one in by_field.items():
        at = np.searchsorted(times, one.starts)
        before = f"{name}_" if name else ""
        mean, low, high = (np.full(len(times), np.nan) for _ in range(3))
        count = np.zeros(len(times), np.int64)
        low[at], high[at] = one.low, one.high
        mean[at] = np.clip(one.total / np.maximum(one.n, 1), one.low, one.high)
        count[at] = one.n
        columns |= {f"{before}mean": mean, f"{before}min": low}
        columns |= {f"{before}max": high, f"{before}count": count}
    return columns


def _micros(moment: float) -> int:
    return micros(moment) if abs(moment) < 1e12 else int(np.sign(moment)) * 2**62  # noqa: PLR2004
