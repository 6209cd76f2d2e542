"""What the command line makes of words, numbers and schemas, without a process."""

from __future__ import annotations

import enum
import json
import math
import os
import time
from typing import Annotated, Literal

import pytest
from pydantic import Field

from pyros_mqtt.claims import Health
from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import in_words, leading_globals
from pyros_mqtt.cli.commands import decoded
from pyros_mqtt.cli.endings import USAGE, Trouble
from pyros_mqtt.cli.rows import as_json, is_troubled, row
from pyros_mqtt.cli.schema_words import arguments, usage
from pyros_mqtt.cli.show import dated_time, duration, one_line, printable
from pyros_mqtt.dispatch import Action
from pyros_mqtt.fleet import Member
from pyros_mqtt.messages import State, Status


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


def test_no_text_of_the_bus_turns_a_table_or_json_around(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "a\u202eb\u2066c\u200bd\xa0e\U000e0041"
    show.table(["agent", said], [[said, "x"]])
    show.json({"text": said})
    show.json_line(said)
    told = capsys.readouterr().out
    assert not set(told) & set("\u202e\u2066\u200b\U000e0041")
    assert json.loads(told.splitlines()[-1]) == said
    assert "a\\u202eb" in told.splitlines()[1]


def test_a_line_cannot_be_forged() -> None:
    assert one_line("a\x1b[31m\nb\u2028c é") == r"a\x1b[31m\nb\u2028c é"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Input should be greater than or equal to 0.001", "must be at least 0.001"),
        ("Input should be less than or equal to 65535", "must be at most 65535"),
        (
            "Input should be a valid number, unable to parse string as a number",
            "must be a number",
        ),
        ("Value error, 'foo' is not one of 'a', 'b'.", "'foo' is not one of 'a', 'b'."),
    ],
)
def test_a_wrong_value_is_told_in_our_words(theirs: str, ours: str) -> None:
    assert in_words(theirs) == ours


def test_arguments_are_utf_8_whatever_the_locale_says() -> None:
    assert decoded(["send", os.fsdecode("é".encode())]) == ["send", "é"]


def test_an_argument_that_is_no_text_is_a_wrong_usage() -> None:
    with pytest.raises(Trouble, match=r"argument 2 is no UTF-8 text: 'name=\\xff'") as caught:
        decoded(["send", os.fsdecode(b"name=\xff")])
    assert caught.value.code == USAGE


def member(state: State, health: Health, age: float, detail: str = "") -> Member:
    return Member("dome", Status("dome", state, detail=detail), None, age, health)


def test_an_agent_that_ended_by_a_failure_needs_somebody() -> None:
    assert is_troubled(member(State.STOPPED, Health.STOPPED, 3.0, "it failed: no such dome"))
    assert not is_troubled(member(State.STOPPED, Health.STOPPED, 3.0))


def test_the_age_of_the_lost_is_told_where_it_is_known() -> None:
    assert row(member(State.LOST, Health.LOST, 3.0), bar=False)[3] == "3.0 s"
    assert row(member(State.LOST, Health.LOST, math.inf), bar=False)[3] == "?"
    assert row(Member("dome", None, None, math.inf, Health.UNKNOWN), bar=False)[3] == "-"


@pytest.mark.parametrize(
    ("skew", "told"),
    [
        (None, ""),
        (0.9, ""),
        (7.04, "its clock is 7.0 s ahead"),
        (-3.0, "its clock is 3.0 s behind"),
    ],
)
def test_a_clock_that_differs_is_told(skew: float | None, told: str) -> None:
    status = Status("dome", State.READY)
    one = Member("dome", status, None, 1.0, Health.LIVE, skew)
    assert row(one, bar=False)[5] == told
    assert as_json(one)["skew"] == skew


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


@pytest.mark.parametrize(("seconds", "told"), [(-0.4, "0.0 s"), (-6, "future"), (-2e9, "future")])
def test_what_is_yet_to_come_has_no_age(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_a_moment_of_another_day_has_its_date() -> None:
    assert dated_time(0) == "1970-01-01 00:00:00Z"
    assert len(dated_time(time.time())) == len("20:14:03Z")
