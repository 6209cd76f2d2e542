"""An invented sky: the same place always shows the same stars, as many as the real one has.

The sky is cut into cells of a quarter of a degree, and each cell's stars are thrown with dice that
are marked with the cell's number. How many: the mean counts of stars by visual magnitude in Allen,
Astrophysical Quantities (3rd edition, section 117), more of them towards the Milky Way.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, ceil, cos, exp, floor, radians, sin

import numpy as np
from erfa import ufunc as erfa
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CELL = 0.25
"""Degrees on each side of a cell of the sky."""

_BANDS = round(180 / CELL)
_NEAR_THE_POLE = 89.9
_MAGNITUDES = np.array([5.0, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
_LOG_COUNTS = np.array(
    [-1.4, -0.9, -0.5, 0.0, 0.4, 0.9, 1.3, 1.6, 2.0, 2.3, 2.6, 2.9, 3.2, 3.4, 3.7, 3.9]
)
"""log10 of the stars brighter than each magnitude, in a square degree of average sky."""


@dataclass(frozen=True, slots=True)
class Stars:
    """Columns of one length: ICRS degrees and visual magnitude."""

    ra: Floats
    dec: Floats
    magnitude: Floats


def stars_near(ra: float, dec: float, radius: float) -> Stars:
    """List all stars down to magnitude 20 in the cells that come within `radius` of a place.

    Angles are degrees; `radius` is meant to be small, a telescope's field.
    """
    cells = [
        _stars_of(band, cell)
        for band in range(max(0, floor((dec - radius + 90) / CELL)), _BANDS)
        if band * CELL - 90 <= dec + radius
        for cell in _cells_near(ra, dec, radius, band)
    ]
    return Stars(*np.concatenate(cells, axis=1))


def _cells_in(band: int) -> int:
    return max(1, round(360 * cos(radians((band + 0.5) * CELL - 90)) / CELL))


def _cells_near(ra: float, dec: float, radius: float, band: int) -> list[int]:
    """Number the cells of one band, a ring around the pole, that the field may touch."""
    count = _cells_in(band)
    if abs(dec) + radius >= _NEAR_THE_POLE:
        return list(range(count))
    half = np.degrees(asin(sin(radians(radius)) / cos(radians(dec)))) * count / 360
    middle = ra * count / 360
    first, last = floor(middle - half), ceil(middle + half)
    return sorted({cell % count for cell in range(first, last)})


def _stars_of(band: int, cell: int) -> Floats:
    """Throw one cell's stars: rows of ra, dec, magnitude."""
    dice = np.random.default_rng([band, cell, 1609])
    south, north = (sin(radians((band + edge) * CELL - 90)) for edge in (0, 1))
    west, width = 360 / _cells_in(band) * cell, 360 / _cells_in(band)
    area = width * np.degrees(north - south)
    count = dice.poisson(area * _crowding(west, (band + 0.5) * CELL - 90) * 10 ** _LOG_COUNTS[-1])
    brighter = np.log10(1 - dice.random(count)) + _LOG_COUNTS[-1]
    return np.array(
        [
            west + width * dice.random(count),
            np.degrees(np.arcsin(dice.uniform(south, north, count))),
            np.interp(brighter, _LOG_COUNTS, _MAGNITUDES),
        ]
    )


def _crowding(ra: float, dec: float) -> float:
    """Say how many stars there are for one of the average sky: 0.2 at the galactic poles, 3.5."""
    _, latitude = erfa.icrs2g(radians(ra), radians(dec))
    return 0.2 + 3.3 * exp(-abs(np.degrees(latitude)) / 15)
