"""What was read of a channel, as tables: no field is lost, whatever it is called."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from pyros_mqtt.archive.export import export
from pyros_mqtt.archive.readings import Readings

FIELDS = {"time": 5.0, "field time": 6.0, "quality": 0.7, "late": 3.0, "count": 2.0, "ra": 1.0}


def odd() -> Readings:
    columns = {name: np.array([value]) for name, value in FIELDS.items()}
    quality, late = np.array([1], np.uint8), np.array([False])
    return Readings("mount", "f", np.array([1763841600.0]), columns, "deg", quality, late)


def test_fields_called_as_the_columns_of_every_table_have_names_of_their_own(
    tmp_path: Path,
) -> None:
    export(iter([odd()]), tmp_path / "f.csv", "csv")
    (row,) = csv.DictReader((tmp_path / "f.csv").read_text().splitlines())
    assert row == {
        "time": "2025-11-22T20:00:00.000000Z",
        "field time [deg]": "5.0",
        "field field time [deg]": "6.0",
        "field quality [deg]": "0.7",
        "field late [deg]": "3.0",
        "count [deg]": "2.0",
        "ra [deg]": "1.0",
        "quality": "uncertain",
        "late": "False",
    }


def test_other_forms_keep_the_time_and_such_fields_too() -> None:
    frame = odd().to_pandas()
    assert frame.index[0].year == 2025
    assert frame["field time"].tolist() == [5.0]
    assert frame["quality"].tolist() == ["uncertain"]
    table = odd().to_table()
    assert table["time"][0].isot.startswith("2025-11-22T20:00")
    assert table["field late"].unit == "deg"
    assert odd().to_arrow()["field quality"].to_pylist() == [0.7]


def test_counts_of_steps_have_no_unit_and_steps_no_quality() -> None:
    columns = {"mean": np.array([1.0]), "count": np.array([3])}
    steps = Readings("mount", "f", np.array([1763841600.0]), columns, "deg")
    assert list(steps.table()) == ["time", "mean", "count"]
    assert [steps.has_unit(name) for name in columns] == [True, False]
