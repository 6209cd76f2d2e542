"""What was read of a channel: arrays, and their forms for other tools."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pyros_mqtt.archive.assembly import Array
from pyros_mqtt.archive.extras import bring, dubious_years
from pyros_mqtt.messages import QUALITIES

_TAKEN = re.compile(r"(?:field )*(?:time|quality|late)")
"""Names that tables have a use for; a field of such a name is called `field time` there."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The measurements of a channel, in order of time.

    Attributes:
        times: POSIX seconds, UTC; of steps (`every=`), the beginning of each.
        columns: an array a field, or the one `value`; NaN where it is missing. Of steps `mean`,
            `min`, `max` and `count`, with the field's name before (`ra_mean`) where there are
            fields. Texts and what else is no number are arrays of objects.
        unit: of the numbers, spelled as in VOUnit.
        quality: 0 good, 1 uncertain, 2 bad, of each sample; empty for steps.
        late: whether a sample came after an outage; empty for steps.
    """

    agent: str
    channel: str
    times: Array
    columns: dict[str, Array]
    unit: str = ""
    quality: Array = field(default_factory=lambda: np.empty(0, np.uint8))
    late: Array = field(default_factory=lambda: np.empty(0, bool))

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.times)

    @property
    def values(self) -> Array:
        """The numbers of a channel without fields; of steps, their means.

        Raises:
            LookupError: it has fields: take them from `columns`.
        """
        for name in ("value", "mean"):
            if name in self.columns:
                return self.columns[name]
        raise LookupError(f"{self.channel} has the fields {', '.join(self.columns)}")

    @property
    def time(self) -> Any:
        """The times as an `astropy.time.Time`, scale UTC.

        Raises:
            MissingExtra: astropy is not installed.
        """
        time = bring("astropy.time", "a Time", "observatory")
        with dubious_years():
            return time.Time(self.times, format="unix", scale="utc")

    def table(self) -> dict[str, Array]:
        """Every column by name, `time` first, `quality` as words and `late` last.

        Fields that are called so themselves are `field time`, `field quality` and `field late`.
        """
        table = {"time": self.times, **self._named()}
        if not self._is_stepped:
            table["quality"] = np.array(QUALITIES)[np.minimum(self.quality, 2)]
            table["late"] = self.late
        return table

    def to_pandas(self) -> Any:
        """Make a DataFrame whose index is the time, UTC.

        Raises:
            MissingExtra: pandas is not installed.
        """
        pandas = bring("pandas", "a DataFrame", "pandas")
        table = self.table()
        index = pandas.to_datetime(_nanos(table.pop("time")), utc=True)
        return pandas.DataFrame(table, index=index.rename("time"))

    def to_arrow(self) -> Any:
        """Make an Arrow table; units stand in the fields' metadata.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        arrow = bring("pyarrow", "an Arrow table", "arrow")
        table = self.table()
        names, arrays = [], []
        for name, column in table.items():
            values = _nanos(column) if name == "time" else column
            kind = arrow.timestamp("ns", "UTC") if name == "time" else None
            arrays.append(arrow.array(_plain(values), type=kind))
            unit = self.unit if self.has_unit(name) else ""
            names.append(
                arrow.field(name, arrays[-1].type, metadata={"unit": unit} if unit else None)
            )
        about = {"agent": self.agent, "channel": self.channel}
        return arrow.Table.from_arrays(arrays, schema=arrow.schema(names, metadata=about))

    def to_table(self) -> Any:
        """Make an astropy table, with units; the time as `Time`.

        Raises:
            MissingExtra: astropy is not installed.
        """
        tables = bring("astropy.table", "a table", "observatory")
        made = tables.Table(meta={"agent": self.agent, "channel": self.channel})
        for name, column in self.table().items():
            made[name] = _readable(self.time) if name == "time" else _plain(column)
            if self.has_unit(name):
                made[name].unit = self.unit
        return made

    def has_unit(self, name: str) -> bool:
        """Whether a column of the table is in the channel's unit."""
        column = self._named().get(name)
        counts = self._is_stepped and (name == "count" or name.endswith("_count"))
        return bool(self.unit) and column is not None and column.dtype != object and not counts

    @property
    def _is_stepped(self) -> bool:
        """Whether these are steps, which have no quality."""
        if not len(self):
            return any(name == "count" or name.endswith("_count") for name in self.columns)
        return len(self.quality) != len(self)

    def _named(self) -> dict[str, Array]:
        """Give the columns by their names in tables."""
        return {
            f"field {name}" if _TAKEN.fullmatch(name) else name: column
            for name, column in self.columns.items()
        }


def _nanos(times: Array) -> Array:
    """Turn POSIX seconds into nanoseconds, by way of the microseconds that the record has."""
    return (np.round(times * 1e6).astype(np.int64) * 1000).astype("datetime64[ns]")


def _readable(time: Any) -> Any:
    time.format = "isot"
    return time


def _plain(column: Array) -> Any:
    """Write what is neither number nor text as text, for forms that know nothing else."""
    if column.dtype != object:
        return column
    return [None if one is None else one if isinstance(one, str) else str(one) for one in column]
