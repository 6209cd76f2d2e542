"""Commands for later, and commands that wait on the disk, over the loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyros_mqtt import Agent, Command, Outcome, Receipt, Rejected, Sender, State, on
from pyros_mqtt.sender import spool_path
from pyros_mqtt.sender.moments import moment_of
from pyros_mqtt.settings import Settings
from pyros_mqtt.spool import Spool
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.wire import to_rfc3339


class Dome(Agent):
    """Notes when it was opened."""

    def __init__(self, stage: Rehearsal) -> None:
        super().__init__("dome", bus=stage.bus, settings=stage.settings)
        self.opened: list[tuple[int, float]] = []

    @on("open")
    def open(self, n: int = 0) -> int:
        self.opened.append((n, time.time()))
        return n


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Rehearsal]:
    settings = Settings(state_dir=tmp_path, journal="memory")
    with Rehearsal(settings=settings) as one:
        yield one


def spool_of(stage: Rehearsal) -> Spool:
    return Spool(spool_path(stage.settings.state_dir, stage.settings.root))


def test_a_durable_command_returns_at_once_and_is_delivered_when_the_agent_comes(
    stage: Rehearsal,
) -> None:
    receipt = stage.sender.send_to("dome", "open", durable=True, n=7)
    assert not receipt.is_answered
    assert spool_of(stage).is_waiting
    stage.start(Dome(stage))
    assert receipt.result(10) == 7
    stage.wait_until(lambda: not spool_of(stage).listing())


def test_durable_commands_keep_their_order(stage: Rehearsal) -> None:
    receipts = [stage.sender.send_to("dome", "open", durable=True, n=n) for n in range(20)]
    dome = stage.start(Dome(stage))
    assert [receipt.result(20) for receipt in receipts] == list(range(20))
    assert [n for n, _ in dome.opened] == list(range(20))


def test_a_durable_command_waits_for_room(stage: Rehearsal) -> None:
    gate = threading.Event()

    class Narrow(Agent):
        """Takes one command beside the one that runs."""

        @on("pass")
        def let_pass(self, n: int) -> int:
            gate.wait(20)
            return n

    settings = Settings(state_dir=stage.settings.state_dir, journal="memory", max_waiting=1)
    stage.start(Narrow("narrow", bus=stage.bus, settings=settings))
    first = stage.send("narrow", "pass", n=1)
    stage.wait_until(lambda: stage.status("narrow").task)
    second = stage.send("narrow", "pass", n=2)
    third = stage.sender.send_to("narrow", "pass", durable=True, n=3)
    stage.wait_until(lambda: spool_of(stage).listing()[0].remark)
    gate.set()
    assert [one.result(10) for one in (first, second, third)] == [1, 2, 3]


def test_a_durable_command_keeps_its_id_until_its_agent_is_ready(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.sender.voice.ABSENT", 0.1)
    monkeypatch.setattr("pyros_mqtt.sender.courier.AGAIN", 0.1)
    gate = threading.Event()

    class Sleepy(Dome):
        """Takes its time to start."""

        def work(self) -> None:
            gate.wait(20)

    sleepy = Sleepy(stage)
    stage.start(sleepy, until=State.STARTING)
    receipt = stage.sender.send_to("dome", "open", durable=True, n=4)
    stage.wait_until(lambda: "starting" in spool_of(stage).listing()[0].remark)
    (kept,) = spool_of(stage).listing()
    gate.set()
    assert kept.command.id == receipt.command.id
    assert receipt.result(10) == 4

    def ends() -> list[str]:
        return [report.id for report in stage.reports if report.state is Outcome.DONE]

    stage.wait_until(ends)  # the stage hears of it by a way of its own
    assert ends() == [kept.command.id]


def test_a_later_command_starts_at_its_time_and_never_before(stage: Rehearsal) -> None:
    dome = stage.start(Dome(stage))
    sent = time.time()
    by_countdown = stage.sender.send_to("dome", "open", countdown=0.6, n=1)
    at = datetime.now(UTC) + timedelta(seconds=0.8)
    by_moment = stage.sender.send_to("dome", "open", eta=at, n=2)
    assert [by_countdown.result(5), by_moment.result(5)] == [1, 2]
    (_, first), (_, second) = dome.opened
    assert sent + 0.6 <= first
    assert at.timestamp() <= second


def test_the_next_process_delivers_what_an_earlier_one_left(stage: Rehearsal) -> None:
    with Sender("early", bus=stage.bus, settings=stage.settings) as early:
        early.send_to("dome", "open", durable=True, n=3)
    dome = stage.start(Dome(stage))
    assert dome.opened == []
    with Sender("late", bus=stage.bus, settings=stage.settings):
        stage.wait_until(lambda: [n for n, _ in dome.opened] == [3])


def test_what_the_agent_rejects_stays_to_be_seen(stage: Rehearsal) -> None:
    stage.start(Dome(stage))
    receipt = stage.sender.send_to("dome", "opn", durable=True)
    with pytest.raises(Rejected, match="did you mean 'open'"):
        receipt.result(10)
    stage.wait_until(lambda: spool_of(stage).listing()[0].ended)
    assert "did you mean 'open'" in spool_of(stage).listing()[0].remark


def test_a_durable_command_whose_deadline_passes_is_given_up_and_never_run(
    stage: Rehearsal,
) -> None:
    receipt = stage.sender.send_to("dome", "open", durable=True, ttl=0.5)
    stage.wait_until(lambda: receipt.is_ended)
    dome = stage.start(Dome(stage))
    assert stage.ask("dome", "open", n=1) == 1
    assert [n for n, _ in dome.opened] == [1]
    assert receipt.did_fail
    assert "deadline" in str(receipt.error)


def test_an_agent_sends_later_in_its_own_name(stage: Rehearsal) -> None:
    class Clock(Agent):
        """Wakes the dome."""

        @on("wake")
        def wake(self) -> str:
            receipt: Receipt = self.send_to("dome", "open", countdown=0.2, n=5)
            return receipt.state

    dome = stage.start(Dome(stage))
    stage.start(Clock("clock", bus=stage.bus, settings=stage.settings))
    assert stage.ask("clock", "wake") == "sent"
    stage.wait_until(lambda: [n for n, _ in dome.opened] == [5])


def test_a_moment_is_read_in_each_of_its_forms() -> None:
    assert moment_of(None, None) is None
    moment = float(round(time.time()) + 3600)
    when = datetime.fromtimestamp(moment, UTC)
    assert moment_of(None, moment) == moment
    assert moment_of(None, to_rfc3339(moment)) == moment
    assert moment_of(None, when) == moment
    with pytest.raises(ValueError, match="time zone"):
        moment_of(None, datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake in question
    with pytest.raises(ValueError, match="not both"):
        moment_of(1.0, 2.0)
    with pytest.raises(ValueError, match="UTC time"):
        moment_of(None, "tomorrow")


# -- what cannot be waited for, or sent ---------------------------------------------------------


def nested(depth: int) -> list[object]:
    inside: list[object] = []
    for _ in range(depth):
        inside = [inside]
    return inside


@pytest.mark.parametrize("ttl", [float("inf"), float("nan"), -1, 1e300])
def test_a_lifetime_that_is_none_is_refused(stage: Rehearsal, ttl: float) -> None:
    for durable in (True, False):
        with pytest.raises(ValueError, match=r"give seconds, from 0 to"):
            stage.sender.send_to("dome", "open", durable=durable, ttl=ttl)
    with pytest.raises(TypeError, match="give a number of seconds"):
        stage.sender.send_to("dome", "open", durable=True, ttl="5")  # type: ignore[arg-type]


@pytest.mark.parametrize("countdown", [float("inf"), -5.0])
def test_a_countdown_that_is_none_is_refused(countdown: float) -> None:
    with pytest.raises(ValueError, match=r"countdown=.*: give seconds"):
        moment_of(countdown, None)


def test_a_moment_that_is_past_is_refused() -> None:
    with pytest.raises(ValueError, match="is past"):
        moment_of(None, "2020-01-01T00:00:00Z")
    with pytest.raises(ValueError, match="too far away"):
        moment_of(None, time.time() + 1e12)


def test_arguments_that_no_agent_could_read_never_reach_the_disk(stage: Rehearsal) -> None:
    with pytest.raises(ValueError, match="nested deeper"):
        stage.sender.send_to("dome", "open", durable=True, n=nested(40))
    with pytest.raises(TypeError):
        stage.sender.send_to("dome", "open", durable=True, n=object())
    assert spool_of(stage).listing() == []


def test_a_command_that_cannot_be_sent_does_not_stand_in_the_way(stage: Rehearsal) -> None:
    dome = stage.start(Dome(stage))
    spool, now = spool_of(stage), time.time()
    spool.put(Command("dome", "open", id="a", sender="ops", deadline=float("inf")), now)
    spool.put(Command("dome", "open", {"n": nested(40)}, id="b", sender="x", deadline=now + 9), now)
    spool.put(Command("dome", "open", {"n": 3}, id="c", sender="ops", deadline=now + 30), now)
    with Sender("late", bus=stage.bus, settings=stage.settings):
        stage.wait_until(lambda: [n for n, _ in dome.opened] == [3])
        stage.wait_until(lambda: all(one.ended for one in spool_of(stage).listing()))
    remarks = [one.remark for one in spool_of(stage).listing()]
    assert ["cannot be sent" in remark for remark in remarks] == [True, True], remarks
