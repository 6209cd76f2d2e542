"""`[alarms]`: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.deployment import tables_here
from pyros_mqtt.settings import Settings

RULE = 'about = "weather/wind"\nseverity = "serious"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    (folder / "pyros.toml").write_text(text)
    return Settings.check()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", "alarms.rules.it: says no condition: give it one of above, below, equals"),
        ("above = 3\nmissing = 5", "'above' and 'missing' are of two kinds: make a rule of each"),
        ("abov = 3", "alarms.rules.it.abov: unknown key; did you mean 'above'?"),
        ('above = "3"', "alarms.rules.it.above = '3': must be a number, without quotes"),
        ("above = nan", "alarms.rules.it.above = 'nan': must be a finite number"),
        ("above = 3\ndelay = -1", "alarms.rules.it.delay = '-1': must be at least 0"),
        ("above = 3\nwindow = 9", "'window' belongs to 'rises' or 'falls', not to 'above'"),
        ("above = 3\nbelow = 2\ndead_band = 1", "leave no room between their dead bands"),
        ("rises = 1\ndead_band = 1", "dead_band = 1 has to be less than rises = 1"),
        ("rises = -1", "alarms.rules.it.rises = '-1': must be greater than 0"),
        ('set_point = "weather/to"', "set_point needs 'within'"),
        ('set_point = "weather"\nwithin = 1', "names no channel: write 'agent/channel'"),
        ('state = "fault"', "'state' is about an agent: 'weather'"),
        ("silent = 0", "alarms.rules.it.silent = '0': must be greater than 0"),
        ("above = 3\ntext = 5", "alarms.rules.it.text = '5': must be a text, in quotes"),
        ("equals = {a = 1}", "alarms.rules.it.equals: must be a list, in brackets"),
        ("above = 3\nenabled = 7", "alarms.rules.it.enabled = '7': must be true or false"),
        ("equals = []", "equals = []: names nothing"),
        ("equals = nan", "equals = nan: must be a finite number"),
        ("equals = [1, -inf]", "equals = -inf: must be a finite number"),
        ('above = 3\nnotify = ["mail"]', "rules.it.notify: 'mail' is no notifier and no group"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(folder: Path, keys: str, told: str) -> None:
    (problem,) = problems(folder, f"[alarms.rules.it]\n{RULE}{keys}\n")
    assert problem.startswith(f"{folder}/pyros.toml: alarms")
    assert told in problem


@pytest.mark.parametrize("text", ["alarms = 5", "[alarms]\nrules = 5", "[alarms.rules]\nit = 5"])
def test_what_is_no_table_is_told_in_our_words(folder: Path, text: str) -> None:
    (problem,) = problems(folder, text)
    assert problem.endswith("= '5': must be a table")


def test_what_is_missing_is_told_with_its_file(folder: Path) -> None:
    (problem,) = problems(folder, '[alarms.rules.it]\nseverity = "serious"\nabove = 1\n')
    assert problem == f"{folder}/pyros.toml: alarms.rules.it.about: is missing"


def test_a_wrong_state_severity_or_name_gets_the_nearest(folder: Path) -> None:
    text = '[alarms.rules.it]\nabout = "dome"\nseverity = "worse"\nstate = ["falt", "lost"]\n'
    severity, state = problems(folder, text)
    assert "must be 'warning', 'serious' or 'critical'" in severity
    assert "state.0 = 'falt': is no state of an agent; did you mean 'fault'?" in state
    (name,) = problems(folder, f"[alarms.rules.It]\n{RULE}above = 1\n")
    assert "alarm 'It' is not a valid name" in name
    (about,) = problems(folder, f"[alarms.rules.it]\n{RULE}above = 1\n".replace("wind", "+"))
    assert "must be 'agent', 'agent/channel' or 'agent/channel.field'" in about


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ('[alarms]\nnotify = ["opertor"]\n', "notify: 'opertor' is no notifier and no group"),
        ('[alarms.groups]\nall = ["mial"]\n', "groups.all: 'mial' is no notifier"),
        ('[alarms.email.operator]\nto = "ops"\n', "'ops' is no address such as"),
        ('[alarms.email.operator]\nto = "a@b"\nservr = "x"\n', "did you mean 'server'?"),
        ('[alarms.email.a]\nto = "a@b"\nusername = "u"\n', "belong together"),
        ('[alarms.webhook.w]\nurl = "ftp://x"\n', "must be a URL such as"),
        (
            '[alarms.command.a]\ncommand = "x"\n[alarms.webhook.a]\nurl = "http://x"\n',
            "have one name",
        ),
        ("[alarms]\nstorm_notices = 0\n", "alarms.storm_notices = '0'"),
        ("[alarms]\nnotfy = 0\n", "did you mean 'notify'?"),
    ],
)
def test_wrong_people_are_told(folder: Path, tables: str, told: str) -> None:
    (problem,) = problems(folder, tables)
    assert told in problem


def test_a_password_is_not_sent_in_the_clear(folder: Path) -> None:
    mail = '[alarms.email.a]\nto = "a@b"\nserver = "mail.example"\nusername = "u"\n'
    (problem,) = problems(folder, f'{mail}password_file = "secret"\n')
    assert "set security to 'starttls' or 'tls'" in problem
    assert problems(folder, f'{mail}password_file = "secret"\nsecurity = "tls"\n') == []
    assert Settings().alarms.email["a"].password_file == folder / "secret"


def test_an_address_that_anybody_might_write_to_is_not_shown(folder: Path) -> None:
    text = '[alarms.webhook.chat]\nurl = "https://chat.example/hooks/T0/s3cret"\n'
    assert problems(folder, text) == []
    (one,) = [one for one in Settings().sources() if one.key.endswith(".url")]
    assert one.shown == "https://chat.example/********"
    assert "s3cret" not in repr(Settings())


def test_each_value_knows_where_it_comes_from(folder: Path) -> None:
    assert problems(folder, f"[alarms.rules.it]\n{RULE}above = 3\n") == []
    (one,) = [one for one in Settings().sources() if one.key == "alarms.rules.it.above"]
    assert (one.shown, one.place) == ("3", f"{folder}/pyros.toml")


def test_pyros_up_runs_the_watchman_where_it_is_to_run() -> None:
    def here(**alarms: Any) -> list[str]:
        rules = {"it": {"about": "weather/wind", "severity": "serious", "above": 3}}
        return list(tables_here(Settings(alarms={"rules": rules, **alarms}), "control"))

    assert here() == ["alarms"]
    assert here(enabled=False) == []
    assert here(host="elsewhere") == []
    assert here(host="control.observatory.example") == ["alarms"]
    assert list(tables_here(Settings(), "control")) == []
