"""One message of a channel -> rows of samples."""

from __future__ import annotations

from array import array
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b

from pyros_mqtt.archive.block import Column, compacted, pack
from pyros_mqtt.archive.moments import EARLIEST
from pyros_mqtt.archive.rows import LATE, LONGEST, SampleRow, Source, micros
from pyros_mqtt.messages import QUALITIES, Columns

AHEAD = 86_400.0
"""Seconds: who says that something was measured later than so long after it came has no clock."""

_QUALITY = {word: number for number, word in enumerate(QUALITIES)}

_LONE = {float, int, type(None)}
"""What stands in a row of its own as it is."""

_LATE = b',"late":true}'
"""How a message ends that its agent has said again after an outage."""


def digest(payload: bytes) -> int:
    """Give the number by which a message is known again."""
    return int.from_bytes(blake2b(payload, digest_size=8).digest()) >> 1


def measured_mark(said: Columns, payload: bytes) -> int:
    """Give the number by which a measurement is known again, also where it comes late once more."""
    if said.session and said.seq is not None:
        return digest(f"{said.session} {said.seq}".encode())
    if said.late and payload.endswith(_LATE):
        payload = payload.removesuffix(_LATE) + b"}"
    return digest(payload)


def believed(said: Columns, heard: float) -> Columns:
    """Give what came from a wild clock as if it told no time, so that one recorder writes it.

    That is one far ahead, or one of before all calendars. Nothing of it was measured later than it
    was heard; its quality is uncertain.
    """
    if not said.times or (max(said.times) <= heard + AHEAD and min(said.times) >= EARLIEST):
        return said
    if said.step is None:
        times = [one if EARLIEST <= one <= heard else heard for one in said.times]
    else:
        steps = range(len(said) - 1, -1, -1)
        times = [heard - max(0.0, said.step) * number for number in steps]
    quality = said.quality
    doubted = _doubted(quality) if isinstance(quality, str) else [_doubted(one) for one in quality]
    return replace(said, times=times, is_timed=False, quality=doubted)


def add_samples(source: Source, said: Columns, mark: int, rows: list[SampleRow]) -> None:
    """Add the rows of one message: one, or a few where it spans hours."""
    values, times, count = said.values, said.times, len(said.times)
    if count == 1 and type(values) is list and type(values[0]) in _LONE:
        value = None if values[0] is None else float(values[0])
        rows.append(_row(source, said, mark, micros(times[0]), flags=_flags(said), value=value))
    elif count and micros(max(times)) - micros(min(times)) > LONGEST:
        for part in _parts(said):
            add_samples(source, part, mark, rows)
    elif count:
        first = micros(min(times))
        span, body = micros(max(times)) - first, _packed(said)
        rows.append(_row(source, said, mark, first, flags=_flags(said), span=span, body=body))


def _row(  # noqa: PLR0913 - a row has many columns
    source: Source,
    said: Columns,
    mark: int,
    t: int,
    *,
    flags: int,
    span: int = 0,
    value: float | None = None,
    body: bytes | None = None,
) -> SampleRow:
    life, ahead = _life(said.session), None if said.first == said.seq else said.first
    count = len(said.times)
    return SampleRow(source, t, mark, life, said.seq, ahead, count, span, flags, value, body)


def _packed(said: Columns) -> bytes:
    given = said.values if isinstance(said.values, dict) else {"": said.values}
    columns: dict[str, Column] = {name: compacted(column) for name, column in given.items()}
    begin = said.times if said.step is None else said.times[:1]
    return pack(array("d", begin), said.step, columns, _qualities(said))


def _doubted(quality: str) -> str:
    return "uncertain" if quality == "good" else quality


def _flags(said: Columns) -> int:
    """Give the flags of a message: its worst quality, and whether it was late."""
    late, quality = (LATE if said.late else 0), said.quality
    if isinstance(quality, str):
        return _QUALITY.get(quality, 1) + late
    return max((_QUALITY.get(one, 1) for one in set(quality)), default=0) + late


def _qualities(said: Columns) -> list[int] | None:
    """Give the quality of each sample, where they differ."""
    if isinstance(said.quality, str):
        return None
    qualities = [_QUALITY.get(one, 1) for one in said.quality]
    return qualities if len(set(qualities)) > 1 else None


@lru_cache(maxsize=4096)
def _life(session: str) -> int:
    return digest(session.encode()) if session else 0


def _parts(said: Columns) -> list[Columns]:
    """Cut what spans hours into pieces, in order of time."""
    times = said.times
    groups: list[list[int]] = []
    for i in sorted(range(len(times)), key=times.__getitem__):
        if not groups or micros(times[i]) - micros(times[groups[-1][0]]) > LONGEST:
            groups.append([])
        groups[-1].append(i)
    return [_rows_of(said, group) for group in groups]


def _rows_of(said: Columns, group: list[int]) -> Columns:
    values, quality = said.values, said.quality
    return replace(
        said,
        times=[said.times[i] for i in group],
        step=None,
        values={name: [column[i] for i in group] for name, column in values.items()}
        if isinstance(values, dict)
        else [values[i] for i in group],
        quality=quality if isinstance(quality, str) else [quality[i] for i in group],
    )
