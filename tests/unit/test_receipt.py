"""What a sender holds of a command on its way."""

from __future__ import annotations

import threading

import pytest

from pyros_mqtt.errors import Failed, Interrupted, NoAnswer, Rejected, WasCancelled
from pyros_mqtt.messages import Command, Outcome, Progress, Report
from pyros_mqtt.sender import Receipt

COMMAND = Command("dome", "open", id="1")


def report(state: Outcome, **more: object) -> Report:
    return Report("1", "open", "dome", state, 0.0, **more)  # type: ignore[arg-type]


def test_waiting_ends_with_the_answer_from_another_thread() -> None:
    receipt = Receipt(COMMAND)
    threading.Timer(0.02, lambda: receipt.take(report(Outcome.ACCEPTED))).start()
    assert receipt.wait_accepted(5) is receipt
    threading.Timer(0.02, lambda: receipt.take(report(Outcome.DONE, result=7))).start()
    assert receipt.result(5) == 7


def test_no_answer_in_time_is_told() -> None:
    with pytest.raises(NoAnswer, match="no answer within"):
        Receipt(COMMAND).wait_accepted(0.01)
    accepted = Receipt(COMMAND)
    accepted.take(report(Outcome.ACCEPTED))
    with pytest.raises(NoAnswer, match=r"not ended within 0.01 s \(last: accepted\)"):
        accepted.result(0.01)
    with pytest.raises(NoAnswer, match="has not ended yet"):
        accepted.outcome()


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (Outcome.FAILED, Failed),
        (Outcome.CANCELLED, WasCancelled),
        (Outcome.INTERRUPTED, Interrupted),
        (Outcome.REJECTED, Rejected),
    ],
)
def test_an_end_that_is_not_done_raises_and_carries_its_report(
    state: Outcome, kind: type[Failed]
) -> None:
    receipt = Receipt(COMMAND)
    end = report(state)
    receipt.take(end)
    with pytest.raises(kind) as caught:
        receipt.result(0)
    assert (caught.value.report, caught.value.command) == (end, COMMAND)


def test_each_running_report_reaches_the_callback_in_the_waiting_thread() -> None:
    receipt = Receipt(COMMAND)
    for fraction in (0.1, 0.5):
        receipt.take(report(Outcome.RUNNING, progress=Progress(fraction)))
    receipt.take(report(Outcome.DONE))
    seen: list[tuple[float | None, str]] = []

    def note(one: Report) -> None:
        fraction = one.progress.fraction if one.progress else None
        seen.append((fraction, threading.current_thread().name))

    receipt.result(5, note)
    assert seen == [(0.1, "MainThread"), (0.5, "MainThread")]


def test_what_is_called_between_may_end_the_wait() -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Receipt(COMMAND).result(5, between=give_up)


def test_the_first_end_stands() -> None:
    receipt = Receipt(COMMAND)
    assert receipt.take(report(Outcome.DONE, result=1))
    assert not receipt.take(report(Outcome.FAILED))
    receipt.give_up(NoAnswer(COMMAND, "too late"))
    assert receipt.result(0) == 1
    given_up = Receipt(COMMAND)
    given_up.give_up(NoAnswer(COMMAND, "first"))
    assert not given_up.take(report(Outcome.DONE))
    assert (given_up.state, given_up.did_fail) == ("unknown", True)


def test_it_shows_itself_in_a_log() -> None:
    assert repr(Receipt(COMMAND)) == "<Receipt of 'open' to dome: sent>"
