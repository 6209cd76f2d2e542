"""A row of measurements -> the payload that says it again (protocol section 7)."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.archive.block import Column, unpack
from pyros_mqtt.archive.event import Event
from pyros_mqtt.archive.rows import LATE, MICRO, Source
from pyros_mqtt.messages import JSON, QUALITIES


def said_again(
    source: Source, rows: Iterator[tuple[Any, ...]], first: int
) -> Iterator[tuple[float, Event]]:
    """Give the messages that a channel's rows say again, from the moment `first` (microseconds)."""
    for t, seq, n, flags, value, body in rows:
        if t >= first:
            moment = t / MICRO
            payload = say_again(moment, seq, n, flags, value, body)
            yield moment, Event(source.agent, "telemetry", source.leaf, moment, moment, payload)


def say_again(  # noqa: PLR0913, PLR0917 - the columns of a row
    time: float, seq: int | None, n: int, flags: int, value: float | None, body: Any
) -> bytes:
    """Write what a row holds as a message of its channel."""
    quality: JSON = QUALITIES[min(flags & (LATE - 1), 2)]
    if body is None:
        said: dict[str, JSON] = {"t": time, "v": value}
    else:
        block = unpack(bytes(body), n)
        columns = {name: _plain(column) for name, column in block.columns.items()}
        values: JSON = columns[""] if set(columns) == {""} else columns
        said = {"t": block.times.tolist(), "v": values}
        if block.qualities is not None:
            quality = [QUALITIES[min(one, 2)] for one in block.qualities]
    if quality != "good":
        said["q"] = quality
    if seq is not None:
        said["seq"] = seq
    if flags & LATE:
        said["late"] = True
    return wire.compact(said).encode()


def _plain(column: Column) -> list[JSON]:
    if isinstance(column, array):
        return [None if math.isnan(one) else one for one in column]
    return column
