"""What the observatory does about a notice, and why, in words for whoever has the night shift.

The rules are tried in order and the first that applies decides. They are pure: the same notice,
case, limits and time give the same decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pyros_agents.notices.casebook import Case
from pyros_agents.notices.notice import Kind, Notice, Position, Role, Stage

LARGEST_ERROR = 10.0
"""Degrees, unless the configuration says otherwise: a burst of Fermi's is worth a try."""

OLDEST_AGE = 86_400.0
"""Sky seconds, unless the configuration says otherwise."""


class Course(StrEnum):
    """What is done about a notice."""

    OBSERVE = "observe"
    UPDATE = "update"
    STOP = "stop"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on an event is not worth a slew.

    Attributes:
        largest_error: degrees; a wider error circle is not observed.
        oldest_age: sky seconds since the event happened; an older one is not observed.
    """

    largest_error: float = LARGEST_ERROR
    oldest_age: float = OLDEST_AGE


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a notice: `reason` is for people, `event` as the casebook calls it."""

    course: Course
    reason: str
    event: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class _Question:
    notice: Notice
    case: Case
    limits: Limits
    now: float
    is_duplicate: bool


_Answer = tuple[Course, str] | None


def decide(
    notice: Notice, case: Case, limits: Limits, now: float, *, is_duplicate: bool = False
) -> Decision:
    """Decide about one notice.

    Args:
        notice: what was read.
        case: what is known of its event (`Casebook.case_of`).
        limits: what this observatory goes for.
        now: the sky's time, POSIX seconds.
        is_duplicate: the very same notice has been decided about before.
    """
    question = _Question(notice, case, limits, now, is_duplicate)
    answers = (rule(question) for rule in _RULES)
    course, reason = next(answer for answer in answers if answer is not None)
    return Decision(course, f"{_subject(notice, case)}: {reason}", case.event, notice)


def _subject(notice: Notice, case: Case) -> str:
    return f"{case.event} ({notice.name})" if notice.name else case.event


def _duplicate(question: _Question) -> _Answer:
    if not question.is_duplicate:
        return None
    return Course.IGNORE, "this very notice has been received before"


_ROLES = {
    Role.TEST: "a test, nothing happened in the sky",
    Role.UTILITY: "a utility notice",
    Role.PREDICTION: "a prediction, it has not happened yet",
    Role.ARCHIVAL: "from the archive, it happened long ago",
}


def _role(question: _Question) -> _Answer:
    notice = question.notice
    if notice.role is Role.OBSERVATION:
        return None
    brings = "" if notice.kind is Kind.POSITION else f"; it brings {notice.kind}"
    return Course.IGNORE, f"{_ROLES[notice.role]}{brings}"


def _retraction(question: _Question) -> _Answer:
    if question.notice.stage is not Stage.RETRACTION:
        return None
    followed = question.case.position is not None
    effect = "its observation ends" if followed else "it was not being observed"
    return Course.STOP, f"taken back by {question.notice.source}; {effect}"


def _retracted_before(question: _Question) -> _Answer:
    retracted, issued = question.case.retracted, question.notice.issued
    if retracted is None or (issued is not None and retracted and issued > retracted):
        return None
    return Course.IGNORE, "the event has been taken back, and this notice is not newer than that"


def _unreal(question: _Question) -> _Answer:
    if not question.notice.unreal:
        return None
    why = "; ".join(question.notice.unreal)
    if question.case.position is not None:
        return Course.STOP, f"no new source after all: {why}"
    return Course.IGNORE, f"no new source: {why}"


def _kind(question: _Question) -> _Answer:
    kind = question.notice.kind
    if kind in {Kind.POSITION, Kind.TRIGGER}:
        return None
    return Course.IGNORE, f"it brings {kind}"


def _position(question: _Question) -> _Answer:
    notice = question.notice
    if notice.position is None:
        return Course.IGNORE, f"nowhere to point at: {notice.missing or 'it has no position'}"
    if notice.kind is Kind.TRIGGER:
        return Course.IGNORE, f"it brings {notice.kind}"
    if notice.unsure:
        return Course.IGNORE, f"its position is not to be trusted: {'; '.join(notice.unsure)}"
    return None


def _age(question: _Question) -> _Answer:
    age = _age_of(question)
    if age is None or age <= question.limits.oldest_age:
        return None
    limit = _duration(question.limits.oldest_age)
    return Course.IGNORE, f"it happened {_duration(age)} ago; the oldest to be observed: {limit}"


def _error(question: _Question) -> _Answer:
    position, largest = question.notice.position, question.limits.largest_error
    if position is None or position.error is None or position.error <= largest:
        return None
    return Course.IGNORE, (
        f"known to {_angle(position.error)} only; the widest to be observed: {_angle(largest)}"
    )


def _refinement(question: _Question) -> _Answer:
    best, new = question.case.position, question.notice.position
    if best is None or new is None:
        return None
    old, found = _spread(best), _spread(new)
    if new == best:
        return Course.IGNORE, f"the position is known already, error {found}"
    if _is_better(new, best):
        return Course.UPDATE, f"better position, error {found} instead of {old}"
    return Course.IGNORE, f"no better than the position known before: error {found}, before {old}"


def _new(question: _Question) -> _Answer:
    position, age = question.notice.position, _age_of(question)
    error = _spread(position) if position else "unknown"
    when = "at an unknown time" if age is None else f"{_duration(max(age, 0.0))} ago"
    ahead = "; its time lies ahead of this clock" if age is not None and age < -1.0 else ""
    return (
        Course.OBSERVE,
        f"new position from {question.notice.source}, error {error}, {when}{ahead}",
    )


_RULES: tuple[Callable[[_Question], _Answer], ...] = (
    _duplicate,
    _role,
    _retraction,
    _retracted_before,
    _unreal,
    _kind,
    _position,
    _age,
    _error,
    _refinement,
    _new,
)


def _age_of(question: _Question) -> float | None:
    happened = question.notice.happened
    return None if happened is None else question.now - happened


def _is_better(new: Position, best: Position) -> bool:
    """Say whether `new` refines `best`; of two unknown errors, the later one counts."""
    if new.error is None:
        return best.error is None
    return best.error is None or new.error < best.error


def _spread(position: Position) -> str:
    return "unknown" if position.error is None else _angle(position.error)


def _angle(degrees: float) -> str:
    """Write an angle as people say it."""
    if degrees >= 1.0:
        return f"{degrees:.1f} deg"
    return f"{degrees * 60:.1f}'" if degrees >= 1 / 60 else f'{degrees * 3600:.1f}"'


def _duration(seconds: float) -> str:
    """Write a span of time as people say it."""
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size or (unit == "days" and seconds >= size):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
