"""The records of an agent's log on its log topics."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pyros_mqtt import Agent, on
from pyros_mqtt.logbook import BURST, Logbook
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate
from tests.unit.hand_transport import HandTransport
from tests.unit.stranger import Stranger

log = logging.getLogger("pyros.dome")


@pytest.fixture
def transport() -> HandTransport:
    return HandTransport()


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    before = log.level
    log.setLevel(logging.DEBUG)
    yield
    log.setLevel(before)


@pytest.fixture
def logbook(transport: HandTransport) -> Iterator[Logbook]:
    made = Logbook("dome", Topics(), transport, "info")
    yield made
    made.close()


@pytest.mark.usefixtures("logbook")
def test_a_record_goes_to_the_topic_of_its_level(transport: HandTransport) -> None:
    log.warning("the shutter is %s", "slow")
    log.getChild("drive").info("on")
    log.debug("not sent")
    assert [(parcel.topic, parcel.qos, parcel.retain) for parcel in transport.sent] == [
        ("pyros/dome/log/warning", 0, False),
        ("pyros/dome/log/info", 0, False),
    ]
    first, second = transport.bodies()
    assert (first["level"], first["logger"], first["text"]) == (
        "warning",
        "pyros.dome",
        "the shutter is slow",
    )
    assert second["logger"] == "pyros.dome.drive"


@pytest.mark.usefixtures("logbook")
def test_a_traceback_goes_along(transport: HandTransport) -> None:
    try:
        int("noon")
    except ValueError:
        log.exception("failed")
    assert "invalid literal" in transport.bodies()[0]["exception"]


@pytest.mark.usefixtures("logbook")
def test_what_others_record_stays_theirs(transport: HandTransport) -> None:
    logging.getLogger("pyros.domes").error("another agent")
    logging.getLogger("pyros_mqtt.agent.life").error("in another thread")
    logging.getLogger("other").error("somebody")
    assert not transport.sent


@pytest.mark.usefixtures("logbook")
def test_what_the_library_says_in_the_agents_threads_is_its_own(transport: HandTransport) -> None:
    def speak() -> None:
        logging.getLogger("pyros_mqtt.agent.performance").error("failed")
        logging.getLogger("pyros_mqtt.link.link").error("never: it speaks of sending")
        logging.getLogger("pyros_mqtt.telemetry.conveyor").error("nor this")

    for name in ("agent dome", "urgent dome", "agent domes", "network pyros-dome"):
        thread = threading.Thread(target=speak, name=name)
        thread.start()
        thread.join()
    assert [body["text"] for body in transport.bodies()] == ["failed"] * 2


def test_too_many_are_left_out_and_counted(
    transport: HandTransport, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    now = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("pyros_mqtt.logbook.time", clock)
    request.getfixturevalue("logbook")
    for number in range(BURST + 30):
        log.info("%d", number)
    assert len(transport.sent) == BURST
    now[0] += 1.0
    log.info("after a second")
    assert transport.bodies()[-1]["left_out"] == 30
    log.info("one more")
    assert "left_out" not in transport.bodies()[-1]


@pytest.mark.usefixtures("logbook")
def test_what_is_said_without_a_connection_is_counted(transport: HandTransport) -> None:
    transport.is_up = False
    for _ in range(3):
        log.error("nobody hears it")
    transport.is_up = True
    transport.fate = Fate.DROPPED
    log.error("nor this")
    transport.fate = Fate.TAKEN
    log.error("heard")
    assert transport.bodies()[-1]["left_out"] == 4


def test_a_transport_that_speaks_itself_is_not_heard_again(transport: HandTransport) -> None:
    def speak(parcel: Any, on_fate: Any = None) -> None:
        del on_fate
        transport.sent.append(parcel)
        log.error("publishing")

    transport.publish = speak  # type: ignore[method-assign]
    logbook = Logbook("dome", Topics(), transport, "info")
    log.error("once")
    logbook.close()
    assert len(transport.sent) == 1


@pytest.mark.usefixtures("logbook")
def test_a_bad_record_does_not_hurt_its_author(
    transport: HandTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", False)  # pytest's own handlers raise
    log.info("%d", "no number")
    log.info("good")
    assert [(one["text"], one["left_out"]) for one in transport.bodies()] == [("good", 1)]


def test_nothing_is_sent_when_it_is_off_or_closed(transport: HandTransport) -> None:
    Logbook("dome", Topics(), transport, "off")
    closed = Logbook("dome", Topics(), transport, "info")
    closed.close()
    log.error("unheard")
    assert not transport.sent


def test_where_logging_is_not_set_up_info_is_sent_and_warnings_still_show(
    transport: HandTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    resort = logging.StreamHandler()
    resort.emit = lambda record: shown.append(record.getMessage())  # type: ignore[method-assign]
    resort.setLevel(logging.WARNING)
    monkeypatch.setattr(logging, "lastResort", resort)
    monkeypatch.setattr(log, "propagate", False)  # pytest has set the root up
    log.setLevel(logging.NOTSET)
    logbook = Logbook("dome", Topics(), transport, "info")
    log.info("moving")
    log.warning("slow")
    logbook.close()
    assert [body["text"] for body in transport.bodies()] == ["moving", "slow"]
    assert shown == ["slow"]
    assert log.level == logging.NOTSET


class Dome(Agent):
    @on("open")
    def open(self) -> None:
        self.log.warning("wind")
        raise OSError("stuck")


def test_an_agent_publishes_its_log() -> None:
    bus = Loopback()
    settings = Settings(journal="memory", publish_logs="warning")
    with Stranger(bus, "pyros/+/log/+") as ear, Rehearsal(bus, settings) as stage:
        stage.start(Dome(bus=bus, settings=settings))
        stage.send("dome", "open")
        ear.wait(lambda: ear.on("pyros/dome/log/error"))
        assert [one["text"] for one in ear.on("pyros/dome/log/warning")][:1] == ["wind"]
        assert "OSError: stuck" in ear.on("pyros/dome/log/error")[0]["exception"]
        assert not ear.on("pyros/dome/log/info")
