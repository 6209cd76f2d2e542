"""Old PyROS senders on real sockets, through the gateway and a real broker, to agents of today."""

from __future__ import annotations

import socket

import pytest

from pyros_mqtt.settings import BrokerUrl
from tests.system.gateway_place import Scheduler, a_place, reads


def test_an_old_senders_message_becomes_a_command(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)
        (command,) = place.scheduler.heard
        assert (command.message, command.sender) == ("Observation finished", "tcp-127-0-0-1")


def test_a_senders_configured_name_is_its_from(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    with a_place(mosquitto_url, topic_root, sends_from="127.0.0.1") as place:
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)
        assert place.scheduler.heard[0].sender == "scheduler"


def test_an_old_sender_gets_no_answer_unless_one_is_configured(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        assert place.old.ask(Scheduler.MSG_OBS_FINISHED) == ""


@pytest.mark.parametrize(
    ("answer", "line"), [("accepted", "accepted\n"), ("ended", "done [83.5,22]\n")]
)
def test_one_who_reads_gets_an_answer_line(
    mosquitto_url: BrokerUrl, topic_root: str, answer: str, line: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer=answer) as place:
        assert place.old.ask("goto ra=83.5 dec=22.0").replace("22.0", "22") == line
        refused = place.old.ask("gotoo")
        assert refused.startswith("rejected: there is no message 'gotoo'; did you mean 'goto'")
        assert refused.endswith("(unknown-message)\n")
        assert place.old.ask("goto ra=x dec=1").startswith("rejected: ra: must be")


def test_several_messages_in_one_segment_are_one_message_as_they_were(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer="accepted") as place:
        answer = place.old.ask("Observation finished\nObservation finished")
        assert "there is no message 'Observation finished\\nObservation" in answer.replace("\n", "")


def test_the_first_segment_of_a_message_is_the_message_as_it_was(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer="accepted") as place, place.connected() as sock:
        sock.send(b"Observation")
        assert reads(sock).startswith(b"rejected: there is no message 'Observation'")


def test_a_read_takes_buffer_size_bytes_and_what_is_left_is_told(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, buffer_size=20) as place:
        place.old.send_to("Observation finished and then some")
        place.stage.wait_until(lambda: place.scheduler.heard)
        place.until_counted("cut", 1)
        assert place.texts == ["Observation finished"]
        place.stage.wait_until(lambda: "14 bytes or more were not read" in place.detail)


def test_line_by_line_segments_do_not_matter(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    with (
        a_place(mosquitto_url, topic_root, framing="line", answer="ended") as place,
        place.connected() as sock,
        sock.makefile("r") as lines,
    ):
        sock.send(b"Observation finished\nObserva")
        assert lines.readline() == "done 1\n"
        sock.send(b"tion finished\r\ngoto ra=1 dec=2\nnonsense")
        assert lines.readline() == "done 2\n"
        assert lines.readline().startswith("done [1")
        sock.shutdown(socket.SHUT_WR)
        assert lines.readline().startswith("rejected: there is no message 'nonsense'")
        assert lines.readline() == ""


def test_messages_of_one_sender_come_in_their_order(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        for number in range(200):
            place.old.send_to(f"Observation finished number={number}")
        place.stage.wait_until(lambda: len(place.scheduler.heard) == 200)
        assert [one.args["number"] for one in place.scheduler.heard] == list(range(200))
