"""A channel -> a file that other tools read: CSV, Parquet, ECSV or FITS, with units."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pyros_mqtt import wire
from pyros_mqtt.archive.extras import bring, dubious_years
from pyros_mqtt.archive.output import written
from pyros_mqtt.archive.units import check_unit
from pyros_mqtt.errors import ArchiveError

if TYPE_CHECKING:
    from pyros_mqtt.archive.reading import Archive
    from pyros_mqtt.archive.readings import Readings

FORMATS = {"csv": ".csv", "parquet": ".parquet", "ecsv": ".ecsv", "fits": ".fits"}

PIECES = 64
"""A long span is read in so many pieces."""

SHORTEST = 600.0
"""Seconds of the shortest piece."""

Progress = Callable[[float], None]
"""Told how far it has come, from 0 to 1."""


def format_of(path: Path, said: str | None) -> str:
    """Choose the format: as said, else by the file's name.

    Raises:
        ArchiveError: it is none that is known.
    """
    found = said or next((name for name, end in FORMATS.items() if path.suffix == end), None)
    if found not in FORMATS:
        what = f"there is no format {said!r}" if said else f"{str(path)!r} tells no format"
        raise ArchiveError(f"{what}: say one of {', '.join(FORMATS)}")
    return found


def export(pieces: Iterator[Readings], path: Path, form: str) -> int:
    """Write measurements to a file; how many rows it were.

    A file that was there is replaced once all is written, as `written` tells.

    Raises:
        ArchiveError: the file cannot be written, or there is nothing to write; it is as it was.
        MissingExtra: the format's package is not installed.
    """
    writers = {"csv": _to_csv, "parquet": _to_parquet, "ecsv": _to_astropy, "fits": _to_astropy}
    with written(path) as file:
        count = writers[form](pieces, file, form)
        if not count:
            raise ArchiveError(f"nothing was recorded in this time; {path} is not written")
    return count


def pieces(  # noqa: PLR0913, PLR0917 - what to read, and whom to tell
    archive: Archive,
    agent: str,
    channel: str,
    start: float | None,
    stop: float | None,
    every: str | None,
    on_progress: Progress,
) -> Iterator[Readings]:
    """Read a channel piece by piece, in order of time; at least one, which may be empty.

    Raises:
        ArchiveError: its unit changes on the way, or it was never recorded.
    """
    check_unit(archive, agent, channel, start, stop)
    ends = archive.ends(agent, channel)
    if every is not None or ends is None:
        yield archive.read(agent, channel, start, stop, every)
        on_progress(1.0)
        return
    first = ends[0] if start is None else max(start, ends[0])
    last = ends[1] + 3601.0 if stop is None else min(stop, ends[1] + 3601.0)
    step = max(SHORTEST, (last - first) / PIECES)
    at = first
    while True:
        end = min(at + step, last)
        yield archive.read(agent, channel, at, end)
        on_progress(1.0 if last <= first else min(1.0, (end - first) / (last - first)))
        at = end
        if at >= last:
            return


def joined(parts: list[Readings]) -> Readings:
    """Put pieces together; a field that a piece does not have is missing there."""
    import numpy as np

    from pyros_mqtt.archive.readings import Readings

    names = list(dict.fromkeys(name for part in parts if len(part) for name in part.columns))
    columns = {}
    for name in names or parts[0].columns:
        found = [
            part.columns.get(name, np.full(len(part), np.nan)) for part in parts if len(part)
        ] or [parts[0].columns[name]]
        is_other = any(one.dtype == object for one in found)
        columns[name] = np.concatenate([one.astype(object) if is_other else one for one in found])
    return Readings(
        parts[0].agent,
        parts[0].channel,
        np.concatenate([part.times for part in parts]),
        columns,
        next((part.unit for part in parts if part.unit), ""),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.late for part in parts]),
    )


def _streamed(parts: Iterator[Readings]) -> Iterator[Readings]:
    """Give pieces as they come where they are sure to have the same columns, else all as one."""
    first = next(parts)
    if set(first.columns) == {"value"} and first.columns["value"].dtype != object:
        yield first
        for part in parts:
            same = set(part.columns) == {"value"} and part.columns["value"].dtype != object
            if not same:
                raise ArchiveError(
                    f"{part.channel} of {part.agent} changes its form on the way; export nights "
                    "of one form, or --format ecsv"
                )
            yield part
    else:
        yield joined([first, *parts])


def _to_csv(parts: Iterator[Readings], path: Path, _form: str) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for part in _streamed(parts):
            if not count and file.tell() == 0:
                _head(file, part)
            count += len(part)
            table = part.table()
            times = [wire.to_rfc3339(one, digits=6) for one in table.pop("time").tolist()]
            columns = [column.tolist() for column in table.values()]
            rows = csv.writer(file)
            rows.writerows(
                (moment, *map(_cell, row)) for moment, *row in zip(times, *columns, strict=True)
            )
    return count


def _head(file: TextIO, part: Readings) -> None:
    names = [f"{name} [{part.unit}]" if part.has_unit(name) else name for name in part.table()]
    csv.writer(file).writerow(names)


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return ""
    return value


def _to_parquet(parts: Iterator[Readings], path: Path, _form: str) -> int:
    parquet = bring("pyarrow.parquet", "Parquet", "arrow")
    count, writer = 0, None
    try:
        for part in _streamed(parts):
            table = part.to_arrow()
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
            count += len(part)
    finally:
        if writer is not None:
            writer.close()
    return count


def _to_astropy(parts: Iterator[Readings], path: Path, form: str) -> int:
    whole = joined(list(parts))
    with dubious_years():
        table = whole.to_table()
        if form == "ecsv":
            table.write(path, format="ascii.ecsv", overwrite=True)
        else:
            _masked(table)
            table.write(path, format="fits", overwrite=True)
    return len(whole)


def _masked(table: Any) -> None:
    """FITS knows no missing text: an empty one stands for it."""
    for name in table.colnames:
        if getattr(getattr(table[name], "dtype", None), "kind", "") == "O":
            table[name] = ["" if one is None else str(one) for one in table[name]]
