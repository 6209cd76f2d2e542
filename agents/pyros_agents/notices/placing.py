"""Numbers that claim to be a position -> a position in degrees ICRS, or the reason why not.

Real notices put 0, 0 where they know no place, 360 degrees where it may be anywhere, -1 where the
error is unknown, and now and then hours or galactic coordinates where degrees belong.
"""

from __future__ import annotations

from math import hypot, isfinite
from typing import Any

from pyros_agents.notices.notice import Position

ANYWHERE = 90.0
"""An error radius from here on, degrees, says nothing about the place."""

_EAST = (-180.0, 360.0)
_POLE = 90.0
_FK5_NOTE = "FK5 J2000 taken for ICRS: they differ by 0.02 arcseconds at most"


def number(value: Any) -> float | None:
    """Read a finite number from a number or a text that spells one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def error_radius(value: Any) -> float | None:
    """Read an error radius: a number, or the one, two or three numbers of an ellipse.

    An ellipse (half axes and position angle) counts by its longer half axis. None for an unknown
    one, which notices write as nothing, zero or a negative number.
    """
    axes = value[:2] if isinstance(value, list) else [value]
    known = [axis for axis in map(number, axes) if axis is not None and axis > 0]
    return max(known, default=None)


def place(ra: Any, dec: Any, error: Any = None) -> tuple[Position | None, str]:
    """Make a position of right ascension, declination and error, all in degrees.

    Returns:
        The position and ``""``, or None and the reason why these numbers are no position.
    """
    if _is_blank(ra) and _is_blank(dec):
        return None, "it has no position"
    east, north, radius = number(ra), number(dec), error_radius(error)
    if east is None or north is None:
        return None, f"ra {ra!r} and dec {dec!r} are not numbers of degrees"
    if not (_EAST[0] <= east <= _EAST[1] and abs(north) <= _POLE):
        return None, f"ra {east:g} and dec {north:g} are not on the sky"
    if hypot(east, north) == 0.0 and radius is None:
        return None, "ra 0, dec 0 without an error stands for an unknown position"
    if radius is not None and radius >= ANYWHERE:
        return None, f"with an error of {radius:g} degrees it may be anywhere"
    # twice, since the remainder of a tiny negative number is rounded up to 360 itself
    return Position(east % 360.0 % 360.0, north, radius), ""


def _is_blank(value: Any) -> bool:
    return value is None or value == ""


def foreign_frame(system: str, unit: str) -> str:
    """Say why coordinates of a VOEvent cannot be read as degrees ICRS; ``""`` where they can.

    `system` is an identifier such as UTC-FK5-GEO, of which the middle names the frame.
    """
    parts = system.upper().split("-")
    frame = parts[1] if len(parts) > 1 else parts[0]
    if frame not in {"", "ICRS", "FK5", "ICRF", "J2000"}:
        return f"its coordinates are in the frame {frame}, not in ICRS"
    if unit.lower() not in {"", "deg", "degree", "degrees"}:
        return f"its coordinates are in {unit!r}, not in degrees"
    return ""


def frame_note(system: str) -> str:
    """Say what was taken for ICRS without being it; ``""`` where nothing was."""
    return _FK5_NOTE if "FK5" in system.upper() else ""
