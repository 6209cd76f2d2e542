"""`pyros record` and the commands that look at what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

from pyros_mqtt.archive import open_store
from tests.system.archive_filling import azimuth, fill
from tests.system.pyros_command import Pyros, until


def filled(folder: Path) -> str:
    url = f"sqlite:///{folder / 'archive.sqlite'}"
    store = open_store(url)
    about = {"agent": "dome", "telemetry": {"azimuth": {"unit": "deg"}}}
    fill(
        store,
        *(azimuth(i, step=10.0) for i in range(60)),
        ("dome/about", about),
        ("dome/status", {"state": "ready", "at": "2025-11-22T20:00:00.000Z"}),
    )
    store.close()
    return url


def test_what_a_recorder_writes_is_found(pyros: Pyros, barebones: str) -> None:
    url = f"sqlite:///{pyros.folder / 'archive.sqlite'}"
    with pyros.running("record", "--archive", url) as recorder:
        recorder.until("Recording to")
        until(lambda: pyros("query", barebones, "--kind", "status", PYROS_ARCHIVE=url).code == 0)
        assert recorder.end() == 0
    said = pyros("query", "--kind", "status", "--json", PYROS_ARCHIVE=url).out.splitlines()
    assert {json.loads(line)["agent"] for line in said} >= {barebones, "recorder"}


def test_nothing_is_said_to_be_recorded_before_it_is(pyros: Pyros, barebones: str) -> None:
    taken = pyros("record", "--name", barebones)
    assert (taken.code, "Recording" in taken.out) == (4, False)
    (pyros.folder / "broken.sqlite").write_text("no archive" * 1000)
    url = f"sqlite:///{pyros.folder / 'broken.sqlite'}"
    with pyros.running("record", "--archive", url) as recorder:
        recorder.until("what comes is kept until it can be written")
        recorder.end()
        assert "Recording to" not in "\n".join(recorder.said)


def test_without_an_archive_it_is_told_how_to_make_one(pyros: Pyros) -> None:
    ended = pyros("query")
    assert (ended.code, "pyros record" in ended.err) == (1, True)
    assert ended.is_plain()


def test_a_password_is_never_shown(pyros: Pyros) -> None:
    url = "postgresql://pyros:secret@127.0.0.1:1/night"
    ended = pyros("query", PYROS_ARCHIVE=url)
    assert ended.code == 1
    assert "secret" not in ended.out + ended.err
    assert "secret" not in pyros("config", "show", PYROS_ARCHIVE=url).out


def test_measurements_are_shown_as_a_table_and_for_programs(pyros: Pyros) -> None:
    url = filled(pyros.folder)
    listed = pyros("query", "--archive", url, PYROS_ROOT="pyros")
    assert listed.out.splitlines()[1].split()[:3] == ["dome", "azimuth", "deg"]
    words = ("query", "dome", "azimuth", "--archive", url, "--night", "2025-11-22")
    rows = pyros(*words, "--every", "5min", "--json", PYROS_ROOT="pyros").out.splitlines()
    assert [json.loads(row)["count"] for row in rows] == [30, 30]
    few = pyros(*words, "--limit", "2", PYROS_ROOT="pyros").out.splitlines()
    assert few[-1].split()[1] == "59"
    assert len(few) == 3


def test_what_cannot_be_understood_is_told(pyros: Pyros) -> None:
    url = filled(pyros.folder)
    words = ("query", "dome", "azimuth", "--archive", url)
    for more, told in (
        (("--since", "yesterday"), "is no moment"),
        (("--night", "tonight"), "is no night"),
        (("--every", "often"), "is no span of time"),
    ):
        ended = pyros(*words, *more, PYROS_ROOT="pyros")
        assert ended.code == 1
        assert told in ended.err
    both = pyros(*words, "--night", "last", "--since", "2h", PYROS_ROOT="pyros")
    assert both.code == 2
    turned = pyros(*words, "--since", "1h", "--until", "2h", PYROS_ROOT="pyros")
    assert (turned.code, "1h is not before 2h" in turned.err) == (2, True)
    unnamed = pyros("export", *words[1:], "-o", "-", PYROS_ROOT="pyros")
    assert (unnamed.code, "it is a file's name" in unnamed.err) == (2, True)


def test_files_pictures_and_pages_are_written(pyros: Pyros) -> None:
    url = filled(pyros.folder)
    at = ("--archive", url)
    for words, file in (
        (("export", "dome", "azimuth", "-o", "a.csv"), "a.csv"),
        (("plot", "dome", "azimuth", "-o", "a.svg"), "a.svg"),
        (("night", "--plot", "dome"), "night-2025-11-22.html"),
    ):
        ended = pyros(*words, *at, PYROS_ROOT="pyros")
        assert ended.code == 0, ended.err
        assert (pyros.folder / file).stat().st_size > 500
    drawn = pyros("plot", "dome", "azimuth", *at, PYROS_ROOT="pyros").out.splitlines()
    assert drawn[0] == "dome azimuth [deg]"
    assert len(drawn) == 10


def test_where_nothing_was_recorded_it_is_told_and_nothing_is_written(pyros: Pyros) -> None:
    url = filled(pyros.folder)
    for words, told in (
        (("night", "2020-01-01"), "nothing was recorded in the night of 2020-01-01"),
        (("night", "2999-01-01"), "nothing was recorded in the night of 2999-01-01"),
        (("night", "--plot", "nosuch/chan"), "--plot nosuch/chan: it was never recorded; "),
        (("plot", "dome", "azimuth", "--night", "2020-01-01"), "nothing was recorded of dome/az"),
        (
            ("plot", "dome", "azimuth", "--night", "2020-01-01", "-o", "a.svg"),
            "nothing was recorded of dome/azimuth in this time",
        ),
        (
            ("export", "dome", "azimuth", "--night", "2020-01-01", "-o", "a.csv"),
            "nothing was recorded in this time",
        ),
        (
            ("export", "dome", "azimuth", "--night", "2020-01-01", "--every", "1h", "-o", "a.csv"),
            "nothing was recorded in this time",
        ),
    ):
        before = sorted(pyros.folder.glob("*.[hsc]*"))
        ended = pyros(*words, "--archive", url, PYROS_ROOT="pyros")
        assert (ended.code, ended.out) == (1, ""), words
        assert told in ended.err
        assert sorted(pyros.folder.glob("*.[hsc]*")) == before


def test_a_night_is_replayed(pyros: Pyros) -> None:
    url = filled(pyros.folder)
    words = ("replay", "2025-11-22", "--speed", "100000", "--archive", url)
    ended = pyros(*words, "--to", f"{pyros.variables['PYROS_ROOT']}-again", PYROS_ROOT="pyros")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "61 messages")
    same = pyros(*words, "--to", "pyros", PYROS_ROOT="pyros")
    assert same.code == 1
    assert "another root" in same.err


RULES = """
[alarms.rules.turned]
about = "dome/azimuth"
severity = "warning"
above = 50
text = "The dome has turned"
"""


def test_rules_are_tried_on_a_recorded_night(pyros: Pyros) -> None:
    url = filled(pyros.folder)
    (pyros.folder / "pyros.toml").write_text(RULES)
    words = ("alarms", "test", "--night", "2025-11-22", "--archive", url)
    done = pyros(*words, PYROS_ROOT="pyros")
    assert done.code == 0
    assert done.out.startswith("20:08:30Z turned raised (warning): The dome has turned: ")
    assert json.loads(pyros(*words, "--json", PYROS_ROOT="pyros").out)["heard"] == 61


def test_a_night_that_was_not_recorded_is_told(pyros: Pyros) -> None:
    (pyros.folder / "pyros.toml").write_text(RULES)
    done = pyros("alarms", "test", "--night", "2025-11-22")
    assert (done.code, "pyros record" in done.err) == (1, True)
    assert done.is_plain()
