"""How the Earth is turned: UT1-UTC and the pole's place, without ever asking a network.

The numbers come from the IERS bulletins that the package `astropy-iers-data` brings along,
predictions of about a year included. Beyond their end the pole is taken for its mean place and
UT1 for UTC, which costs at most 15 arcseconds of azimuth.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy_iers_data import IERS_A_FILE
from numpy.typing import NDArray

_UNIX_EPOCH_MJD = 40587.0
_ARCSECOND = np.pi / 648_000
_COLUMNS = (slice(7, 15), slice(58, 68), slice(18, 27), slice(37, 46))


class Orientation(NamedTuple):
    """UT1-UTC in seconds; the pole's coordinates in radians."""

    ut1_utc: float
    pole_x: float
    pole_y: float


def orientation(when: float) -> Orientation:
    """Tell how the Earth is turned on the day of `when` (POSIX seconds); changes are slow."""
    return _of_day(int(when // 86_400))


@lru_cache(maxsize=64)
def _of_day(day: int) -> Orientation:
    mjd, *columns = _bulletin()
    noon = day + _UNIX_EPOCH_MJD + 0.5
    if not mjd[0] <= noon <= mjd[-1]:
        return Orientation(0.0, 0.0, 0.0)
    ut1_utc, pole_x, pole_y = (float(np.interp(noon, mjd, column)) for column in columns)
    return Orientation(ut1_utc, pole_x * _ARCSECOND, pole_y * _ARCSECOND)


@lru_cache(maxsize=1)
def _bulletin() -> tuple[NDArray[np.float64], ...]:
    """Read MJD, UT1-UTC, x and y; the columns are those of the IERS's `readme.finals2000A`."""
    rows = []
    for line in Path(IERS_A_FILE).read_text("ascii").splitlines():
        words = [line[column] for column in _COLUMNS]
        if all(word.strip() for word in words):
            rows.append([float(word) for word in words])
    return tuple(np.array(rows).T)
