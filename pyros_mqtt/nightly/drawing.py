"""Time lines and curves as SVG, to stand in a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

import numpy as np

from pyros_mqtt.archive.curves import Curve, share
from pyros_mqtt.nightly.lives import Span
from pyros_mqtt.nightly.night import Strip
from pyros_mqtt.plain_text import one_line

WIDTH = 1000
LEFT = 190
ROW = 22
CURVE = 120

COLOURS = {
    "ready": "#3a9d5d",
    "busy": "#2f7fc1",
    "starting": "#9ec9e8",
    "stopping": "#9ec9e8",
    "degraded": "#e0a526",
    "fault": "#c8382e",
    "lost": "#c8382e",
    "silent": "#8c2b6a",
    "stopped": "#b8bcc2",
}
"""A colour for each state; the words stand beside them, so colour is never all."""

TRUE, FALSE = "#2f7fc1", "#8883"
"""Neither is good in itself: it may rain, or be safe."""


class Axis:
    """Moments across the page."""

    def __init__(self, start: float, stop: float) -> None:
        self._start = start
        self._scale = (WIDTH - LEFT - 10) / max(stop - start, 1.0)
        self._stop = stop

    def x(self, moment: float) -> float:
        """Say where a moment is."""
        inside = min(max(moment, self._start), self._stop)
        return round(LEFT + (inside - self._start) * self._scale, 2)

    def hours(self) -> list[float]:
        """Whole hours, so many that their labels fit."""
        span = self._stop - self._start
        step = next((s for s in (60, 300, 900, 3600, 7200, 10800) if span / s <= 13), 21600)  # noqa: PLR2004 - labels
        first = -(-self._start // step) * step
        return [first + i * step for i in range(int((self._stop - first) // step) + 1)]

    def grid(self, height: float) -> str:
        """Draw the hours, with their labels below."""
        parts = []
        for moment in self.hours():
            x = self.x(moment)
            label = f"{datetime.fromtimestamp(moment, UTC):%H:%M}"
            parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height}"/>')
            parts.append(f'<text class="hour" x="{x}" y="{height + 14}">{label}</text>')
        return "".join(parts)


def time_lines(lives: dict[str, list[Span]], axis: Axis) -> str:
    """Draw a row an agent, with a bar for each state."""
    rows = []
    for number, (agent, spans) in enumerate(lives.items()):
        y = number * ROW
        rows.append(_label(agent, y))
        for one in spans:
            words = f"{agent}: {one.state} {clock(one.start)} to {clock(one.stop)}"
            words += f", {one.detail}" if one.detail else ""
            rows.append(_bar(axis, one.start, one.stop, y, COLOURS.get(one.state, "#777"), words))
    return _svg(axis, len(lives) * ROW, rows, "states of the agents over the night")


def strip_lines(strips: Sequence[Strip], axis: Axis) -> str:
    """Draw a row a truth: dark where it is so."""
    rows = []
    for number, strip in enumerate(strips):
        y = number * ROW
        rows.append(_label(strip.name, y))
        for start, stop, truth in strip.spans:
            words = f"{strip.name}: {'yes' if truth else 'no'} {clock(start)} to {clock(stop)}"
            rows.append(_bar(axis, start, stop, y, TRUE if truth else FALSE, words))
    return _svg(axis, len(strips) * ROW, rows, "what was so, and what was not")


def curve_lines(panel: Iterable[Curve], axis: Axis) -> str:
    """Draw one channel: its mean as a line, its extremes as a band."""
    parts: list[str] = []
    for curve in panel:
        parts += _curve(curve, axis)
    return _svg(axis, CURVE, parts, "a measurement over the night")


def _curve(curve: Curve, axis: Axis) -> list[str]:
    """Draw a curve with its name and extremes; one that never changed goes through the middle."""
    low, high = float(np.min(curve.low)), float(np.max(curve.high))

    def y(value: float) -> float:
        return round(CURVE - 8 - share(float(value), low, high) * (CURVE - 16), 2)

    xs = [axis.x(float(one)) for one in curve.times]
    tops = [f"{x},{y(one)}" for x, one in zip(xs, curve.high, strict=True)]
    lows = [f"{x},{y(one)}" for x, one in zip(xs, curve.low, strict=True)]
    mean = [(x, y(one)) for x, one in zip(xs, curve.mean, strict=True)]
    name = safe(f"{curve.name} {f'[{curve.unit}]' if curve.unit else ''}".strip())
    parts = [f'<polygon class="band" points="{" ".join([*tops, *lows[::-1]])}"/>']
    if len(mean) > 1:
        points = " ".join(f"{x},{height}" for x, height in mean)
        parts.append(f'<polyline class="mean" points="{points}"/>')
    else:
        ((x, height),) = mean
        moment = clock(float(curve.times[0]))
        dot = f'<circle class="dot" cx="{x}" cy="{height}" r="3">'
        parts.append(f"{dot}<title>{float(curve.mean[0]):.5g} at {moment}</title></circle>")
    parts.append(f'<text class="name" x="{LEFT + 6}" y="14">{name}</text>')
    ends = ((high, 14), (low, CURVE - 4)) if high > low else ((high, CURVE / 2 + 4),)
    for value, place in ends:
        parts.append(f'<text class="label" x="{LEFT - 8}" y="{place}">{value:.5g}</text>')
    return parts


def safe(text: str) -> str:
    """Write a text so that it neither marks up the page nor turns or hides its letters."""
    return escape(one_line(text))


def clock(moment: float) -> str:
    """Write a moment as 20:14:03."""
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"


def _label(text: str, y: float) -> str:
    shown = text if len(text) <= 28 else f"{text[:27]}…"  # noqa: PLR2004 - what fits
    return (
        f'<text class="label" x="{LEFT - 8}" y="{y + ROW - 7}">{safe(shown)}'
        f"<title>{safe(text)}</title></text>"
    )


def _bar(  # noqa: PLR0913, PLR0917 - a bar's place, colour and words
    axis: Axis, start: float, stop: float, y: float, colour: str, words: str
) -> str:
    x = axis.x(start)
    width = max(1.0, round(axis.x(stop) - x, 2))
    return (
        f'<rect x="{x}" y="{y + 3}" width="{width}" height="{ROW - 6}" fill="{colour}">'
        f"<title>{safe(words)}</title></rect>"
    )


def _svg(axis: Axis, height: float, parts: Iterable[str], what: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height + 20}" role="img" aria-label="{safe(what)}">'
        f"{axis.grid(height)}{''.join(parts)}</svg>"
    )
