"""Which methods of an agent are marked, and whether they can be what they are marked as."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property, partialmethod
from typing import Any

from pyros_mqtt.dispatch.action import Action, refuse_unless_ordinary
from pyros_mqtt.dispatch.marks import MARKS, Chore
from pyros_mqtt.errors import AgentError


def marked_actions(owner: object) -> Iterator[Action]:
    """Find the methods of `owner` that `@on` has marked, bound to it, those of subclasses last.

    A method that overrides a marked one is bound in its place, whether it is marked again or not.

    Raises:
        AgentError: two methods of one class have the same message, or a mark is out of sight.
    """
    for family in reversed(type(owner).__mro__):
        _refuse_a_message_twice(family)
        for name, member in vars(family).items():
            _refuse_a_hidden_mark(family, name, member)
            for mark in getattr(member, "_pyros_marks", ()):
                method = getattr(owner, name)
                if mark.task is not None:
                    yield Action(mark.message, mark.task, mark.rules, then=method)
                elif method is not None:  # `open = None` in a subclass takes the message out
                    yield Action(mark.message, method, mark.rules)


def _refuse_a_message_twice(family: type) -> None:
    seen: dict[str, tuple[str, Any]] = {}
    for name, member in vars(family).items():
        for mark in getattr(member, "_pyros_marks", ()):
            first, other = seen.setdefault(mark.message, (name, member))
            if other is not member:
                raise AgentError(
                    f"{family.__name__}.{first} and {family.__name__}.{name} both have "
                    f"@on({mark.message!r}); give one of them another message"
                )


def _refuse_a_hidden_mark(family: type, name: str, member: object) -> None:
    """A property and its like keep the marked function within, where no message finds it."""
    if not isinstance(member, property | cached_property | partialmethod):
        return
    within = member.fget if isinstance(member, property) else member.func
    if any(hasattr(within, kind) for kind in MARKS):
        raise AgentError(
            f"{family.__name__}.{name} is a {type(member).__name__}, which hides its @on or "
            f"@every; take @{type(member).__name__} away, or mark a method"
        )


def marked_chores(owner: object) -> dict[str, tuple[Chore, Callable[[], Any]]]:
    """Find the methods of `owner` that `@every` has marked, bound to it, by name.

    Raises:
        AgentError: a chore is no ordinary function, or cannot be called without arguments.
    """
    found = {}
    for family in reversed(type(owner).__mro__):
        for name, member in vars(family).items():
            _refuse_a_hidden_mark(family, name, member)
            chore = getattr(member, "_pyros_chore", None)
            if isinstance(chore, Chore):
                found[name] = (chore, getattr(owner, name))
    # `measure = None` in a subclass takes the chore out
    found = {name: one for name, one in found.items() if one[1] is not None}
    for name, (_, call) in found.items():
        _refuse_as_chore(f"the chore {type(owner).__name__}.{name}", call)
    return found


def _refuse_as_chore(what: str, call: Callable[..., Any]) -> None:
    refuse_unless_ordinary(what, call)
    for one in inspect.signature(call).parameters.values():
        if one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}:
            raise AgentError(
                f"{what} wants {one.name!r}, and a chore is called without arguments: "
                f"give {one.name!r} a default, or make it an action with @on"
            )


def marked_names(kind: type) -> list[str]:
    """The methods that `@on` or `@every` have marked in this very class."""
    return [
        name for name, member in vars(kind).items() if any(hasattr(member, mark) for mark in MARKS)
    ]
