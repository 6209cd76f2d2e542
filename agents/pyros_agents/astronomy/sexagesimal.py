"""Angles as astronomers write them, `05:34:31.97` and `-00:30:00`, from and to degrees.

On the wire there are degrees only; people read and type hours, minutes and seconds.
"""

from __future__ import annotations

import re

_POLE = 90.0
_SIXTY = 60

_SIGN = r"\s*(?P<sign>[-+\u2212]?)\s*"
_NUMBER = re.compile(_SIGN + r"(?P<whole>\d+(?:\.\d*)?|\.\d+)\s*[d\u00b0]?\s*")
_PARTS = re.compile(
    _SIGN + r"(?P<whole>\d{1,3})\s*[\s:hd\u00b0]\s*(?P<minutes>\d{1,2})\s*"
    r"(?:[\s:m'\u2032]\s*(?:(?P<seconds>\d{1,2}(?:\.\d*)?)\s*[s\"\u2033]?\s*)?)?"
)


def read_ra(text: str | float) -> float:
    """Read a right ascension: `05:34:32`, `5h34m32s` are hours, a bare number is degrees.

    Returns degrees from 0 up to, not including, 360.

    Raises:
        ValueError: it is no angle, or more than 24 hours.
    """
    if isinstance(text, float | int) or _NUMBER.fullmatch(text):
        return _degrees(text) % 360.0
    if "d" in text or "\u00b0" in text:
        return _angle(text, limit=360.0) % 360.0
    hours = _angle(text, limit=24.0)
    if hours < 0:
        raise ValueError(f"{text!r} is no right ascension: its hours go from 0 to 24")
    return hours * 15.0 % 360.0


def read_dec(text: str | float) -> float:
    """Read a declination in degrees: `-00:30:00`, `+22d00m52s`, `22.0145`.

    Raises:
        ValueError: it is no angle, or beyond a pole.
    """
    if isinstance(text, float | int) or _NUMBER.fullmatch(text):
        angle = _degrees(text)
    else:
        angle = _angle(text.replace("h", "?"), limit=_POLE)
    if not abs(angle) <= _POLE:
        raise ValueError(f"{text!r} is no declination: it goes from -90 to 90 degrees")
    return angle


def show_ra(degrees: float, places: int = 2) -> str:
    """Write degrees as hours, `05:34:31.97`, with so many decimal places of seconds."""
    return _show(degrees % 360.0 / 15.0, places, wrap=24)


def show_dec(degrees: float, places: int = 1) -> str:
    """Write degrees with their sign, `-00:30:00.0`, with so many decimal places of seconds."""
    shown = _show(abs(degrees), places)
    return f"{'-' if degrees < 0 and shown.strip('0:.') else '+'}{shown}"


def _degrees(text: str | float) -> float:
    return float(str(text).replace("\u2212", "-").replace(" ", "").rstrip("d\u00b0"))


def _angle(text: str, limit: float) -> float:
    """Add up whole, minutes and seconds; the sign counts for all three, also before a zero."""
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no angle: write 05:34:31.97, or degrees")
    whole, minutes, seconds = (float(match[part] or 0) for part in ("whole", "minutes", "seconds"))
    angle = whole + minutes / 60.0 + seconds / 3600.0
    if max(minutes, seconds) >= _SIXTY or angle > limit:
        raise ValueError(
            f"{text!r} is no angle: minutes and seconds stay below 60, the whole within {limit:g}"
        )
    return -angle if match["sign"] in {"-", "\u2212"} else angle


def _show(value: float, places: int, wrap: int | None = None) -> str:
    """Round once, in the last place shown, and only then part it: so 59.9999 carries over."""
    scale = 10**places
    total = round(value * 3600 * scale)
    minutes, ticks = divmod(total, 60 * scale)
    whole, minutes = divmod(minutes, 60)
    width = places + 3 if places else 2
    whole = whole % wrap if wrap else whole
    return f"{whole:02d}:{minutes:02d}:{ticks / scale:0{width}.{places}f}"
