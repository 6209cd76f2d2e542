"""The arithmetic of results: quantiles, medians of rounds, histograms. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

BINS_A_DECADE = 50
"""Bins of a histogram are 4.7 % wide."""


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all are, between two where it falls between them.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values have no quantile")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds that have it."""
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: statistics.median(one[name] for one in rounds if name in one) for name in names}


def histogram(values: Iterable[float]) -> dict[str, int]:
    """Count values in bins of equal ratio; each is called by its lower edge."""
    counts: dict[int, int] = {}
    for value in values:
        place = math.floor(math.log10(max(value, 1e-9)) * BINS_A_DECADE)
        counts[place] = counts.get(place, 0) + 1
    return {f"{10 ** (place / BINS_A_DECADE):.4g}": counts[place] for place in sorted(counts)}


def merged(histograms: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add histograms up."""
    total: dict[str, int] = {}
    for one in histograms:
        for edge, count in one.items():
            total[edge] = total.get(edge, 0) + count
    return dict(sorted(total.items(), key=lambda item: float(item[0])))


def cumulative(bins: Mapping[str, int]) -> tuple[list[float], list[float]]:
    """Edges, and the share of all values that lie below the end of each bin."""
    total, so_far = sum(bins.values()), 0
    edges, shares = [], []
    for edge, count in bins.items():
        so_far += count
        edges.append(float(edge))
        shares.append(so_far / total)
    return edges, shares
