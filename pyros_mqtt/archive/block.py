"""The samples of one message as compact bytes, and back.

A line of JSON, then doubles, lowest byte first. The line has `f`, the fields with numbers in
their order (`""`: a channel without fields); `x`, the columns of anything else; for a steady rate
`t0` and `dt`; and where the samples differ in quality, `q`, a number each. Without `t0` the times
come first, then a column for each of `f`. NaN is a missing value.
"""

from __future__ import annotations

import math
import sys
from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from pyros_mqtt import wire
from pyros_mqtt.messages import JSON

Column: TypeAlias = "array[float] | list[JSON]"
"""Numbers as doubles, with NaN for a missing one; anything else as it came."""

_SIZE = 8
_NUMBERS = {float, int}
_NUMBERS_OR_NONE = {float, int, type(None)}


@dataclass(slots=True)
class Block:
    """Samples by column; `times` in POSIX seconds."""

    times: array[float]
    columns: dict[str, Column]
    qualities: list[int] | None = None


def compacted(values: list[JSON]) -> Column:
    """Give numbers as doubles, and what is missing among them as NaN."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        return array("d", values)
    if kinds <= _NUMBERS_OR_NONE:
        return array("d", (math.nan if value is None else value for value in values))
    return values


def pack(
    times: array[float],
    step: float | None,
    columns: dict[str, Column],
    qualities: list[int] | None = None,
) -> bytes:
    """Write columns; with `step`, `times` holds the first moment alone."""
    numbers = {name: one for name, one in columns.items() if isinstance(one, array)}
    if step is None and qualities is None and len(numbers) == len(columns):
        head = _head(tuple(numbers))
    else:
        table: dict[str, JSON] = {"f": list(numbers)}
        others = {name: one for name, one in columns.items() if name not in numbers}
        table |= {"x": others} if others else {}
        table |= {"q": qualities} if qualities is not None else {}
        table |= {"t0": times[0], "dt": step} if step is not None else {}
        head = wire.compact(table).encode() + b"\n"
    doubles = ([] if step is not None else [times]) + list(numbers.values())
    return head + b"".join(map(_bytes, doubles))


def unpack(body: bytes, count: int) -> Block:
    """Read what `pack` has written of `count` samples.

    Raises:
        ValueError: it is no such block.
    """
    head, _, rest = body.partition(b"\n")
    table = wire.strict(head.decode())
    width = _SIZE * count
    at = 0
    if "t0" in table:
        start, step = table["t0"], table["dt"]
        times = array("d", [start + step * i for i in range(count)])
    else:
        times, at = _doubles(rest[:width]), width
    columns: dict[str, Column] = {}
    for number, name in enumerate(table["f"]):
        first = at + number * width
        columns[name] = _doubles(rest[first : first + width])
    columns |= table.get("x", {})
    qualities = table.get("q")
    if any(len(one) != count for one in (times, qualities or times, *columns.values())):
        raise ValueError("a block of another length")
    return Block(times, columns, qualities)


@lru_cache(maxsize=1024)
def _head(fields: tuple[str, ...]) -> bytes:
    return wire.compact({"f": list(fields)}).encode() + b"\n"


def _bytes(numbers: array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers = array("d", numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _doubles(data: bytes) -> array[float]:
    numbers = array("d")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
