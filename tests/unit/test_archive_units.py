"""Numbers that were recorded in several units are not passed off as being of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from pyros_mqtt.archive import Archive, open_store
from pyros_mqtt.archive.export import export, pieces
from pyros_mqtt.archive.rows import MICRO, EventRow, Source
from pyros_mqtt.archive.units import check_unit, unit_change
from pyros_mqtt.cli import plot, query
from pyros_mqtt.cli.app import root
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.nightly import look_at
from tests.system.archive_filling import EVENING, azimuth, fill

CHANGED = EVENING + 300.25
"""From here on the dome tells another unit; it measures for 1000 s."""


def about(moment: float, unit: str) -> EventRow:
    body = json.dumps({"agent": "dome", "telemetry": {"azimuth": {"unit": unit}}}).encode()
    return EventRow(
        Source("pyros", "dome", "about"), round(moment * MICRO), 1, round(moment * MICRO), body
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'archive.sqlite'}"


@pytest.fixture
def archive(url: str) -> Iterator[Archive]:
    store = open_store(url)
    fill(store, *(azimuth(i, step=10.0) for i in range(100)))
    told = [(-1e6, "rad"), (-5, "deg"), (100, ""), (200, "deg"), (300.25, "arcsec"), (2e3, "deg")]
    store.write([], [about(EVENING + moment, unit) for moment, unit in told])
    store.close()
    with Archive(url, root="pyros") as made:
        yield made


def change(archive: Archive, start: float | None = None, stop: float | None = None) -> str:
    return unit_change(archive, "dome", "azimuth", start, stop)


def test_a_unit_that_changes_is_told_with_its_moment(archive: Archive) -> None:
    words = "dome/azimuth is in deg until 2025-11-22T20:05:00.250000Z, then in arcsec"
    assert change(archive) == words
    assert change(archive, EVENING, EVENING + 400) == words


def test_before_and_after_the_change_all_is_of_one_unit(archive: Archive) -> None:
    assert not change(archive, stop=CHANGED)
    assert not change(archive, start=CHANGED)
    check_unit(archive, "dome", "azimuth", CHANGED, None)


def test_no_file_is_made_of_several_units(archive: Archive, tmp_path: Path) -> None:
    def write(start: float | None) -> int:
        parts = pieces(archive, "dome", "azimuth", start, None, None, lambda _: None)
        return export(parts, tmp_path / "a.csv", "csv")

    with pytest.raises(ArchiveError, match=r"say --since 2025-11-22T20:05:00\.250000Z"):
        write(None)
    assert not (tmp_path / "a.csv").exists()
    assert write(CHANGED) == 69
    assert "arcsec" in (tmp_path / "a.csv").read_text()


def test_a_page_says_so_and_draws_what_there_is(archive: Archive) -> None:
    seen = look_at(archive, "2025-11-22", ["dome"])
    assert seen.problems == [change(archive)]
    assert len(seen.curves) == 1


def test_the_commands_refuse_steps_and_curves_and_warn_of_rows(archive: Archive, url: str) -> None:
    assert archive.place
    app = Typer(rich_markup_mode=None)
    app.callback()(root)
    for one in (query, plot):
        one.register(app)
    at = ["--archive", url]
    asked = ["--root", "pyros", "query", "dome", "azimuth", *at]
    rows = CliRunner().invoke(app, asked)
    assert rows.exit_code == 0
    assert len(rows.stdout.splitlines()) == 101
    assert "then in arcsec; the numbers stand as" in rows.stderr
    for words in ([*asked, "--every", "1h"], ["--root", "pyros", "plot", "dome", "azimuth", *at]):
        ended = CliRunner().invoke(app, words)
        assert isinstance(ended.exception, ArchiveError)
        assert "say --since" in str(ended.exception)
    after = CliRunner().invoke(app, [*asked, "--every", "1h", "--since", "2025-11-22T20:05:00.25"])
    assert after.exit_code == 0
