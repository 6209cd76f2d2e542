"""History that goes back beyond the dashboard's own start, where there is an archive."""

from __future__ import annotations

import heapq
import logging
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
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

SINGLY = 50_000
"""Samples that are read one by one; of more, the extremes of each step: some twelve hours at one
a second."""

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
        try:
            with self._archive() as archive:
                if (agent, channel) not in archive.channels(agent):
                    return []
                return list(_recorded(archive, agent, channel, (start, edge), every))
        except (ArchiveError, MissingExtra) as error:
            log.debug("the archive gives no history: %s", error)
            self._not_before = time.monotonic() + PATIENCE
            return []

    def _archive(self) -> Archive:
        from pyros_mqtt.archive import Archive

        return Archive(settings=self._settings)


def _recorded(
    archive: Archive, agent: str, channel: str, span: tuple[float, float], every: float | None
) -> Iterable[Sample]:
    """Read means of long steps; of short ones every sample, or the extremes where it is many."""
    if every is not None and every >= MINUTE:
        step = MINUTE * math.ceil(every / MINUTE)
        return _samples(archive.read(agent, channel, *span, step), "mean")
    if every is None or not archive.has_more(agent, channel, *span, SINGLY):
        return _samples(archive.read(agent, channel, *span))
    return _extremes(archive.read(agent, channel, *span, every), every, span[1])


def _extremes(steps: Readings, every: float, edge: float) -> Iterator[Sample]:
    """Give the least value of each step at its beginning, the greatest in its middle."""
    greatest = (
        replace(one, time=min(one.time + every / 2, edge)) for one in _samples(steps, "max")
    )
    return heapq.merge(_samples(steps, "min"), greatest, key=lambda one: one.time)


def _samples(readings: Readings, kind: str = "") -> Iterator[Sample]:
    """Take rows out of columns; of steps, those of one `kind`: mean, min or max."""
    named = {_field(name, kind): column for name, column in readings.columns.items()}
    columns = {name: column.tolist() for name, column in named.items() if name}
    for row, moment in enumerate(readings.times.tolist()):
        values = {name: column[row] for name, column in columns.items() if _is_there(column[row])}
        if "value" in values:  # of a channel without fields, or of the time when it had none
            yield Sample(moment, values.pop("value"))
        if values:
            yield Sample(moment, values)


def _is_there(value: Any) -> bool:
    return not (isinstance(value, float) and math.isnan(value))


def _field(name: str, kind: str) -> str:
    """The field that a column tells of; of steps, empty where it is of another kind."""
    if not kind:
        return name
    if name == kind:
        return "value"
    return name.removesuffix(f"_{kind}") if name.endswith(f"_{kind}") else ""
