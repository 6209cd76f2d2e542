"""A sender's voice: it repeats, it hears, and it says what went wrong. The clock is the test's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pyros_mqtt.errors import (
    BadName,
    Expired,
    Failed,
    NoAnswer,
    NobodyListens,
    Rejected,
    SendError,
    Undeliverable,
    Unreachable,
)
from pyros_mqtt.messages import Command, State, Status
from pyros_mqtt.sender import Receipt, Voice
from pyros_mqtt.sender.underway import WINDOW
from pyros_mqtt.sender.verdicts import ABSENT, NEVER_UP
from pyros_mqtt.sender.voice import BEREAVED, INQUIRE
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate
from pyros_mqtt.wire import encode_status, last_will
from tests.unit.hand_transport import HandTransport

OUTBOX, STATUS = "pyros/dome/outbox/ops", "pyros/dome/status"
START = 1_795_378_443.0


class Scene:
    """A voice on a transport by hand, under a clock by hand."""

    def __init__(self, clock: SimpleNamespace) -> None:
        self.clock = clock
        self.transport = HandTransport()
        self.voice = Voice(self.transport, Topics(), "ops")
        self.transport.go(up=True)

    def send(self, number: int = 1, *, ttl: float = 30.0, agent: str = "dome") -> Receipt:
        now = self.clock.time()
        return self.voice.send(
            Command(agent, "open", id=str(number), sender="ops", sent_at=now, deadline=now + ttl)
        )

    def report(self, state: str, number: int = 1, *, topic: str = OUTBOX, **more: Any) -> None:
        body = {
            "id": str(number),
            "message": "open",
            "agent": "dome",
            "state": state,
            "at": "2026-11-22T20:14:31.400Z",
        }
        self.transport.come(topic, body | more)

    def claim(
        self, state: str, session: str = "one", seq: int = 1, *, boot: int = 1, kept: bool = False
    ) -> None:
        status = Status("dome", State(state), session, boot, seq, at=self.clock.time(), host="t60")
        self.transport.come(STATUS, encode_status(status), retain=kept)

    def pass_time(self, seconds: float, step: float = 0.1) -> None:
        for _ in range(round(seconds / step)):
            self.clock.now += step
            self.transport.turn()

    def inbox(self) -> list[str]:
        """The ids that were published, in order."""
        return [body["id"] for body in self.transport.bodies()]

    def predecessors(self) -> list[str | None]:
        """The ids that the published commands name as the one before them."""
        return [body.get("x-after") for body in self.transport.bodies()]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    clock.time = lambda: START + clock.now
    monkeypatch.setattr("pyros_mqtt.sender.voice.time", clock)
    return Scene(clock)


def error_of(receipt: Receipt) -> SendError:
    with pytest.raises(SendError) as caught:
        receipt.result(0)
    return caught.value


# -- the good way -----------------------------------------------------------------------------


def test_a_command_is_published_to_the_inbox_at_qos_1_and_never_retained(scene: Scene) -> None:
    scene.send()
    parcel = scene.transport.sent[0]
    assert (parcel.topic, parcel.qos, parcel.retain) == ("pyros/dome/inbox", 1, False)
    assert not parcel.keep, "the voice repeats it itself, so nothing is sent twice by two"
    body = scene.transport.bodies()[0]
    assert (body["from"], body["id"], body["ttl"]) == ("ops", "1", 30.0)


def test_a_receipt_follows_the_reports_to_the_result(scene: Scene) -> None:
    receipt = scene.send()
    assert (receipt.state, receipt.is_answered, receipt.is_ended) == ("sent", False, False)
    scene.report("accepted")
    assert (receipt.state, receipt.is_answered, receipt.is_ended) == ("accepted", True, False)
    assert receipt.wait_accepted(0) is receipt
    scene.report("running")
    scene.report("done", result={"open": True})
    assert (receipt.is_ended, receipt.did_fail) == (True, False)
    assert receipt.result(0) == {"open": True}


# -- repetition ---------------------------------------------------------------------------------


def test_an_unanswered_command_is_repeated_under_its_id_ever_slower(scene: Scene) -> None:
    scene.claim("ready")
    scene.send()
    scene.pass_time(0.5)
    counts = []
    for _ in range(20):
        scene.pass_time(1.0)
        counts.append(len(scene.transport.sent))
    assert counts[:3] == [2, 2, 3], "after 1 s and 2 more"
    assert counts[-1] == 6
    assert set(scene.inbox()) == {"1"}
    assert len({parcel.payload for parcel in scene.transport.sent}) == 1


def test_an_answered_command_is_not_repeated(scene: Scene) -> None:
    scene.claim("ready")
    scene.send()
    scene.report("accepted")
    scene.pass_time(10)
    assert len(scene.transport.sent) == 1


def test_the_brokers_acknowledgement_is_not_taken_for_delivery(scene: Scene) -> None:
    scene.claim("ready")
    receipt = scene.send()
    assert not receipt.is_answered
    scene.pass_time(1.2)
    assert len(scene.transport.sent) == 2


def test_nothing_is_repeated_after_the_deadline(scene: Scene) -> None:
    scene.claim("ready")
    receipt = scene.send(ttl=2.0)
    scene.pass_time(5)
    assert len(scene.transport.sent) == 2
    assert isinstance(error_of(receipt), NoAnswer)
    assert receipt.state == "unknown"


def test_after_a_reconnection_everything_unanswered_goes_out_in_its_order(scene: Scene) -> None:
    scene.claim("ready")
    scene.transport.go(up=False)
    for number in (3, 1, 2):
        scene.send(number)
    assert scene.transport.sent == []
    scene.transport.go(up=True)
    assert scene.inbox() == ["3", "1", "2"]


def test_after_a_reconnection_what_was_accepted_is_asked_about(scene: Scene) -> None:
    scene.claim("ready", session="one")
    receipt = scene.send()
    scene.report("accepted")
    scene.transport.go(up=False)
    scene.transport.go(up=True)
    first, again = scene.transport.bodies()
    assert again == first | {"session": "one"}, "a new life of the agent must not run it"
    scene.report("done", result=5)
    assert receipt.result(0) == 5


def test_a_long_silence_after_the_acceptance_is_asked_about(scene: Scene) -> None:
    scene.claim("ready", session="one")
    scene.send(ttl=5)
    scene.report("accepted")
    for seq in range(2, 40):
        scene.pass_time(1.0)
        scene.claim("busy", seq=seq)
    assert len(scene.transport.sent) == 1 + 38 // (INQUIRE + 1)


def test_a_new_life_that_refuses_it_leaves_its_fate_unknown(scene: Scene) -> None:
    scene.claim("ready", session="one")
    receipt = scene.send()
    scene.report("accepted")
    scene.report("rejected", error={"code": "conflict", "text": "another session"})
    error = error_of(receipt)
    assert isinstance(error, NoAnswer)
    assert "started anew" in str(error)


# -- who may complete a command -----------------------------------------------------------------


@pytest.mark.parametrize(
    "topic", ["pyros/camera/outbox/ops", "pyros/Dome/outbox/ops", "other/dome/outbox/ops"]
)
def test_the_wrong_agent_never_completes_a_command(scene: Scene, topic: str) -> None:
    receipt = scene.send()
    scene.report("done", topic=topic)
    assert not receipt.is_answered
    scene.report("done")
    assert receipt.is_ended


def test_reports_for_another_sender_are_not_even_listened_to(scene: Scene) -> None:
    assert "pyros/+/outbox/ops" in scene.transport.patterns
    receipt = scene.send()
    scene.report("done", topic="pyros/dome/outbox/other")
    assert not receipt.is_answered


def test_an_unknown_id_and_a_broken_report_change_nothing(scene: Scene) -> None:
    receipt = scene.send()
    scene.report("done", number=99)
    scene.transport.come(OUTBOX, b"\xff{")
    scene.transport.come(OUTBOX, b'{"id":"1"}')
    assert not receipt.is_answered


def test_late_and_duplicate_reports_change_nothing(scene: Scene) -> None:
    receipt = scene.send()
    scene.report("accepted")
    scene.report("running")
    scene.report("accepted")
    assert receipt.state == "running"
    scene.report("done", result=1)
    scene.report("failed", error={"code": "action-failed", "text": "no"})
    scene.report("done", result=2)
    scene.report("running")
    assert receipt.result(0) == 1


def test_an_end_may_come_without_an_acceptance(scene: Scene) -> None:
    receipt = scene.send()
    scene.report("done", result=1)
    assert receipt.wait_accepted(0).result(0) == 1


@pytest.mark.parametrize(
    ("state", "kind"), [("rejected", Rejected), ("expired", Expired), ("failed", Failed)]
)
def test_each_bad_end_has_its_error(scene: Scene, state: str, kind: type[SendError]) -> None:
    receipt = scene.send()
    scene.report(state, error={"code": "x", "text": "so it is"})
    error = error_of(receipt)
    assert type(error) is kind
    assert "so it is (x)" in str(error)
    assert receipt.did_fail


def test_a_cut_line_to_a_far_site_is_told_and_not_what_was_last_heard(scene: Scene) -> None:
    receipts = [scene.send(number, ttl=5) for number in (1, 2)]
    scene.claim("ready")
    scene.report("accepted")
    scene.transport.come("pyros/line", b"0")
    scene.pass_time(6)
    error = error_of(receipts[1])
    assert isinstance(error, NoAnswer)
    assert "the line to its site is cut" in str(error)
    third = scene.send(3, ttl=5)
    scene.transport.come("pyros/line", b"1")
    scene.pass_time(6)
    assert "the agent is ready on t60" in str(error_of(third))


# -- nobody there -------------------------------------------------------------------------------


def test_without_any_status_nobody_listens(scene: Scene) -> None:
    receipt = scene.send()
    scene.pass_time(ABSENT + 2)
    error = error_of(receipt)
    assert isinstance(error, NobodyListens)
    assert "has ever been seen" in str(error)


def test_the_reason_code_of_mqtt_5_tells_it_sooner(scene: Scene) -> None:
    scene.transport.fate = Fate.NO_SUBSCRIBER
    receipt = scene.send()
    scene.pass_time(ABSENT + 0.6)
    assert isinstance(error_of(receipt), NobodyListens)


def test_a_short_deadline_tells_it_at_once(scene: Scene) -> None:
    scene.transport.fate = Fate.NO_SUBSCRIBER
    receipt = scene.send(ttl=0.2)
    scene.pass_time(1.0)
    assert isinstance(error_of(receipt), NobodyListens)


@pytest.mark.parametrize("state", ["stopped", "lost"])
def test_an_agent_that_has_gone_does_not_listen(scene: Scene, state: str) -> None:
    scene.claim(state)
    receipt = scene.send()
    scene.pass_time(ABSENT + 2)
    error = error_of(receipt)
    assert isinstance(error, NobodyListens)
    assert f"the agent is {state} on t60" in str(error)


def test_a_retained_ready_of_long_ago_does_not_hide_that_nobody_subscribes(scene: Scene) -> None:
    scene.transport.fate = Fate.NO_SUBSCRIBER
    scene.claim("ready", kept=True)
    receipt = scene.send()
    scene.pass_time(ABSENT + 2)
    assert isinstance(error_of(receipt), NobodyListens)


def test_what_was_on_its_way_when_the_broker_died_is_not_told_to_have_reached_nobody(
    scene: Scene,
) -> None:
    scene.claim("ready")
    scene.transport.fate = Fate.IN_DOUBT
    receipt = scene.send()
    scene.transport.fate = Fate.NO_SUBSCRIBER  # the agent is not back yet
    scene.pass_time(ABSENT + 5)
    assert not receipt.is_answered
    scene.pass_time(30)
    assert isinstance(error_of(receipt), NoAnswer)


def test_a_repetition_that_is_under_way_is_waited_for(scene: Scene) -> None:
    scene.claim("ready")
    scene.transport.fate = Fate.NO_SUBSCRIBER
    receipt = scene.send()
    scene.transport.fate = None  # of the repetition, the broker has said nothing yet
    scene.pass_time(ABSENT + 2)
    assert not receipt.is_answered
    scene.report("accepted")
    assert receipt.state == "accepted"


def test_what_was_lost_on_its_way_may_have_left(scene: Scene) -> None:
    scene.claim("ready")
    scene.transport.fate = Fate.IN_DOUBT
    receipt = scene.send(ttl=4)
    scene.transport.go(up=False)
    scene.pass_time(5)
    assert isinstance(error_of(receipt), NoAnswer)


def test_an_agent_that_comes_in_time_gets_the_command_at_once(scene: Scene) -> None:
    scene.transport.fate = Fate.NO_SUBSCRIBER
    receipt = scene.send()
    scene.pass_time(1.5)
    before = len(scene.transport.sent)
    scene.transport.fate = Fate.TAKEN
    scene.claim("ready")
    assert len(scene.transport.sent) == before + 1
    scene.report("accepted")
    scene.pass_time(5)
    assert receipt.state == "accepted"


def test_a_status_that_was_removed_counts_as_absence(scene: Scene) -> None:
    scene.claim("ready")
    scene.send()
    scene.transport.come(STATUS, b"")
    receipt = scene.send(2)
    scene.pass_time(ABSENT + 2)
    assert isinstance(error_of(receipt), NobodyListens)


def test_a_living_agent_that_says_nothing_is_no_answer(scene: Scene) -> None:
    scene.claim("ready")
    receipt = scene.send(ttl=4)
    scene.pass_time(5)
    error = error_of(receipt)
    assert type(error) is NoAnswer
    assert "no answer before its deadline" in str(error)


# -- no broker ----------------------------------------------------------------------------------


def test_a_broker_that_was_never_there_is_unreachable(scene: Scene) -> None:
    scene.transport = HandTransport()
    scene.transport.is_up = False
    scene.voice = Voice(scene.transport, Topics(), "ops")
    receipt = scene.send()
    scene.pass_time(NEVER_UP + 1)
    error = error_of(receipt)
    assert isinstance(error, Unreachable)
    assert "cut by hand" in str(error)


def test_a_broker_that_is_away_until_the_deadline_is_unreachable(scene: Scene) -> None:
    scene.claim("ready")
    scene.transport.go(up=False)
    receipt = scene.send(ttl=3)
    scene.pass_time(2)
    assert not receipt.is_ended, "it may come back in time"
    scene.pass_time(2)
    assert isinstance(error_of(receipt), Unreachable)


@pytest.mark.parametrize(
    ("fate", "words"), [(Fate.REFUSED, "access rules"), (Fate.TOO_LARGE, "more than the broker")]
)
def test_what_the_broker_refuses_is_told_at_once(scene: Scene, fate: str, words: str) -> None:
    scene.transport.fate = fate
    error = error_of(scene.send())
    assert isinstance(error, Undeliverable)
    assert words in str(error)


# -- after the acceptance -------------------------------------------------------------------------


def test_an_agent_that_is_lost_after_the_acceptance_leaves_its_fate_unknown(scene: Scene) -> None:
    scene.claim("busy")
    receipt = scene.send()
    scene.report("accepted")
    scene.transport.come(STATUS, last_will("dome", "one", 1))
    scene.pass_time(BEREAVED - 1)
    assert not receipt.is_ended
    scene.pass_time(2)
    error = error_of(receipt)
    assert type(error) is NoAnswer
    assert str(error).endswith(
        "the agent is lost on t60; what became of the command, last reported as accepted, "
        "is not known"
    )


def test_an_agent_that_was_restarted_has_time_to_say_what_became_of_it(scene: Scene) -> None:
    scene.claim("busy")
    receipt = scene.send()
    scene.report("accepted")
    scene.claim("ready", session="two", boot=2)
    scene.pass_time(BEREAVED / 2)
    scene.report("interrupted", error={"code": "timeout", "text": "it died"})
    assert receipt.state == "interrupted"


def test_an_agent_that_was_restarted_and_says_nothing_leaves_its_fate_unknown(
    scene: Scene,
) -> None:
    scene.claim("busy")
    receipt = scene.send()
    scene.report("running")
    scene.claim("ready", session="two", boot=2)
    scene.pass_time(1)
    scene.pass_time(BEREAVED + 1)
    assert "the agent was started anew; what became of the command" in str(error_of(receipt))


def test_our_own_outage_says_nothing_about_the_agent(scene: Scene) -> None:
    scene.claim("busy")
    receipt = scene.send()
    scene.report("accepted")
    scene.transport.go(up=False)
    scene.pass_time(3 * BEREAVED)
    assert not receipt.is_ended


def test_closing_tells_everybody_who_waits(scene: Scene) -> None:
    receipts = [scene.send(number) for number in range(3)]
    scene.voice.abandon("the sender was closed")
    assert all("the sender was closed" in str(error_of(receipt)) for receipt in receipts)


@pytest.mark.parametrize("name", ["+", "#", "a/b", ""])
def test_bad_names_are_refused(scene: Scene, name: str) -> None:
    with pytest.raises(BadName):
        scene.send(agent=name)
    with pytest.raises(BadName):
        Voice(scene.transport, Topics(), name)


def test_an_argument_without_a_form_in_json_is_refused_at_once(scene: Scene) -> None:
    with pytest.raises((TypeError, ValueError)):
        scene.voice.send(Command("dome", "open", {"x": object()}, id="1"))
    assert scene.transport.sent == []


# -- order ----------------------------------------------------------------------------------------


def test_each_command_names_the_one_before_it_that_has_no_answer(scene: Scene) -> None:
    for number in (1, 2, 3):
        scene.send(number)
    scene.send(4, agent="camera")
    assert scene.predecessors() == [None, "1", "2", None]


def test_what_is_answered_stands_in_nobodys_way(scene: Scene) -> None:
    scene.send(1)
    scene.report("accepted")
    scene.send(2)
    assert scene.predecessors() == [None, None]


def test_a_repetition_names_the_one_that_is_before_it_by_then(scene: Scene) -> None:
    for number in (1, 2, 3):
        scene.send(number)
    scene.report("accepted", 2)
    scene.transport.sent.clear()
    scene.pass_time(1.2)
    assert scene.inbox() == ["1", "3"]
    assert scene.predecessors() == [None, "1"]


def test_one_that_is_given_up_stands_in_nobodys_way(scene: Scene) -> None:
    first = scene.send(1, ttl=0.5)
    scene.send(2)
    scene.pass_time(1.2)
    assert first.is_ended
    assert scene.predecessors()[-1] is None


def test_one_that_has_no_form_stands_in_nobodys_way(scene: Scene) -> None:
    with pytest.raises(TypeError):
        scene.voice.send(Command("dome", "open", {"n": object()}, id="1", sender="ops"))
    scene.send(2)
    assert scene.predecessors() == [None]


# -- the window ------------------------------------------------------------------------------------


def test_no_more_than_a_window_is_on_its_way(scene: Scene) -> None:
    for number in range(WINDOW + 2):
        scene.send(number)
    assert scene.inbox() == [str(number) for number in range(WINDOW)]
    scene.report("accepted", 0)
    scene.pass_time(0.1)
    assert scene.inbox()[WINDOW:] == [str(WINDOW)]
    assert scene.predecessors()[-1] == str(WINDOW - 1)


def test_what_is_urgent_is_never_held_back(scene: Scene) -> None:
    for number in range(WINDOW + 2):
        scene.send(number)
    scene.voice.send(Command("dome", "close", id="rain", sender="ops"))
    assert scene.inbox()[-1] == "rain"


def test_a_window_to_one_agent_holds_nothing_back_from_another(scene: Scene) -> None:
    for number in range(WINDOW + 2):
        scene.send(number)
    scene.send(900, agent="camera")
    assert scene.inbox()[-1] == "900"


def test_what_is_held_back_is_not_repeated(scene: Scene) -> None:
    for number in range(WINDOW + 2):
        scene.send(number)
    scene.transport.go(up=False)
    scene.transport.go(up=True)
    scene.pass_time(1.2)
    assert str(WINDOW) not in scene.inbox()


@pytest.mark.parametrize("fate", [Fate.TAKEN, Fate.NO_SUBSCRIBER])
def test_behind_what_nobody_hears_nobody_waits_longer(scene: Scene, fate: str) -> None:
    scene.transport.fate = fate
    receipts = [scene.send(number) for number in range(3 * WINDOW)]
    scene.pass_time(ABSENT + 3)
    assert {type(receipt.error) for receipt in receipts} == {NobodyListens}


def test_what_was_held_back_until_its_deadline_was_never_sent(scene: Scene) -> None:
    scene.claim("ready")
    receipts = [scene.send(number, ttl=2) for number in range(WINDOW + 1)]
    scene.pass_time(3)
    assert type(receipts[0].error) is NoAnswer
    assert type(receipts[-1].error) is Undeliverable
    assert scene.inbox().count(str(WINDOW)) == 0
