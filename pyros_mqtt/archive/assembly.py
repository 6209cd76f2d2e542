"""Rows of a channel -> columns of arrays, and columns -> steps of time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pyros_mqtt.archive.block import unpack
from pyros_mqtt.archive.rows import LATE, MICRO

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

LARGEST = float(np.finfo(float).max)


@dataclass(slots=True)
class Samples:
    """Samples in order of time, a column a field; `quality` 0 good, 1 uncertain, 2 bad."""

    times: Array
    columns: dict[str, Array]
    quality: Array
    late: Array


@dataclass(slots=True)
class Bins:
    """What became of a column in steps of time that have values: starts in POSIX seconds."""

    starts: Array
    n: Array
    low: Array
    high: Array
    total: Array


def assemble(rows: Iterable[tuple[Any, ...]], start: float, stop: float) -> Samples:
    """Gather what rows hold from `start` until before `stop`."""
    parts: list[tuple[Array, dict[str, Any], Array]] = []
    singles: tuple[array[float], array[float], bytearray] = array("d"), array("d"), bytearray()
    for t, _seq, n, flags, value, body in rows:
        if body is None:
            singles[0].append(t / MICRO)
            singles[1].append(float("nan") if value is None else value)
            singles[2].append(flags)
        else:
            block = unpack(bytes(body), n)
            marks = np.full(n, flags, np.uint8)
            if block.qualities is not None:
                marks = (marks & LATE) + np.array(block.qualities, np.uint8)
            parts.append((np.array(block.times), block.columns, marks))
    if singles[0] or not parts:
        parts.append(
            (np.array(singles[0]), {"": singles[1]}, np.frombuffer(bytes(singles[2]), np.uint8))
        )
    return _ordered(parts, start, stop)


def _ordered(
    parts: list[tuple[Array, dict[str, Any], Array]], start: float, stop: float
) -> Samples:
    times = np.concatenate([part[0] for part in parts])
    flags = np.concatenate([part[2] for part in parts])
    names = list(dict.fromkeys(name for part in parts for name in part[1]))
    columns = {name: _joined(name, parts) for name in names}
    if len(times) > 1 and not np.all(times[1:] >= times[:-1]):
        order = np.argsort(times, kind="stable")
        times, flags = times[order], flags[order]
        columns = {name: column[order] for name, column in columns.items()}
    inside = slice(int(np.searchsorted(times, start)), int(np.searchsorted(times, stop)))
    flags = flags[inside]
    return Samples(
        times[inside],
        {name: column[inside] for name, column in columns.items()},
        flags & (LATE - 1),
        (flags & LATE) > 0,
    )


def _joined(name: str, parts: list[tuple[Array, dict[str, Any], Array]]) -> Array:
    """Join a column; where a message had no such field it is missing."""
    found = [part[1].get(name) for part in parts]
    if all(one is None or isinstance(one, array) for one in found):
        return np.concatenate(
            [
                np.full(len(part[0]), np.nan) if one is None else np.array(one)
                for one, part in zip(found, parts, strict=True)
            ]
        )
    whole = np.empty(sum(len(part[0]) for part in parts), dtype=object)
    at = 0
    for one, part in zip(found, parts, strict=True):
        count = len(part[0])
        whole[at : at + count] = [None] * count if one is None else _objects(one)
        at += count
    return whole


def _objects(column: Any) -> list[Any]:
    if isinstance(column, array):
        return [None if value != value else value for value in column]  # noqa: PLR0124 - NaN
    return list(column)


def bins(times: Array, values: Array, every: float) -> Bins:
    """Sum up values in steps of `every` seconds, counted from 1970; NaN is no value."""
    there = ~np.isnan(values)
    times, values = times[there], values[there]
    if not len(times):
        empty = np.empty(0)
        return Bins(empty, np.empty(0, np.int64), empty, empty, empty)
    number = np.floor(times / every)
    first = np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))
    return Bins(
        number[first] * every,
        np.diff(np.append(first, len(times))),
        np.minimum.reduceat(values, first),
        np.maximum.reduceat(values, first),
        _sums(values, first),
    )


def merged(many: list[Bins], every: float) -> Bins:
    """Sum up bins in longer steps; also such as are of the same step."""
    starts = np.concatenate([one.starts for one in many])
    if not len(starts):
        return many[0]
    order = np.argsort(starts, kind="stable")
    number = np.floor((starts[order] + min(1e-6, every / 4)) / every)
    first = np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))

    def whole(name: str) -> Array:
        return np.concatenate([getattr(one, name) for one in many])[order]

    return Bins(
        number[first] * every,
        np.add.reduceat(whole("n"), first),
        np.minimum.reduceat(whole("low"), first),
        np.maximum.reduceat(whole("high"), first),
        _sums(whole("total"), first),
    )


def _sums(values: Array, first: Array) -> Array:
    """Add up; a sum that no double holds is the largest one."""
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(values, first)
    return np.clip(sums, -LARGEST, LARGEST)
