"""The table message -> action: what a message calls, with which arguments, under which rules.

`@on` and `@every` only mark methods; an agent binds the marked ones into its own table. What
classic code assigns to `actions_by_message` lands in the same table and overrides a mark.
"""

from __future__ import annotations

import difflib
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property, partialmethod, singledispatch
from typing import Any, Self, TypeVar, overload

from pyros_mqtt.daily import Daily
from pyros_mqtt.errors import AgentError, Refusal
from pyros_mqtt.messages import JSON, Command, MessageInfo

if typing.TYPE_CHECKING:
    from pyros_mqtt.arguments import Arguments

ALWAYS_URGENT = frozenset({"abort", "stop", "close", "park", "shutdown"})
"""Messages that overtake all others wherever an agent has them (protocol section 4)."""

PATIENCE = 10.0
"""Seconds without a sign of life after which an action counts as hung."""

_MARKS = ("_pyros_marks", "_pyros_chore")
_PAIR = re.compile(r"\s[A-Za-z_][A-Za-z0-9_-]*=", re.ASCII)

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rules:
    """How a message may be run; what `@on` says beside the name. Times are seconds.

    `elsewhere`: another process does the work, and the action tells when that has begun.
    """

    ttl: float | None = None
    urgent: bool = False
    idempotent: bool = False
    patience: float = PATIENCE
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What `@on` leaves on a method."""

    message: str
    rules: Rules
    task: Any = None


@dataclass(frozen=True, slots=True)
class Chore:
    """What `@every` leaves on a method: run it in the agent's thread.

    Attributes:
        when: seconds between two runs, or a moment of every day.
    """

    when: float | Daily


def on(  # noqa: PLR0913 - each is a choice of the agent's author
    message: str,
    *,
    ttl: float | None = None,
    urgent: bool | None = None,
    idempotent: bool = False,
    patience: float = PATIENCE,
    task: Any = None,
) -> Callable[[Method], Method]:
    """Mark a method as the action of `message`.

    Args:
        message: the message's name, as senders write it.
        ttl: most seconds between sending and start; later it is not started.
        urgent: run in the urgent thread, overtaking all that waits. By default only `abort`,
            `stop`, `close`, `park` and `shutdown` are.
        idempotent: doing it twice is doing it once, so it may run again after a crash.
        patience: seconds without a sign of life after which it is shown as hung.
        task: who does the work instead of the method, such as a Celery task. The task declares
            the arguments; the method gets its result, if it has a parameter for it, and what it
            returns, if that is not None, takes the result's place.

    Raises:
        AgentError: it stands there without a message, or above something that is no method.
    """
    if not isinstance(message, str):
        raise AgentError(f'write @on("MESSAGE") above a method, not @on({message!r})')
    overtakes = message in ALWAYS_URGENT if urgent is None else urgent

    def mark(method: Method) -> Method:
        rules = Rules(ttl, overtakes, idempotent or overtakes, patience)
        marks = [*getattr(method, "_pyros_marks", ()), Mark(message, rules, task)]
        return _marked(method, "_pyros_marks", marks, f"@on({message!r})")

    return mark


@overload
def every(seconds: float) -> Callable[[Method], Method]: ...
@overload
def every(when: str, /) -> Callable[[Method], Method]: ...
def every(seconds: float | str) -> Callable[[Method], Method]:
    """Mark a method as a chore that runs in the agent's thread every `seconds`, or once a day.

    Once a day: `@every("daily at 18:30")` (UTC) or, in an agent that has an `almanac`,
    `@every("daily at sunset-30m")`. The moment may be `noon`, `sunset`, `sunrise`, `dusk` or
    `dawn`, or `civil`, `nautical` or `astronomical` `dusk` or `dawn`, alone or with an offset
    such as `-30m`, `+1h30m` or `+45s`.

    Raises:
        ValueError: `seconds` is not positive, or the words cannot be understood.
        AgentError: it stands there without a time.
    """
    if callable(seconds):
        raise AgentError("write @every(seconds=1) above a method, not @every alone")
    when = Daily.of(seconds) if isinstance(seconds, str) else seconds
    if not isinstance(when, Daily) and not when > 0:
        raise ValueError(f"every(seconds={seconds!r}): a chore needs a positive period")

    def mark(method: Method) -> Method:
        return _marked(method, "_pyros_chore", Chore(when), f"@every({seconds!r})")

    return mark


def _marked(method: Method, kind: str, mark: Any, words: str) -> Method:
    try:
        setattr(method, kind, mark)
    except AttributeError:
        what = type(method).__name__
        raise AgentError(f"{words} stands above a {what}; it belongs above a method") from None
    return method


@dataclass(frozen=True)
class Action:
    """One message's action: the callable, its rules and its declared arguments.

    `then` is the method that was marked with a task.
    """

    message: str
    call: Callable[..., Any]
    rules: Rules = field(default_factory=Rules)
    then: Callable[..., Any] | None = None

    @cached_property
    def _parameters(self) -> tuple[inspect.Parameter, ...]:
        try:
            return tuple(inspect.signature(self.call, eval_str=True).parameters.values())
        except (NameError, AttributeError, SyntaxError, TypeError, ValueError) as error:
            text = f"the action of {self.message!r} has a signature that cannot be read: {error}"
            raise AgentError(text) from None

    @cached_property
    def _wants_command(self) -> bool:
        return [p.name for p in self._parameters] == ["message"]

    @cached_property
    def _arguments(self) -> Arguments:
        from pyros_mqtt.arguments import Arguments

        return Arguments(self.message, self._parameters)

    def verify(self) -> None:
        """Look whether messages can call it.

        Raises:
            AgentError: it is no ordinary function, or its arguments cannot be checked.
        """
        refuse_unless_ordinary(f"the action of {self.message!r}", self.call)
        if self.then is not None:
            refuse_unless_ordinary(f"the action of {self.message!r}", self.then)
        if not self._wants_command:
            _ = self._arguments

    def check(self, command: Command) -> dict[str, Any]:
        """Turn a command's arguments into the keyword arguments of the call.

        Raises:
            Refusal: `bad-arguments`, naming each wrong one and what would be right.
        """
        if self._wants_command:
            return {"message": command}
        return self._arguments.check(command)

    def info(self) -> MessageInfo:
        """Describe the message for the about document."""
        return MessageInfo(
            description=inspect.getdoc(self.then or self.call) or "",
            args=self._schema(),
            urgent=self.rules.urgent,
            idempotent=self.rules.idempotent,
            ttl=self.rules.ttl,
            states=("starting", "ready", "busy", "degraded", "fault", "stopping")
            if self.rules.urgent
            else ("ready", "busy", "degraded", "fault"),
        )

    def _schema(self) -> dict[str, JSON]:
        if self._wants_command:
            return {"type": "object", "additionalProperties": True}
        return dict(self._arguments.schema)


def refuse_unless_ordinary(what: str, call: Any) -> None:
    """Refuse a function that would only be begun by its call, and never run.

    Raises:
        AgentError: `call` is an async or a generator function.
    """
    for one in (call, getattr(call, "__call__", call)):  # noqa: B004 - it may be an async one
        if inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one):
            raise AgentError(
                f"{what} is an async function; actions, chores and hooks are ordinary functions "
                "that run in the agent's threads: write def, and wait with self.sleep()"
            )
        if inspect.isgeneratorfunction(one):
            raise AgentError(
                f"{what} is a generator; actions, chores and hooks are ordinary functions: "
                "write return instead of yield, and tell of progress with self.progress()"
            )


@singledispatch
def adapted(call: Any, action: Action, _agent: Any) -> Action:
    """Make the action that an agent runs, of the `call` that it was given.

    A room above registers here what is done elsewhere, by its type: `contrib.celery` its tasks.

    Raises:
        AgentError: `call` was given as the task of a method, and nobody knows such tasks.
    """
    if action.then is not None:
        raise AgentError(
            f"@on({action.message!r}, task={call!r}): nobody here knows such a task; "
            "for Celery's import pyros_mqtt.contrib.celery"
        )
    return action


class ActionTable(MutableMapping[str, Callable[..., Any]]):
    """`actions_by_message`: a mapping from message to callable, which keeps the actions too.

    Assigning `table["Observation finished"] = self.observation_finished` is all that classic
    code needs; the names that are always urgent are so here, too.

    Args:
        agent: whose table it is.
    """

    def __init__(self, agent: Any = None) -> None:
        self._agent = agent
        self._actions: dict[str, Action] = {}

    def __getitem__(self, message: str) -> Callable[..., Any]:
        """What a message calls."""
        return self._actions[message].call

    def __iter__(self) -> Iterator[str]:
        """The messages."""
        return iter(list(self._actions))

    def __len__(self) -> int:
        """How many messages there are."""
        return len(self._actions)

    def __setitem__(self, message: str, call: Callable[..., Any]) -> None:
        """Bind a message, with the rules of its name.

        Raises:
            AgentError: the message is no text, or messages cannot call the action.
        """
        urgent = message in ALWAYS_URGENT
        self.bind(Action(message, call, Rules(urgent=urgent, idempotent=urgent)))

    def __delitem__(self, message: str) -> None:
        """Forget a message."""
        del self._actions[message]

    def bind(self, action: Action) -> None:
        """Bind an action with rules of its own.

        Raises:
            AgentError: the message is no text, or messages cannot call the action.
        """
        message: object = action.message
        if not isinstance(message, str) or not message.strip():
            raise AgentError(f"a message is a text that is not empty, not {action.message!r}")
        if not callable(action.call):
            raise AgentError(f"the action of {action.message!r} cannot be called: {action.call!r}")
        action = adapted(action.call, action, self._agent)
        action.verify()
        self._actions[action.message] = action

    def action(self, message: str) -> Action | None:
        """The action of a message, or None."""
        return self._actions.get(message)

    def infos(self) -> dict[str, MessageInfo]:
        """What the about document says of each message."""
        return {message: action.info() for message, action in list(self._actions.items())}

    def unknown(self, command: Command) -> Refusal:
        """The refusal of a message that is not in the table, with the nearest ones."""
        pair = _PAIR.search(command.message)
        asked = command.message[: pair.start()] if pair else command.message
        folded = {name.casefold(): name for name in self}
        near = difflib.get_close_matches(asked.strip().casefold(), folded, n=3)
        known = ", ".join(repr(folded[name]) for name in near) or ", ".join(map(repr, sorted(self)))
        lead = "did you mean" if near else "known are"
        text = f"there is no message {command.message[:80]!r}; {lead} {known}"
        if pair:
            text += "; arguments go behind the message, outside the quotes"
        return Refusal("unknown-message", text, command)

    def __ior__(self, other: Mapping[str, Callable[..., Any]]) -> Self:
        """Bind several messages, as `dict` does."""
        self.update(other)
        return self


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
    if any(hasattr(within, kind) for kind in _MARKS):
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
        name for name, member in vars(kind).items() if any(hasattr(member, mark) for mark in _MARKS)
    ]


def plain(value: Any) -> JSON:
    """Turn an action's result into what JSON can say.

    Dataclasses, pydantic models, enumerations, dates, paths, sets, and what has a `tolist()`
    (NumPy) become their plain forms; a number that is not finite becomes None.

    Raises:
        ValueError: there is no plain form.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return to_jsonable_python(value, inf_nan_mode="null", fallback=_listed)
    except (PydanticSerializationError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None


def _listed(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
