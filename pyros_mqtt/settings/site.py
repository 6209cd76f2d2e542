"""`[observatory.site]` of pyros.toml: where on Earth the observatory is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LIMITS = {"latitude": 90, "longitude": 180}
"""Degrees, north and east positive."""


def site_problems(observatory: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the place; a table that leaves it out is not wrong."""
    site = observatory.get("site", {})
    if not isinstance(site, Mapping):
        yield f"observatory.site = {site!r}: must be a table with latitude and longitude"
        return
    for key, limit in LIMITS.items():
        value = site.get(key, 0.0)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not -limit <= value <= limit:
            direction = "north" if key == "latitude" else "east"
            yield (
                f"observatory.site.{key} = {value!r}: must be a number of degrees from -{limit} "
                f"to {limit}, {direction} positive"
            )
