"""Who points where, out of telemetry and commands; the browser turns it into a map of the sky."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pyros_mqtt.dashboard.board import Board
from pyros_mqtt.messages import Command

SECTION = "targets"
MOST_TARGETS = 12

_ALTITUDE = ("alt", "altitude")
_AZIMUTH = ("az", "azimuth")
_LABELS = ("object", "name", "event", "target")


class Targets:
    """The last few places that somebody wanted to look at. For any thread."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._lock = threading.Lock()
        self._labels: dict[str, None] = {}

    def note(self, label: str, place: dict[str, float]) -> None:
        """Show a target; the one that was named the longest ago goes."""
        with self._lock:
            self._labels.pop(label, None)
            self._labels[label] = None
            gone = next(iter(self._labels)) if len(self._labels) > MOST_TARGETS else None
            if gone is not None:
                del self._labels[gone]
        self._board.put(SECTION, label, place)
        if gone is not None:
            self._board.drop(SECTION, gone)


def pointing(shown: Any) -> dict[str, Any] | None:
    """Where an instrument looks: a channel that has an altitude and an azimuth, degrees."""
    if not isinstance(shown, dict):
        return None
    altitude, azimuth = _angle(shown, _ALTITUDE), _angle(shown, _AZIMUTH)
    if altitude is None or azimuth is None or not -90 <= altitude <= 90:  # noqa: PLR2004 - degrees
        return None
    return {"alt": altitude, "az": azimuth, "state": str(shown.get("state") or "")}


def target(shown: Any, fallback: str) -> tuple[str, dict[str, float]] | None:
    """What somebody wants to look at: arguments or fields that have ICRS degrees."""
    if not isinstance(shown, Mapping):
        return None
    ra, dec = _angle(shown, ("ra",)), _angle(shown, ("dec",))
    if ra is None or dec is None or not -90 <= dec <= 90:  # noqa: PLR2004 - degrees
        return None
    label = next((str(shown[key]) for key in _LABELS if shown.get(key)), fallback)
    return label[:40], {"ra": ra % 360.0, "dec": dec}


def target_of(command: Command) -> tuple[str, dict[str, float]] | None:
    """The target of a command such as `goto`, `observe` or `expose`."""
    return target(command.args, f"{command.agent}: {command.message}")


def site_of(observatory: Mapping[str, Any]) -> dict[str, Any] | None:
    """The observatory's place, from the shared table of the settings; None where it has none."""
    table = observatory.get("site")
    if not isinstance(table, Mapping):
        return None
    latitude, longitude = _angle(table, ("latitude",)), _angle(table, ("longitude",))
    if latitude is None or longitude is None:
        return None
    return {"latitude": latitude, "longitude": longitude, "name": str(table.get("name") or "")}


def clock_of(observatory: Mapping[str, Any]) -> dict[str, float] | None:
    """The clock of a simulated sky; None where the sky is the real one.

    A table without `anchor` starts anew in each process, so that nobody else can know its time.
    """
    table = observatory.get("sky")
    if not isinstance(table, Mapping) or "anchor" not in table:
        return None
    try:
        if "start" in table:
            start = datetime.fromisoformat(str(table["start"]))
            origin = start.replace(tzinfo=start.tzinfo or UTC).timestamp()
        else:
            origin = float(table["origin"])
        return {
            "origin": origin,
            "speed": float(table.get("speed", 1.0)),
            "anchor": float(table["anchor"]),
        }
    except (LookupError, TypeError, ValueError):
        return None


def _angle(table: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = table.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None
