"""Where the Moon stands, well enough to keep away from its light."""

from __future__ import annotations

from math import degrees

import numpy as np
from erfa import ufunc as erfa

from pyros_agents.astronomy.ephemeris import Equatorial

_UNIX_EPOCH_JD = 2_440_587.5


def moon(when: float) -> Equatorial:
    """Say where the Moon stands, seen from the Earth's centre, at `when` (POSIX seconds).

    Source: Meeus 1998 as in ERFA's `moon98`. From the ground it may stand a degree beside that;
    the minute by which UTC is not its time scale moves it by half an arcminute.
    """
    x, y, z = erfa.moon98(_UNIX_EPOCH_JD, when / 86_400)["p"]
    return Equatorial(
        degrees(float(np.arctan2(y, x))) % 360.0, degrees(float(np.arctan2(z, np.hypot(x, y))))
    )
