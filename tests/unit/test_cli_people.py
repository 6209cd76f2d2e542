"""`pyros people`, without a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from pyros_mqtt.access.people import is_right, people_path, read_people
from pyros_mqtt.cli import people

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYROS_STATE_DIR", str(tmp_path))
    app = Typer(rich_markup_mode=None)
    app.callback()(lambda: None)
    people.register(app)

    def run(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, ["people", *words], input=stdin)

    return run


def test_people_are_added_changed_listed_and_removed(run: Run, tmp_path: Path) -> None:
    assert "nobody" in run("list").output
    added = run("add", "vera", "--role", "operator", stdin="correct horse\n")
    assert (added.exit_code, added.output) == (0, "vera may log in as operator\n")
    assert run("add", "grace", "--role", "viewer", "--by-proxy").exit_code == 0
    listed = run("list").output
    assert "vera" in listed
    assert "proxy" in listed
    first = read_people(people_path(tmp_path))["vera"].password
    assert is_right("correct horse", first)
    assert run("password", "vera", stdin="battery staple\n").exit_code == 0
    second = read_people(people_path(tmp_path))["vera"]
    assert is_right("battery staple", second.password)
    assert second.role == "operator"
    assert run("remove", "vera").exit_code == 0
    assert list(read_people(people_path(tmp_path))) == ["grace"]
    assert "Nobody is left, so nobody sees the dashboard" in run("remove", "grace").output
    assert "nobody sees the dashboard as long as there is" in run("list").output


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (("add", "vera", "--role", "emperor"), "correct horse\n", "there is no role 'emperor'"),
        (("add", "Vera!", "--role", "viewer"), "correct horse\n", "is not a valid name"),
        (("add", "vera", "--role", "viewer"), "short\n", "8 to 1000 characters"),
        (("add", "vera", "--role", "viewer"), "", "8 to 1000 characters"),
        (("remove", "vera"), "", "known: nobody"),
        (("password", "vera"), "correct horse\n", "known: nobody"),
    ],
)
def test_what_is_wrong_is_told_in_words_and_nothing_is_written(
    run: Run, tmp_path: Path, words: tuple[str, ...], stdin: str, told: str
) -> None:
    done = run(*words, stdin=stdin)
    assert told in str(done.exception)
    assert not people_path(tmp_path).exists()


def test_the_roles_of_the_observatory_are_known(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = tmp_path / "access.toml"
    access.write_text("[roles.student]\nviews = true\n")
    monkeypatch.setenv("PYROS_ACCESS_FILE", str(access))
    assert run("add", "sam", "--role", "student", "--by-proxy").exit_code == 0
