"""What was recorded comes out as files that other tools read, with units and times."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pyros_mqtt.archive import Archive, open_store
from pyros_mqtt.archive.export import export, format_of, pieces
from pyros_mqtt.errors import ArchiveError
from tests.system.archive_filling import EVENING, azimuth, fill


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    channels = {"azimuth": {"unit": "deg"}, "mix": {"unit": "K"}}
    fill(
        store,
        *(azimuth(i, step=30.0) for i in range(500)),
        ("dome/about", {"agent": "dome", "telemetry": channels}),
        ("dome/telemetry/mix", {"t": EVENING, "v": {"x": 1.5, "side": "east"}}),
        ("dome/telemetry/mix", {"t": EVENING + 9000, "v": {"x": None}}),
    )
    store.close()
    with Archive(url) as made:
        yield made


def written(archive: Archive, channel: str, path: Path) -> list[float]:
    told: list[float] = []
    parts = pieces(archive, "dome", channel, None, None, None, told.append)
    export(parts, path, format_of(path, None))
    return told


def test_csv_has_units_in_its_head_and_microseconds(archive: Archive, tmp_path: Path) -> None:
    told = written(archive, "azimuth", tmp_path / "a.csv")
    rows = list(csv.reader((tmp_path / "a.csv").read_text().splitlines()))
    assert rows[0] == ["time", "value [deg]", "quality", "late"]
    assert rows[1] == ["2025-11-22T20:00:00.000000Z", "0.0", "good", "False"]
    assert len(rows) == 501
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_fields_that_are_missing_stay_empty(archive: Archive, tmp_path: Path) -> None:
    written(archive, "mix", tmp_path / "m.csv")
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text().splitlines()))
    assert [row["x [K]"] for row in rows] == ["1.5", ""]
    assert [row["side"] for row in rows] == ["east", ""]


def test_parquet_is_read_by_pandas(archive: Archive, tmp_path: Path) -> None:
    import pandas as pd

    for channel, count in (("azimuth", 500), ("mix", 2)):
        written(archive, channel, tmp_path / "a.parquet")
        frame = pd.read_parquet(tmp_path / "a.parquet")
        assert len(frame) == count
        assert frame["time"].iloc[0] == pd.Timestamp("2025-11-22T20:00:00Z")


@pytest.mark.parametrize("name", ["a.ecsv", "a.fits"])
def test_astropy_reads_units_and_times_back(archive: Archive, tmp_path: Path, name: str) -> None:
    from astropy.table import Table

    written(archive, "azimuth", tmp_path / name)
    options = {"astropy_native": True} if name.endswith("fits") else {}
    table = Table.read(tmp_path / name, **options)
    assert str(table["value"].unit) == "deg"
    assert np.allclose(table["time"].unix, EVENING + 30.0 * np.arange(500), atol=1e-5)
    written(archive, "mix", tmp_path / name)
    assert len(Table.read(tmp_path / name)) == 2


def test_a_file_that_cannot_be_written_leaves_the_old_one(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be written"):
        written(archive, "azimuth", tmp_path / "none" / "a.csv")


def test_a_format_that_is_unknown_is_told() -> None:
    with pytest.raises(ArchiveError, match="csv, parquet, ecsv, fits"):
        format_of(Path("a.xlsx"), None)


def test_other_forms_for_other_tools(archive: Archive) -> None:
    read = archive.read("dome", "azimuth")
    assert read.time[0].isot == "2025-11-22T20:00:00.000"
    assert str(read.to_pandas().index[1]) == "2025-11-22 20:00:30+00:00"
    assert read.to_arrow().schema.field("value").metadata == {b"unit": b"deg"}
