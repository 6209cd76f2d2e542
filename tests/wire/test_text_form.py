"""Commands as a person types them (protocol section 2, rule 5)."""

from __future__ import annotations

import contextlib
import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.errors import Refusal
from pyros_mqtt.messages import JSON, Command
from pyros_mqtt.wire import decode_command, typed_words

NOW = 1_795_378_443.0


def read(text: str) -> Command:
    command = decode_command(text.encode(), "dome", arrived=NOW)
    assert command is not None
    return command


def refused(text: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "message", "args"),
    [
        ("open", "open", {}),
        ("Observation finished", "Observation finished", {}),
        ("  open  ", "open", {}),
        ("goto ra=83.633 dec=22.014", "goto", {"ra": 83.633, "dec": 22.014}),
        ("goto ra=-1e-3 dec=+5", "goto", {"ra": -0.001, "dec": "+5"}),
        ("open slit please side=west", "open slit please", {"side": "west"}),
        ("say text='hello there' to=all", "say", {"text": "hello there", "to": "all"}),
        ('say text="a \\"quoted\\" word"', "say", {"text": 'a "quoted" word'}),
        (r"say text=two\ words", "say", {"text": "two words"}),
        ("say text=a'b'\"c\"d", "say", {"text": "abcd"}),
        ("set on=true off=false none=null", "set", {"on": True, "off": False, "none": None}),
        ("set on=True x=nan y=Infinity z=1e999", "set",
         {"on": "True", "x": "nan", "y": "Infinity", "z": "1e999"}),
        ("set a=007 b=1_000 c=0x10 d=- e=1.", "set",
         {"a": "007", "b": "1_000", "c": "0x10", "d": "-", "e": "1."}),
        ("set empty= eq=a=b", "set", {"empty": "", "eq": "a=b"}),
        ('set list=[1] text="5"', "set", {"list": "[1]", "text": 5}),
        ("set my-key=1 _x=2 k9=3", "set", {"my-key": 1, "_x": 2, "k9": 3}),
        ("goto\tra=1\ndec=2", "goto", {"ra": 1, "dec": 2}),
        ("höhe=3 is no key", "höhe=3 is no key", {}),
        ("2x=3", "2x=3", {}),
        ("close = now", "close = now", {}),
        ("it's raining", "it's raining", {}),
        ('say text="never closed', 'say text="never closed', {}),
        ("path c:\\", "path c:\\", {}),
        ("'quoted name' side=west", "'quoted name'", {"side": "west"}),
        ("say 'ra=1 dec=2' x=3", "say 'ra=1 dec=2'", {"x": 3}),
        ("big n=123456789012345678901234567890", "big", {"n": 123456789012345678901234567890}),
    ],
)  # fmt: skip
def test_a_text_is_split_as_a_shell_splits_it(
    text: str, message: str, args: dict[str, JSON]
) -> None:
    command = read(text)
    assert command.message == message
    assert command.args == args
    assert [type(value) for value in command.args.values()] == [type(v) for v in args.values()]


def test_true_is_true_and_not_one() -> None:
    assert read("set on=true").args["on"] is True


def test_a_text_has_no_sender_and_no_id_and_is_echoed() -> None:
    command = read("goto ra=1\n")
    assert (command.sender, command.id, command.echo) == ("anonymous", "", "goto ra=1\n")


@pytest.mark.parametrize("text", ["goto ra=1 2", "goto ra=1 to the west", "goto ra=1 =2"])
def test_a_word_between_arguments_is_refused(text: str) -> None:
    refusal = refused(text)
    assert refusal.code == "bad-arguments"
    assert "is not of the form key=value" in refusal.text


def test_an_argument_that_stands_there_twice_is_refused() -> None:
    refusal = refused("goto ra=1 ra=2")
    assert (refusal.code, "'ra'" in refusal.text) == ("bad-arguments", True)


def test_arguments_without_a_message_are_refused() -> None:
    assert refused("ra=1 dec=2").code == "unknown-message"


def test_words_of_a_command_line_are_read_alike() -> None:
    assert typed_words(["ra=83.5", "name=M 31", "on=true"]) == {
        "ra": 83.5,
        "name": "M 31",
        "on": True,
    }
    with pytest.raises(ValueError, match="key=value"):
        typed_words(["west"])


@pytest.mark.parametrize(
    "text",
    [
        'say "' + "a= " * 80_000 + '"',
        "say " + "a" * 250_000,
        "say " + '"' * 250_001,
        "say " + "\\" * 250_001,
        "say " + "'a'" * 80_000,
        "say " + " ".join(f"k{i}=1" for i in range(25_000)),
    ],
    ids=["quoted keys", "long word", "quotes", "backslashes", "pieces", "many arguments"],
)
def test_no_text_keeps_the_network_thread_for_long(text: str) -> None:
    began = time.thread_time()  # others may have the processor meanwhile
    read(text)
    assert time.thread_time() - began < 1.0


SHELL_TEXT = st.text(
    alphabet=st.sampled_from(list("ab=1.\\\"' \t\n"))
    | st.characters(codec="utf-8", exclude_characters="\0\v\f"),
    max_size=40,
)


def shell_arguments(text: str) -> dict[str, JSON] | None:
    """The arguments as Python's own reader of shell words sees them; None where it refuses."""
    try:
        words = shlex.split(text.strip())
    except ValueError:
        return {}
    try:
        return typed_words(words[1:])
    except ValueError:
        return None


@given(SHELL_TEXT)
def test_each_value_is_what_the_shell_would_make_of_it(more: str) -> None:
    text = f"say first=x {more}"
    expected = shell_arguments(text)
    if expected is None:
        assert refused(text).code == "bad-arguments"
    else:
        assert read(text).args == expected


@given(st.binary(max_size=60) | SHELL_TEXT.map(str.encode))
def test_no_bytes_raise_anything_but_a_refusal(payload: bytes) -> None:
    with contextlib.suppress(Refusal):
        decode_command(payload, "dome", arrived=NOW)
