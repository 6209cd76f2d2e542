"""Bytes of a connection -> messages, as PyROS's receiver read them, and line by line."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.errors import Refusal
from pyros_mqtt.gateway.answers import LONGEST, as_bytes
from pyros_mqtt.gateway.framing import Lines, OneRead
from pyros_mqtt.gateway.notes import Notes
from pyros_mqtt.gateway.peers import MOST_NAMES, Peers
from pyros_mqtt.gateway.reading import command_of
from pyros_mqtt.settings import GatewayTable, OldSocket


def test_one_read_is_one_message_whatever_it_holds() -> None:
    framing = OneRead()
    assert framing.take(b"open\nclose") == [b"open\nclose"]
    assert framing.is_over


def test_what_comes_after_the_first_read_is_counted_not_taken() -> None:
    framing = OneRead()
    framing.take(b"Observation ")
    assert framing.take(b"finished") == []
    assert framing.waste == 8


def test_an_empty_first_read_is_no_message() -> None:
    framing = OneRead()
    assert framing.take(b"") == []
    assert framing.is_over


def test_several_lines_in_one_segment_are_several_messages() -> None:
    assert Lines(100).take(b"open\r\nclose\n\nstop\n") == [b"open\r", b"close", b"stop"]


def test_one_line_in_several_segments_is_one_message() -> None:
    framing = Lines(100)
    assert framing.take(b"Observation ") == []
    assert framing.take(b"finished\nop") == [b"Observation finished"]
    assert framing.begun == 2


def test_the_last_line_needs_no_end() -> None:
    framing = Lines(100)
    framing.take(b"open\nclose")
    assert framing.take(b"") == [b"close"]
    assert framing.is_over


def test_a_line_that_is_too_long_ends_the_connection_and_not_what_came_before() -> None:
    framing = Lines(8)
    assert framing.take(b"open\n" + b"x" * 9) == [b"open"]
    assert framing.is_over
    assert framing.waste == 9


@given(
    lines=st.lists(
        st.binary(min_size=1, max_size=20).filter(lambda b: b"\n" not in b and b.strip())
    ),
    cuts=st.lists(st.integers(1, 30)),
)
def test_where_the_segments_are_cut_does_not_matter_to_lines(
    lines: list[bytes], cuts: list[int]
) -> None:
    stream, framing, found = b"".join(line + b"\n" for line in lines), Lines(100), []
    for size in cuts:
        piece, stream = stream[:size], stream[size:]
        found += framing.take(piece) if piece else []
    found += framing.take(stream) if stream else []
    assert found + framing.take(b"") == lines


# -- who writes, and what -------------------------------------------------------------------


def test_a_configured_address_has_its_agents_name() -> None:
    table = GatewayTable(agents={"scheduler": OldSocket(sends_from="10.0.0.7, fe80::7")})  # type: ignore[arg-type]
    peers = Peers(table, "gateway")
    assert peers.name("10.0.0.7") == "scheduler"
    assert peers.name("fe80::7%eth0") == "scheduler"
    assert peers.name("::ffff:10.0.0.7") == "scheduler"


def test_another_address_gets_a_name_made_from_it() -> None:
    peers = Peers(GatewayTable(), "gateway")
    assert peers.name("192.168.1.20") == "tcp-192-168-1-20"
    assert peers.name("::1") == "tcp-1"


def test_made_up_names_are_bounded() -> None:
    peers = Peers(GatewayTable(), "gateway")
    names = {peers.name(f"10.0.{i // 250}.{i % 250}") for i in range(2 * MOST_NAMES)}
    assert len(names) == MOST_NAMES + 1
    assert "gateway" in names


def test_by_default_private_networks_may_write_and_the_internet_may_not() -> None:
    peers, section = Peers(GatewayTable(), "gateway"), OldSocket()
    for near in (
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.9",
        "172.16.0.1",
        "::ffff:10.0.0.1",
        "fe80::1",
    ):
        assert peers.may_write(near, section), near
    for far in ("8.8.8.8", "172.32.0.1", "2001:db8::1"):
        assert not peers.may_write(far, section), far


def test_a_section_may_allow_less_or_more_than_the_gateway() -> None:
    peers = Peers(GatewayTable(allow=("10.0.0.0/8",)), "gateway")  # type: ignore[arg-type]
    narrow = OldSocket(allow="10.0.0.7")  # type: ignore[arg-type]
    assert peers.may_write("10.0.0.7", narrow)
    assert not peers.may_write("10.0.0.8", narrow)
    assert peers.may_write("8.8.8.8", OldSocket(allow="8.8.8.8, 10.0.0.0/8"))  # type: ignore[arg-type]


def test_a_message_is_read_as_an_inbox_would() -> None:
    command = command_of(b"goto ra=83.6 name='M 1'\r\n", "telescope", "ops", 30)
    assert command is not None
    assert (command.message, command.args) == ("goto", {"ra": 83.6, "name": "M 1"})
    assert (command.agent, command.sender) == ("telescope", "ops")
    assert command.deadline is not None
    assert command.sent_at is not None
    assert command.deadline - command.sent_at == pytest.approx(30, abs=1)


def test_a_json_command_keeps_its_arguments_but_not_its_sender() -> None:
    raw = b'{"message": "goto", "args": {"ra": 1}, "from": "root", "ttl": 5}'
    command = command_of(raw, "telescope", "ops", 30)
    assert command is not None
    assert (command.args, command.sender) == ({"ra": 1}, "ops")
    assert (command.deadline or 0) - (command.sent_at or 0) == pytest.approx(5, abs=1)


@pytest.mark.parametrize(
    ("raw", "told"),
    [(b"\xff\xfeo\x00", "not UTF-8 at byte 0"), (b"a\0b", "NUL"), (b'{"message": ', "bad-json")],
)
def test_what_cannot_be_read_is_refused_with_its_reason(raw: bytes, told: str) -> None:
    with pytest.raises(Refusal, match=told):
        command_of(raw, "telescope", "ops", 30)


def test_blanks_are_no_message() -> None:
    assert command_of(b" \r\n", "telescope", "ops", 30) is None


def test_an_answer_is_one_line_and_bounded() -> None:
    assert as_bytes("done {}\nclose") == b"done {} close\n"
    assert len(as_bytes("x" * 5000)) == LONGEST + 1


# -- what went wrong ------------------------------------------------------------------------


def test_one_kind_of_trouble_is_logged_once_and_then_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notes = Notes(logging.getLogger("pyros.test"))
    for i in range(1000):
        notes.add("silent dome", f"{i} said nothing", 0.0)
    notes.add("cut dome", "cut", 0.0)
    assert [one.message for one in caplog.records] == ["0 said nothing", "cut"]
    notes.flush(11.0)
    assert caplog.records[-1].message == "999 said nothing (and 999 of this kind before it)"
    assert notes.recent() == {"silent dome": "999 said nothing", "cut dome": "cut"}
    notes.flush(100.0)
    assert notes.recent() == {}
