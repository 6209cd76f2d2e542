"""Files that people ask for are written whole, and nothing else is replaced."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from stat import S_IMODE, S_ISFIFO

import numpy as np
import pytest

from pyros_mqtt.archive.curves import Curve
from pyros_mqtt.archive.export import FORMATS, export
from pyros_mqtt.archive.output import written
from pyros_mqtt.archive.picture import draw
from pyros_mqtt.archive.readings import Readings
from pyros_mqtt.errors import ArchiveError


def one_row() -> Readings:
    quality, late = np.zeros(1, np.uint8), np.zeros(1, bool)
    return Readings("dome", "x", np.array([0.0]), {"value": np.ones(1)}, "", quality, late)


def test_a_link_stays_and_its_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file, link = tmp_path / "elsewhere" / "a.csv", tmp_path / "link.csv"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    export(iter([one_row()]), link, "csv")
    assert link.is_symlink()
    assert file.read_text().startswith("time,value")
    assert S_IMODE(file.stat().st_mode) == 0o640
    assert [one.name for one in file.parent.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_pipe_gets_the_contents_and_stays_a_pipe(tmp_path: Path, form: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_bytes)
        try:
            export(iter([one_row()]), pipe, form)
        finally:  # where nobody has written, the reader is let go
            os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
        assert len(reading.result()) > 20
    assert S_ISFIFO(pipe.stat().st_mode)


def test_what_fails_on_the_way_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "night.html"
    file.write_text("old")

    def fail() -> None:
        with written(file) as part:
            part.write_text("half of it")
            raise OSError(28, "No space left on device", str(part))

    with pytest.raises(ArchiveError, match=r"night\.html cannot be written: No space left on d"):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_picture_replaces_the_old_one_once_it_is_drawn(tmp_path: Path) -> None:
    line = Curve("wind", "", *[np.zeros(2)] * 4)
    (tmp_path / "a.nothing").write_text("old")
    with pytest.raises(ArchiveError, match="cannot be drawn"):
        draw([[line]], tmp_path / "a.nothing")
    assert (tmp_path / "a.nothing").read_text() == "old"
    draw([[line]], tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("name", "why"), [("nope/a.csv", "there is no folder"), ("", "it is a folder")]
)
def test_where_nothing_can_be_written_it_is_told(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ArchiveError, match=why) as caught:
        export(iter([one_row()]), tmp_path / name, "csv")
    assert "part" not in str(caught.value)
