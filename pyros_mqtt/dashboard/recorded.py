"""History that goes back beyond the dashboard's own start, where there is an archive."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pyros_mqtt.dashboard.history import MemoryHistory
from pyros_mqtt.errors import ArchiveError, MissingExtra
from pyros_mqtt.messages import Sample

if TYPE_CHECKING:
    from pyros_mqtt.archive import Archive
    from pyros_mqtt.archive.readings import Readings
    from pyros_mqtt.settings import Settings

log = logging.getLogger(__name__)

MINUTE = 60.0
"""Seconds of a step from which on means are asked for: the archive has those of minutes at hand."""

PATIENCE = 30.0
"""Seconds for which an archive that failed is not asked again."""


class Recorded:
    """The memory for what was heard, the archive for what was before; for any thread.

    An archive that is not there, or fails, leaves the memory.
    """

    def __init__(self, memory: MemoryHistory, settings: Settings) -> None:
        self._memory = memory
        self._settings = settings
        self._not_before = float("-inf")

    def read(
        self, agent: str, channel: str, start: float, stop: float, *, every: float | None = None
    ) -> Iterable[Sample]:
        """Give the samples from `start` to `stop`, the earliest first."""
        heard = list(self._memory.read(agent, channel, start, stop))
        edge = heard[0].time if heard else stop
        return [*self._before(agent, channel, start, edge, every), *heard]

    def _before(
        self, agent: str, channel: str, start: float, edge: float, every: float | None
    ) -> list[Sample]:
        if edge <= start or time.monotonic() < self._not_before:
            return []
        is_long = every is not None and every >= MINUTE
        step = MINUTE * math.ceil(every / MINUTE) if every is not None and is_long else None
        try:
            with self._archive() as archive:
                if (agent, channel) not in archive.channels(agent):
                    return []
                return list(_samples(archive.read(agent, channel, start, edge, step)))
        except (ArchiveError, MissingExtra) as error:
            log.debug("the archive gives no history: %s", error)
            self._not_before = time.monotonic() + PATIENCE
            return []

    def _archive(self) -> Archive:
        from pyros_mqtt.archive import Archive

        return Archive(settings=self._settings)


def _samples(readings: Readings) -> Iterator[Sample]:
    """Take rows out of columns; of steps, the means."""
    columns = {
        _field(name): column.tolist() for name, column in readings.columns.items() if _field(name)
    }
    for row, moment in enumerate(readings.times.tolist()):
        values = {name: column[row] for name, column in columns.items() if _is_there(column[row])}
        if "value" in values:  # of a channel without fields, or of the time when it had none
            yield Sample(moment, values.pop("value"))
        if values:
            yield Sample(moment, values)


def _is_there(value: Any) -> bool:
    return not (isinstance(value, float) and math.isnan(value))


def _field(name: str) -> str:
    """The field that a column tells of; empty for what else steps have."""
    if name in {"min", "max", "count"} or name.endswith(("_min", "_max", "_count")):
        return ""
    return "value" if name == "mean" else name.removesuffix("_mean")
