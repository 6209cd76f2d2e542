"""The checker finds each way in which a command can be wronged, and lets the near misses pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.history import Event, Notes, Reader, What, keys, read_notes

DEADLINE = 30.0


def event(what: What, at: float, key: str = "a", **more: Any) -> Event:
    return Event(what, key, at, sender="ops", agent="dome", **more)


def sent(at: float = 0.0, key: str = "a") -> Event:
    return event("sent", at, key, deadline=DEADLINE)


def ended(state: str = "done", at: float = 4.0, key: str = "a") -> Event:
    return event("ended", at, key, state=state)


START, FINISH = event("started", 2.0), event("finished", 3.0)
WELL = [sent(), event("durable", 1.0), START, FINISH, ended()]


def test_nothing_is_told_of_a_command_that_went_well() -> None:
    assert check(WELL, ordered=True) == []
    assert check([]) == []


@pytest.mark.parametrize("promise", ["durable", "accepted"])
def test_a_promised_command_without_an_end_is_lost(promise: What) -> None:
    (told,) = check([sent(), event(promise, 1.0)])
    assert told.startswith("a is lost")


def test_an_end_that_is_no_end_does_not_count() -> None:
    (told,) = check([sent(), event("accepted", 1.0), ended("running")])
    assert told.startswith("a is lost")


@pytest.mark.parametrize("state", ["expired", "rejected", "cancelled", "interrupted", "failed"])
def test_a_promised_command_that_ends_otherwise_is_not_lost(state: str) -> None:
    assert check([sent(), event("durable", 1.0), ended(state)]) == []


def test_a_command_that_nobody_has_promised_may_vanish() -> None:
    assert check([sent()]) == []


def test_what_was_started_needs_an_end_also_without_a_promise() -> None:
    assert check([sent(), START, FINISH]) == ["a was started and has no end"]


def test_nobody_is_lost_before_the_time_is_over() -> None:
    assert check([sent(), event("durable", 1.0), START], settled=False) == []


def test_a_second_start_is_told() -> None:
    again = event("started", 5.0, id="renamed")
    assert check([*WELL, again, event("finished", 6.0)]) == ["a was started 2 times"]
    assert check([*WELL, again], settled=False)[0] == "a was started 2 times"


def test_what_is_idempotent_may_start_again() -> None:
    twice = [event("started", at, idempotent=True) for at in (2.0, 2.5)]
    assert check([sent(), *twice, FINISH, ended()]) == []


def test_two_commands_may_start_once_each() -> None:
    other = [
        sent(1, "b"),
        event("started", 5, "b"),
        event("finished", 6, "b"),
        ended(at=7, key="b"),
    ]
    assert check([*WELL, *other], ordered=True) == []


def test_reports_that_contradict_each_other_are_told() -> None:
    assert check([*WELL, ended("interrupted", 5.0)]) == ["a has several ends: done, interrupted"]
    assert check([*WELL, ended(at=5.0)]) == []  # the same report, told again


def test_done_is_believed_only_where_the_action_says_so() -> None:
    assert check([sent(), ended()]) == ["a is reported done, and was never started"]
    assert check([sent(), START, ended()]) == ["a is reported done, and has not finished"]


def test_an_interrupted_command_may_have_started_or_not() -> None:
    assert check([sent(), START, ended("interrupted")]) == []
    assert check([sent(), START, FINISH, ended("interrupted")]) == []
    assert check([sent(), ended("interrupted")]) == []


def late_by(seconds: float) -> list[str]:
    at = DEADLINE + seconds
    return check([sent(), event("started", at), event("finished", at + 1), ended(at=at + 2)])


def test_a_start_after_the_deadline_is_late() -> None:
    assert late_by(0.2) == ["a was started 0.200 s after its deadline"]


def test_a_start_at_the_deadline_is_not_late_and_its_end_may_be() -> None:
    assert late_by(0.0) == []
    assert late_by(0.09) == []  # between the decision and its note


def test_what_has_no_deadline_is_never_late() -> None:
    started = event("started", 1e6)
    assert check([event("sent", 0.0), started, event("finished", 1e6), ended(at=1e6)]) == []


def three(*starts: float, agents: str = "ddd") -> list[str]:
    history = []
    for number, (start, agent) in enumerate(zip(starts, agents, strict=True)):
        key = f"c{number}"
        whose: dict[str, Any] = {"sender": "ops", "agent": agent}
        history += [
            Event("sent", key, float(number), **whose),
            Event("started", key, start, **whose),
            Event("finished", key, start, **whose),
            Event("ended", key, start, **whose, state="done"),
        ]
    return check(history, ordered=True)


def test_an_overtaking_is_told() -> None:
    assert three(10, 11, 12) == []
    assert three(10, 12, 11) == ["c2 was started before c1, which was sent earlier"]
    assert three(12, 10, 11) == [
        "c1 was started before c0, which was sent earlier",
        "c2 was started before c0, which was sent earlier",
    ]


def test_order_is_promised_to_each_agent_by_itself() -> None:
    assert three(12, 10, 11, agents="dee") == []


def test_a_command_that_was_not_started_has_no_place_in_the_order() -> None:
    history = [sent(0, "a"), sent(1, "b"), event("started", 2, "b"), event("finished", 3, "b")]
    assert check([*history, ended(at=4, key="b"), ended("expired", 5)], ordered=True) == []


def test_order_is_told_only_where_it_is_promised() -> None:
    history = [sent(0, "a"), sent(1, "b")]
    for key, at in (("b", 2.0), ("a", 3.0)):
        history += [event("started", at, key), event("finished", at, key), ended(at=at, key=key)]
    assert check(history) == []
    assert check(history, ordered=True) != []


def test_the_history_may_come_in_any_order() -> None:
    assert check(reversed(WELL), ordered=True) == []


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    notes = Notes(path)
    for one in WELL:
        notes.add(one)
    notes.close()
    with path.open("ab") as file:
        file.write(b'{"what": "star')
    assert read_notes(path) == WELL
    reader = Reader(path)
    assert reader.news() == WELL
    with path.open("ab") as file:
        file.write(b'ted", "key": "b", "at": 9.0}\n')
    assert keys(reader.news(), "started") == {"a", "b"}


def test_where_nothing_was_noted_there_is_no_history(tmp_path: Path) -> None:
    assert read_notes(tmp_path / "notes") == []
    assert Reader(tmp_path / "notes").news() == []
