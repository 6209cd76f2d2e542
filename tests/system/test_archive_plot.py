"""Channels as curves, in a picture and in the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt.archive import Archive, open_store
from pyros_mqtt.archive.curves import curves, in_blocks, step_for
from pyros_mqtt.archive.picture import draw
from pyros_mqtt.errors import ArchiveError
from tests.system.archive_filling import EVENING, azimuth, fill


@pytest.fixture
def url(tmp_path: Path) -> str:
    place = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(place)
    fill(
        store,
        *(azimuth(i, step=10.0) for i in range(300)),
        ("dome/telemetry/sun", {"t": EVENING, "v": {"alt": 1.5, "side": "east"}}),
        ("dome/telemetry/door", {"t": EVENING, "v": "open"}),
    )
    store.close()
    return place


def test_a_picture_is_drawn(url: str, tmp_path: Path) -> None:
    with Archive(url) as archive:
        panels = [
            curves(archive, "dome", channel, EVENING, EVENING + 3600)
            for channel in ("azimuth", "sun")
        ]
    draw(panels, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ArchiveError, match="cannot be drawn"):
        draw(panels, tmp_path / "plot.nonsense")


def test_a_curve_rises_from_the_lower_left_to_the_upper_right(url: str) -> None:
    with Archive(url) as archive:
        (curve,) = curves(archive, "dome", "azimuth", None, None)
    lines = in_blocks(curve, 40, 5)
    assert [len(line) for line in lines] == [40] * 5
    assert lines[0][-1] != "\u2800" == lines[0][0]
    assert lines[-1][0] != "\u2800" == lines[-1][-1]


def test_what_is_no_number_is_not_drawn(url: str) -> None:
    with Archive(url) as archive:
        assert [one.name for one in curves(archive, "dome", "sun", None, None)] == ["dome sun alt"]
        with pytest.raises(ArchiveError, match="no numbers"):
            curves(archive, "dome", "door", None, None)


@pytest.mark.parametrize(
    ("span", "step"), [(1500, 1.0), (86_400, 57.6), (172_800, 120), (86_400 * 365, 21_600)]
)
def test_long_spans_are_drawn_in_steps_that_are_kept(span: float, step: float) -> None:
    assert step_for(span) == pytest.approx(step)
