"""The builds whose agents do not obey, do not show how they are, or share their name.

`builds` says how they are chosen.
"""

from __future__ import annotations

from pyros_mqtt import claims
from pyros_mqtt.agent.ownership import Sighting
from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.agent.tenure import Tenure
from pyros_mqtt.condition import Condition, Snapshot
from pyros_mqtt.inbox import Inbox, Ticket
from pyros_mqtt.link import Link
from pyros_mqtt.messages import State, Status
from pyros_mqtt.outbox import Outbox
from tests.faults.builds import mutant, put


@mutant("abort-waits-its-turn")
def _abort_waits_its_turn() -> None:
    put(Ticket, "is_urgent", property(lambda _: False))


@mutant("abort-cancels-nothing")
def _abort_cancels_nothing() -> None:
    put(Stage, "cancel_main", lambda *_: False)


@mutant("abort-leaves-the-queue")
def _abort_leaves_the_queue() -> None:
    put(Inbox, "withdraw", lambda *_, **__: [])


@mutant("no-beat-while-an-action-runs")
def _no_beat_while_an_action_runs() -> None:
    tick = Outbox.tick

    def lazy(outbox: Outbox) -> None:
        if outbox._condition.task is None:
            tick(outbox)

    put(Outbox, "tick", lazy)


@mutant("idle-is-never-shown")
def _idle_is_never_shown() -> None:
    snapshot = Condition.snapshot

    def lively(condition: Condition, now: float) -> Snapshot:
        condition.sign(now)
        return snapshot(condition, now)

    put(Condition, "snapshot", lively)


@mutant("no-last-will")
def _no_last_will() -> None:
    begin = Link.open
    put(Link, "open", lambda link, _will=None: begin(link))


@mutant("never-silent")
def _never_silent() -> None:
    put(claims, "BEATS_OF_SILENCE", 1000)


@mutant("believes-any-will")
def _believes_any_will() -> None:
    is_later = claims.is_later

    def naive(claim: Status, known: Status, *, retained: bool = False) -> bool:
        return claim.state is State.LOST or is_later(claim, known, retained=retained)

    put(claims, "is_later", naive)


@mutant("no-answer-to-a-late-will")
def _no_answer_to_a_late_will() -> None:
    put(Tenure, "_insist", lambda *_: None)


@mutant("boot-is-only-the-clock")
def _boot_is_only_the_clock() -> None:
    put(Outbox, "rebase", lambda *_: None)


@mutant("never-gives-way")
def _never_gives_way() -> None:
    put(Tenure, "_give_way", lambda *_: None)
    put(Tenure, "may_return", lambda _: True)


@mutant("no-look-at-the-name")
def _no_look_at_the_name() -> None:
    def claim(tenure: Tenure) -> bool:
        tenure._enter(Sighting(None, 0))
        return True

    put(Tenure, "claim", claim)


@mutant("network-thread-dies-for-good")
def _network_thread_dies_for_good() -> None:
    serve_one = Link._serve_one

    def fragile(link: Link) -> float:
        try:
            return serve_one(link)
        except SystemExit:
            link._closing.set()
            raise

    put(Link, "_serve_one", fragile)
