"""What commands that read the archive say of what is not there, or does not go together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from pyros_mqtt.archive import open_store
from pyros_mqtt.cli import alarms, query, replay
from pyros_mqtt.cli.app import root
from pyros_mqtt.cli.endings import Trouble
from tests.system.archive_filling import azimuth, fill

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on an archive that knows a dome."""
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    fill(store, azimuth(0), ("dome/status", {"state": "ready", "at": "2025-11-22T20:00:00.000Z"}))
    store.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYROS_ROOT", "pyros")
    app = Typer(rich_markup_mode=None)
    app.callback()(root)
    for one in (query, replay, alarms):
        one.register(app)
    return lambda *words: CliRunner().invoke(app, [*words, "--archive", url])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("query", "nope"), "nothing was recorded of 'nope'; "),
        (("query", "nope", "x"), "nothing was recorded of 'nope'; "),
        (("query", "nope", "--kind", "status"), "nothing was recorded of 'nope'; "),
        (("replay", "2020-01-01"), "nothing was recorded in the night of 2020-01-01"),
        (("replay", "--until", "2020-01-01"), "nothing was recorded in this time"),
        (("alarms", "test", "--night", "2020-01-01"), "nothing was recorded in the night of 2020"),
    ],
)
def test_where_nothing_was_recorded_it_is_a_failure(
    run: Run, words: tuple[str, ...], told: str
) -> None:
    ended = run(*words)
    assert isinstance(ended.exception, Trouble)
    assert ended.exception.code == 1
    assert str(ended.exception).startswith(told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("query", "dome", "azimuth", "--kind", "status"), "--kind status is of an agent"),
        (("query", "dome", "--kind", "status", "--every", "1h"), "--every is for the measurements"),
        (("query", "dome", "--every", "1h"), "--every is for the measurements of a channel"),
    ],
)
def test_words_that_do_not_go_together_are_told(
    run: Run, words: tuple[str, ...], told: str
) -> None:
    ended = run(*words)
    assert ended.exit_code == 2
    assert told in ended.stderr


def test_what_is_there_is_shown(run: Run) -> None:
    for words in (("query", "dome"), ("query", "dome", "azimuth", "--every", "1h")):
        assert run(*words).exit_code == 0
    assert "ready" in run("query", "dome", "--kind", "status").stdout
    assert run("alarms", "test", "--night", "2025-11-22").exit_code == 0
