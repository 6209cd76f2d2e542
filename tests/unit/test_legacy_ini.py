"""PyROS's own file: what people have written into it over the years, and what is told them."""

import pytest

from pyros_mqtt.settings.legacy_ini import LegacyAgent, parse

ORDINARY = """\
[broker]
host = control.example
port = 1884

[scheduler]
ip = 127.0.0.1
receive_port = 10001
buffer_size = 1024

[alert_manager]
ip = 127.0.0.1
receive_port = 10002
voevent_folder = /data/voevents
"""


def test_an_ordinary_file_gives_broker_and_agents() -> None:
    found = parse(ORDINARY)
    assert found.broker == "control.example:1884"
    assert found.agents["scheduler"] == LegacyAgent("scheduler", "127.0.0.1", 10001, 1024)
    assert not found.problems


def test_keys_that_are_not_known_are_kept() -> None:
    assert parse(ORDINARY).agents["alert_manager"].rest == {"voevent_folder": "/data/voevents"}


@pytest.mark.parametrize(
    "text",
    [
        "[scheduler]\nip=10.0.0.1\nreceive_port=10001",
        "\ufeff[Scheduler]\r\nIP = 10.0.0.1\r\nReceive_Port = 10001\r\n",
        "  [ SCHEDULER ]  \n  ip : 10.0.0.1\n\n\treceive_port: 10001",
        "; ours\n# and theirs\n[scheduler] ; planner\nip = 10.0.0.1 # old\nreceive_port = 10001",
        "[DEFAULT]\nip = 10.0.0.1\n[scheduler]\nreceive_port = 10001",
    ],
)
def test_case_spaces_comments_and_byte_order_marks_do_not_matter(text: str) -> None:
    found = parse(text)
    assert not found.problems
    assert found.agents == {"scheduler": LegacyAgent("scheduler", "10.0.0.1", 10001)}


def test_a_space_in_a_section_is_an_underscore() -> None:
    assert list(parse("[Alert Manager]\nreceive_port = 10002").agents) == ["alert_manager"]


def test_without_a_broker_section_there_is_no_broker() -> None:
    assert parse("[scheduler]\nreceive_port = 1").broker == ""


def test_an_empty_file_is_no_problem() -> None:
    found = parse("\n; nothing here yet\n")
    assert (found.broker, dict(found.agents), found.problems) == ("", {}, ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\nreceive_port = x", "a.ini, line 2: [a] receive_port = 'x': must be a whole number"),
        ("[a]\nreceive_port = 0", "from 1 to 65535"),
        ("[a]\nreceive_port = 70000", "'70000'"),
        ("[broker]\nport = 1e3", "line 2: [broker] port = '1e3'"),
        ("[broker]\nhosts = b", "[broker] hosts = 'b': unknown key; did you mean 'host'?"),
        ("[broker]\nzzz = b", "known are host and port"),
        ("[a]\nbuffer_size = -1", "[a] buffer_size = '-1'"),
        ("[a]\nip = 10.0 .0.1", "must be an address such as 127.0.0.1"),
        ("[a]\nip = 1\nIP = 2", "line 3: ip = '2': line 2 says '1'; keep one of them"),
        ("[a]\n[A]", "line 2: [a]: is there twice"),
        ("ip = 1", "line 1: 'ip = 1': stands before the first [section]"),
        ("[a]\nwhat is this", "line 2: 'what is this': is neither [section] nor key = value"),
        ("[+]", "section '+' is not a valid name"),
        (
            "[a]\nreceive_port = 5\n[b]\nreceive_port = 5",
            "[b] receive_port = 5: [a] has the same at 127.0.0.1; each agent needs its own",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_value(text: str, told: str) -> None:
    (problem,) = parse(text, "a.ini").problems
    assert problem.startswith("a.ini")
    assert told in problem


def test_a_line_without_end_is_told_by_its_beginning() -> None:
    (problem,) = parse("x" * 100_000).problems
    assert "line 1: 'xxx" in problem
    assert "is neither [section] nor key = value" in problem
    assert len(problem) < 400


def test_all_problems_are_told_at_once() -> None:
    found = parse("[a]\nreceive_port = x\nbuffer_size = y\n[broker]\nport = z")
    assert len(found.problems) == 3


def test_the_same_value_twice_is_no_problem() -> None:
    assert not parse("[a]\nip = 1\nip = 1").problems
