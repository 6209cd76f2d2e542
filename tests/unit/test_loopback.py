"""The broker in the process keeps what matters of MQTT."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pyros_mqtt.loopback import Loopback, LoopbackTransport
from pyros_mqtt.transport import Delivery, Fate, Parcel
from tests.unit.stranger import Stranger


@pytest.fixture
def bus() -> Loopback:
    return Loopback()


@pytest.fixture
def voice(bus: Loopback) -> Iterator[LoopbackTransport]:
    with Stranger(bus, name="voice") as stranger:
        yield stranger.transport


def fate_of(voice: LoopbackTransport, parcel: Parcel) -> str:
    told: list[str] = []
    done = threading.Event()

    def learn(fate: str) -> None:
        told.append(fate)
        done.set()

    voice.publish(parcel, learn)
    assert done.wait(5)
    return told[0]


def test_payloads_cross_as_bytes_and_topics_are_matched(
    bus: Loopback, voice: LoopbackTransport
) -> None:
    with Stranger(bus, "a/+/c") as ear:
        for topic in ("a/b/c", "a/b/d", "a/x/c"):
            voice.publish(Parcel(topic, b"\xff"))
        ear.wait(lambda: len(ear.heard) == 2)
        assert [(d.topic, d.payload, d.retain) for d in ear.heard] == [
            ("a/b/c", b"\xff", False),
            ("a/x/c", b"\xff", False),
        ]


def test_it_tells_whether_anybody_listens_as_mqtt_5_does(
    bus: Loopback, voice: LoopbackTransport
) -> None:
    assert fate_of(voice, Parcel("a", b"")) == Fate.NO_SUBSCRIBER
    with Stranger(bus, "a"):
        assert fate_of(voice, Parcel("a", b"")) == Fate.TAKEN


def test_a_retained_message_waits_for_later_ones_and_an_empty_one_removes_it(
    bus: Loopback, voice: LoopbackTransport
) -> None:
    fate_of(voice, Parcel("a", b"1", retain=True))
    assert bus.retained("a") == b"1"
    with Stranger(bus, "a") as ear:
        ear.wait(lambda: ear.heard)
        assert ear.heard == [Delivery("a", b"1", retain=True)]
        voice.publish(Parcel("a", b"2", retain=True))
        ear.wait(lambda: len(ear.heard) == 2)
        assert not ear.heard[1].retain, "a live one is not marked"
    fate_of(voice, Parcel("a", b"", retain=True))
    assert bus.retained("a") is None


def test_an_unclean_end_speaks_the_will_and_a_clean_one_does_not(bus: Loopback) -> None:
    with Stranger(bus, "+/will") as ear:
        for name in ("cut", "clean"):
            client = bus.transport(name)
            client.open(Parcel(f"{name}/will", b"lost"))
            if name == "cut":
                bus.cut(name)
            client.close()
        ear.wait(lambda: ear.heard)
        assert [d.topic for d in ear.heard] == ["cut/will"]


def test_a_client_that_was_cut_can_come_back_and_listens_again(bus: Loopback) -> None:
    with Stranger(bus, "a", name="ear") as ear:
        states: list[bool] = []
        ear.transport.on_state(states.append)
        bus.cut("ear")
        assert not ear.transport.is_up
        bus.mend(ear.transport)
        ear.say("a", b"again", keep=True)
        ear.wait(lambda: ear.heard)
        assert states[-2:] == [False, True]


def test_what_is_kept_waits_for_the_connection_and_the_rest_is_dropped(
    bus: Loopback, voice: LoopbackTransport
) -> None:
    bus.cut("voice")
    assert fate_of(voice, Parcel("a", b"lost")) == Fate.DROPPED
    with Stranger(bus, "a") as ear:
        voice.publish(Parcel("a", b"kept", keep=True))
        bus.mend(voice)
        ear.wait(lambda: ear.heard)
        assert [d.payload for d in ear.heard] == [b"kept"]


def test_a_second_client_of_one_id_throws_the_first_out(bus: Loopback) -> None:
    first, second = bus.transport("same"), bus.transport("same")
    lost = threading.Event()
    first.on_state(lambda up: None if up else lost.set())
    first.open()
    second.open()
    assert lost.wait(5)
    assert not first.is_up
    first.close()
    second.close()


def test_overlapping_subscriptions_are_refused(bus: Loopback) -> None:
    transport = bus.transport("x")
    transport.subscribe("a/+", print)
    with pytest.raises(ValueError, match="overlaps"):
        transport.subscribe("a/b", print)
    transport.unsubscribe("a/+")
    transport.subscribe("a/b", print)


def test_a_handler_that_raises_ends_nothing(
    bus: Loopback, voice: LoopbackTransport, caplog: pytest.LogCaptureFixture
) -> None:
    heard = threading.Event()

    def handler(delivery: Delivery) -> None:
        if delivery.payload == b"bad":
            raise RuntimeError("broken handler")
        heard.set()

    ear = bus.transport("ear")
    ear.subscribe("a", handler)
    ear.open()
    voice.publish(Parcel("a", b"bad"))
    voice.publish(Parcel("a", b"good"))
    assert heard.wait(5)
    assert "broken handler" in caplog.text
    ear.close()


def test_turns_go_on_when_nothing_happens(bus: Loopback) -> None:
    turns = threading.Semaphore(0)
    transport = bus.transport("x")
    transport.on_turn(turns.release)
    transport.open()
    for _ in range(5):
        assert turns.acquire(timeout=5)
    transport.close()


def test_a_client_that_was_cut_while_it_connected_does_not_believe_to_be_up(bus: Loopback) -> None:
    states: list[bool] = []
    turned = threading.Event()
    client = bus.transport("x")
    client.on_state(states.append)
    client.open()
    bus.cut("x")
    client.on_turn(turned.set)
    assert turned.wait(5)
    client.close()
    assert states in ([False], [True, False])
    assert not client.is_up


def test_closing_what_was_never_opened_is_no_error(bus: Loopback) -> None:
    bus.transport("x").close()
