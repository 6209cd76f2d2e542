"""Reading who may do what."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt.access import Identity, Register
from pyros_mqtt.access.editing import enter
from pyros_mqtt.errors import AccessError

OBSERVATORY = """
[roles.student]
views = true
commands = { telescope = ["goto", "park"] }

[identities.dome]
role = "agent"

[identities.watchman]
role = "agent"
commands = { dome = ["close"] }

[identities.eva]
role = "student"

[identities.ops]
role = "operator"
"""


def read(folder: Path, text: str) -> Register:
    file = folder / "access.toml"
    file.write_text(text, "utf-8")
    return Register.read(file)


@pytest.mark.parametrize(
    ("name", "agent", "message", "may"),
    [
        ("ops", "dome", "open", True),
        ("eva", "telescope", "goto", True),
        ("eva", "telescope", "reset", False),
        ("eva", "dome", "open", False),
        ("watchman", "dome", "close", True),
        ("watchman", "dome", "open", False),
        ("dome", "telescope", "park", False),
        ("nobody", "dome", "close", False),
    ],
)
def test_a_role_says_what_may_be_sent(
    tmp_path: Path, name: str, agent: str, message: str, *, may: bool
) -> None:
    assert read(tmp_path, OBSERVATORY).may_command(name, agent, message) is may


def test_the_inboxes_of_each(tmp_path: Path) -> None:
    register = read(tmp_path, OBSERVATORY)
    assert register.inboxes("ops") == ["*"]
    assert register.inboxes("eva") == ["telescope"]
    assert register.inboxes("watchman") == ["dome"]
    assert register.inboxes("dome") == []
    assert register.agents == ["dome", "watchman"]


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    assert "dome" in read(tmp_path, "\ufeff" + OBSERVATORY).identities
    enter(tmp_path / "access.toml", "camera", Identity(role="agent"))
    assert "camera" in Register.read(tmp_path / "access.toml").identities


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[identities.dome]", "identities.dome.role: is missing"),
        ("[identities.dome]\nrole = 'captain'", "there is no such role"),
        ("[identities.Dome]\nrole = 'agent'", "'Dome' is not a valid name"),
        ("[identities.dome]\nrole = 'agent'\nhots = 'x'", "did you mean 'host'?"),
        ("[roles.student]\ncommands = { telescope = [] }", "commands.telescope"),
        ("[roles.viewer]\ncommands = { '*' = ['*'] }", "choose another name for yours"),
        ("[identities.dome]\nrole = 'agent'\nhost = \"a\\nb\"", "must be one line"),
        ("[identities", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AccessError, match=r"access\.toml") as told:
        read(tmp_path, text)
    assert words in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="cannot be read"):
        Register.read(tmp_path / "access.toml")
