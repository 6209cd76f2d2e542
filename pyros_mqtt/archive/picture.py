"""Curves as a picture, drawn by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyros_mqtt.archive.extras import bring
from pyros_mqtt.archive.output import written
from pyros_mqtt.errors import ArchiveError

if TYPE_CHECKING:
    from pyros_mqtt.archive.curves import Curve

WIDTH, HEIGHT = 10.0, 2.4
"""Inches of the picture, and of each channel in it."""


def draw(panels: list[list[Curve]], path: Path) -> None:
    """Draw a panel a channel, one below the other, on a common axis of UTC.

    Raises:
        ArchiveError: the file cannot be written, or its name tells no format.
        MissingExtra: matplotlib is not installed.
    """
    bring("matplotlib", "a picture", "plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 0.8 + HEIGHT * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        for curve in panel:
            moments = (curve.times * 1e6).astype("datetime64[us]")
            dot = "o" if len(moments) == 1 else ""  # a line of one point is none
            (line,) = axis.plot(moments, curve.mean, linewidth=1.0, marker=dot, label=curve.name)
            axis.fill_between(
                moments, curve.low, curve.high, color=line.get_color(), alpha=0.25, linewidth=0
            )
        _label(axis, panel)
    axes[-1].set_xlabel("UTC")
    with written(path) as file:
        try:
            figure.savefig(file, dpi=120)
        except ValueError as error:
            raise ArchiveError(f"{path} cannot be drawn: {error}") from None


def _label(axis: Any, panel: list[Curve]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    units = {curve.unit for curve in panel if curve.unit}
    axis.set_ylabel(", ".join(sorted(units)))
    axis.grid(visible=True, alpha=0.3)
    axis.legend(loc="upper right", fontsize="small")
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    form = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_formatter(form)
