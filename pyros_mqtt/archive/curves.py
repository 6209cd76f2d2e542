"""Channels as curves: what a plot draws, whatever it draws with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pyros_mqtt.archive.assembly import Array
from pyros_mqtt.errors import ArchiveError

if TYPE_CHECKING:
    from pyros_mqtt.archive.reading import Archive

STEPS = 1500
"""A curve has at most so many points; between two of them its extremes are drawn."""

_MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Curve:
    """One channel, or one field of it: mean and extremes of each step."""

    name: str
    unit: str
    times: Array
    mean: Array
    low: Array
    high: Array


def curves(
    archive: Archive, agent: str, channel: str, start: float | None, stop: float | None
) -> list[Curve]:
    """Read a channel's curves, one a field that has numbers.

    Raises:
        ArchiveError: it was never recorded, or has no numbers.
    """
    first, last = _span(archive, agent, channel, start, stop)
    every = step_for(last - first)
    read = archive.read(agent, channel, first, last, every)
    found = []
    for name in read.columns:
        if name == _MEAN or name.endswith(f"_{_MEAN}"):
            field = name.removesuffix(_MEAN)
            there = read.columns[f"{field}count"] > 0
            label = f"{agent} {channel}" + (f" {field[:-1]}" if field else "")
            parts = (read.columns[f"{field}{which}"][there] for which in (_MEAN, "min", "max"))
            found.append(Curve(label, read.unit, read.times[there] + every / 2, *parts))
    if not found:
        raise ArchiveError(f"{channel} of {agent} has no numbers to draw in this time")
    return found


def step_for(span: float) -> float:
    """Choose the step for a span, so that it fits what housekeeping keeps of long ones."""
    step = max(span / STEPS, 1e-3)
    for whole in (3600.0, 60.0):
        if step > whole:
            return math.ceil(step / whole) * whole
    return step


def _span(
    archive: Archive, agent: str, channel: str, start: float | None, stop: float | None
) -> tuple[float, float]:
    ends = archive.ends(agent, channel) or (0.0, 0.0)
    first = ends[0] if start is None else start
    last = max(ends[1] + 1e-3, first + 1e-3) if stop is None else stop
    if not first < last:
        raise ArchiveError("the time to draw ends before it begins")
    return first, last


def share(value: float, low: float, high: float) -> float:
    """Say where a value lies from `low` (0) to `high` (1); in the middle where they are one."""
    if low == high:
        return 0.5
    return (value / 2 - low / 2) / (high / 2 - low / 2)  # the whole may be more than a double holds


def in_blocks(curve: Curve, width: int, height: int) -> list[str]:
    """Draw a curve in braille dots: lines of `width` characters, the highest first."""
    low, high = float(np.min(curve.low)), float(np.max(curve.high))
    begin, end = float(curve.times[0]), float(curve.times[-1])
    across = ((curve.times - begin) / ((end - begin) or 1.0) * (2 * width - 1)).astype(int)
    dots = np.zeros((4 * height, 2 * width), dtype=bool)
    for x, bottom, top in zip(across, curve.low, curve.high, strict=True):
        rows = [
            round((4 * height - 1) * (1 - share(float(one), low, high))) for one in (top, bottom)
        ]
        dots[rows[0] : rows[1] + 1, x] = True
    return ["".join(_letter(dots, x, y) for x in range(width)) for y in range(height)]


_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille letter, from U+2800, by row and column."""


def _letter(dots: Array, x: int, y: int) -> str:
    bits = sum(
        bit
        for row, pair in enumerate(_DOTS)
        for column, bit in enumerate(pair)
        if dots[4 * y + row, 2 * x + column]
    )
    return chr(0x2800 + bits)
