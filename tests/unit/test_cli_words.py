"""What the command line makes of words, numbers and schemas, without a process."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import pytest
from pydantic import Field

from pyros_mqtt.cli.app import leading_globals
from pyros_mqtt.cli.schema_words import arguments, usage
from pyros_mqtt.cli.show import duration, printable
from pyros_mqtt.dispatch import Action


def test_global_options_are_understood_after_the_command() -> None:
    words = ["send", "dome", "open", "--broker", "mqtt://x", "--wait", "--root=esp"]
    assert leading_globals(words) == [
        "--broker", "mqtt://x", "--root=esp", "send", "dome", "open", "--wait",
    ]  # fmt: skip


def test_what_stands_behind_two_dashes_is_left_alone() -> None:
    words = ["send", "dome", "--", "--broker", "x"]
    assert leading_globals(words) == words
    assert leading_globals(["status", "--broker"]) == ["status", "--broker"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.4, "12 s"), (119, "119 s"), (180, "3 min"), (7200, "2 h"),
     (3 * 86400, "3 d"), (float("inf"), "-")],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_control_characters_are_taken_out() -> None:
    assert printable("a\x1b[31mb\x07\nc") == "a\ufffd[31mb\ufffd\nc"


class Filter(enum.Enum):
    CLEAR = "clear"
    RED = "red"


def expose(  # noqa: PLR0913, PLR0917
    seconds: Annotated[float, Field(gt=0, le=3600, description="of the sky")],
    ra: Annotated[float, Field(ge=0, lt=360)],
    color: Filter = Filter.CLEAR,
    side: Literal["east", "west"] = "west",
    target: str | None = None,
    offsets: list[float] | None = None,
    dark: bool = False,  # noqa: FBT001, FBT002
) -> None:
    """For its signature alone."""


def test_a_signature_reads_as_it_is_typed() -> None:
    schema = Action("expose", expose).info().args
    assert usage(schema) == (
        "seconds=NUMBER ra=NUMBER [color=clear|red] [side=east|west] [target=TEXT] "
        "[offsets=ARRAY] [dark=true|false]"
    )


def test_each_argument_is_told_in_words() -> None:
    told = dict(arguments(Action("expose", expose).info().args))
    assert told == {
        "seconds": "a number above 0, at most 3600: of the sky",
        "ra": "a number from 0, below 360",
        "color": "clear or red, default clear",
        "side": "east or west, default west",
        "target": "a text, may be left out",
        "offsets": "a list, each a number, may be left out",
        "dark": "true or false, default false",
    }
