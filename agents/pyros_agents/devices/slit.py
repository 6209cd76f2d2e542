"""Where the slit of a dome has to go, so that the telescope looks through it."""

from __future__ import annotations

from typing import Any

SLIT_TOLERANCE = 2.0
"""Degrees that the slit may look beside the telescope."""


def way_of_the_slit(pointing: Any, azimuth: float) -> float | None:
    """Tell the azimuth to turn to; None where the slit may stay at `azimuth`.

    Args:
        pointing: the last value of the telescope's channel, whatever it is.
        azimuth: where the slit looks, degrees from north through east.
    """
    if not isinstance(pointing, dict) or pointing.get("state") not in {"slewing", "tracking"}:
        return None
    wanted = pointing.get("az")
    if not isinstance(wanted, int | float):
        return None
    beside = abs((wanted - azimuth + 180.0) % 360.0 - 180.0)
    return wanted if beside > SLIT_TOLERANCE else None
