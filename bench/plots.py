"""Results as pictures: cumulative latencies, and cost against size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.quantiles import cumulative, medians, merged
from bench.rounds import Record, Results
from bench.systems import MEMORY, OURS

SIZE = (7.5, 4.5)
"""Inches."""

OURS_COLOUR = "#c1272d"
COLOURS = (
    "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22",
    "#17becf", "#000000",
)  # fmt: skip
"""Of the others; none is near ours."""

DECADES, LABELLED = (1,), (1, 2, 5)
"""Which multiples of a power of ten have a number at an axis."""


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw what was measured; gives the files, as SVG."""
    drawn = []
    if asked := results.records.get("ask"):
        drawn.append(_latencies(asked, folder / "bench-latencies.svg"))
    if curves := results.records.get("curves"):
        drawn.append(_sizes(curves, folder / "bench-sizes.svg"))
        drawn += _crowds(curves, folder / "bench-agents.svg")
    return drawn


def _latencies(records: dict[str, Record], file: Path) -> Path:
    """How many of all commands had their result within which time."""
    figure, (axes,) = _figure(1)
    for name, record in records.items():
        edges, shares = cumulative(merged(record.histograms))
        axes.plot(edges, shares, label=name, **_line(name))
    axes.set(xlabel="a command and its result, µs", ylabel="share within that time")
    _logarithmic(axes.set_xscale, axes.xaxis)
    axes.legend(fontsize="small")
    return _save(figure, file)


def _sizes(records: dict[str, Record], file: Path) -> Path:
    """Latency and rate against the size of the payload."""
    figure, (left, right) = _figure(2)
    for name, record in records.items():
        found = medians(record.rounds)
        left.plot(*_series(found, "ask_p50_us"), "o-", label=name, **_line(name))
        right.plot(*_series(found, "oneway_per_s"), "o-", label=name, **_line(name))
    left.set(xlabel="payload, B", ylabel="command and result, p50, µs")
    right.set(xlabel="payload, B", ylabel="one-way messages/s, QoS 1")
    _both_logarithmic(left, right)
    left.legend(fontsize="small")
    return _save(figure, file)


def _crowds(records: dict[str, Record], file: Path) -> list[Path]:
    """What the fleet view costs against the number of agents."""
    found = medians(records[OURS].rounds) if OURS in records else {}
    (agents, shares), storms = _series(found, "fleet_share"), _series(found, "storm_seen_s")
    if not agents or not storms[0]:
        return []
    figure, (left, right) = _figure(2)
    left.plot(agents, [100 * one for one in shares], "o-", **_line(OURS))
    right.plot(*storms, "o-", **_line(OURS))
    left.set(xlabel="agents", ylabel="fleet view, % of a core")
    right.set(xlabel="agents", ylabel="all statuses seen, s")
    _both_logarithmic(left, right)
    return [_save(figure, file)]


def _series(found: dict[str, float], name: str) -> tuple[list[float], list[float]]:
    """The points of a curve: figures that are called NAME@SIZE."""
    points = sorted(
        (float(key.partition("@")[2]), one)
        for key, one in found.items()
        if key.startswith(f"{name}@")
    )
    return [size for size, _ in points], [one for _, one in points]


def _line(name: str) -> dict[str, Any]:
    if name == OURS:
        return {"color": OURS_COLOUR, "linewidth": 2.2}
    if name == MEMORY:
        return {"color": OURS_COLOUR, "linewidth": 1.2, "linestyle": "--"}
    return {"linewidth": 1.2}


def _both_logarithmic(*plots: Any) -> None:
    for axes in plots:
        _logarithmic(axes.set_xscale, axes.xaxis, DECADES)
        _logarithmic(axes.set_yscale, axes.yaxis)


def _logarithmic(
    set_scale: Callable[[str], None], axis: Any, labelled: Sequence[int] = LABELLED
) -> None:
    """Make an axis logarithmic, with numbers that people read."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    set_scale("log")
    axis.set_major_locator(LogLocator(subs=labelled))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _figure(count: int) -> tuple[Any, Sequence[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE if count == 1 else (SIZE[0] * 1.3, SIZE[1]), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False)[0]
    for one in axes:
        one.grid(visible=True, alpha=0.3)
        one.set_prop_cycle(color=COLOURS)
    return figure, axes


def _save(figure: Any, file: Path) -> Path:
    figure.savefig(file, metadata={"Date": None})
    return file
