"""One tree, and each error carries what it is about."""

from __future__ import annotations

import inspect
import pickle

import pytest

import pyros_mqtt
from pyros_mqtt import errors
from pyros_mqtt.messages import Command, Outcome, Problem, Report, State, Status

COMMAND = Command("dome", "open", {"side": "west"}, id="1")


def test_everything_raised_on_purpose_is_in_one_tree() -> None:
    kinds = [
        k for _, k in inspect.getmembers(errors, inspect.isclass) if k.__module__ == errors.__name__
    ]
    for kind in kinds:
        assert issubclass(kind, errors.PyrosError) or kind is errors.Cancelled


def test_an_except_exception_cannot_swallow_an_abort() -> None:
    assert not issubclass(errors.Cancelled, Exception)


def test_whoever_catches_what_a_sender_is_told_catches_all_of_it() -> None:
    for kind in (
        errors.NobodyListens, errors.Unreachable, errors.NoAnswer, errors.AskedOneself,
        errors.Undeliverable, errors.Rejected, errors.Expired, errors.Failed,
        errors.WasCancelled, errors.Interrupted,
    ):  # fmt: skip
        assert issubclass(kind, errors.SendError)


def test_a_send_error_carries_its_command_and_names_it() -> None:
    error = errors.NobodyListens(COMMAND, "nobody listens")
    assert error.command is COMMAND
    assert str(error) == "'open' to dome: nobody listens"


def test_an_end_carries_the_agents_report_and_its_reason() -> None:
    report = Report("1", "open", "dome", Outcome.REJECTED, 0.0, error=Problem("full", "no room"))
    error = errors.Rejected(COMMAND, report)
    assert error.report is report
    assert str(error) == "'open' to dome: rejected: no room (full)"


def test_a_taken_name_says_who_has_it() -> None:
    holder = Status("dome", State.READY, host="t60-control", pid=4711)
    error = errors.NameTaken(holder)
    assert error.holder is holder
    assert "on host t60-control, pid 4711" in str(error)
    assert "host unknown, pid unknown" in str(errors.NameTaken(Status("dome", State.READY)))


def test_bad_names_and_payloads_are_value_errors_too() -> None:
    assert issubclass(errors.BadName, ValueError)
    assert issubclass(errors.BadPayload, ValueError)


def test_a_failure_never_refuses_what_it_is_given() -> None:
    assert errors.ActionFailed(" ").text == "the action failed without saying why"
    odd = errors.ActionFailed("no star", code="No Star!")
    assert (odd.code, odd.text) == (
        "action-failed",
        "no star (its code 'No Star!' is not 1 to 63 of a-z, 0-9 and '-')",
    )
    good = errors.ActionFailed("no star", code="no-star")
    assert (good.code, good.text, str(good)) == ("no-star", "no star", "no star")
    for error in (odd, good):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (again.code, again.text) == (error.code, error.text)


@pytest.mark.parametrize("name", [n for n in pyros_mqtt.__all__ if n != "__version__"])
def test_every_public_name_can_be_had_from_the_root(name: str) -> None:
    assert getattr(pyros_mqtt, name).__name__ == name


def test_an_unknown_name_of_the_root_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Telescope'"):
        _ = pyros_mqtt.Telescope


def test_frozen_shapes_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(COMMAND)) == COMMAND  # noqa: S301 - our own
