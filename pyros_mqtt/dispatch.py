"""The table message -> action: what a message calls, with which arguments, under which rules.

`@on` and `@every` only mark methods; an agent binds the marked ones into its own table. What
classic code assigns to `actions_by_message` lands in the same table and overrides a mark.
"""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property, singledispatch
from typing import Any, Self, TypeVar, overload

from pyros_mqtt.daily import Daily
from pyros_mqtt.errors import AgentError, Refusal
from pyros_mqtt.messages import JSON, Command, MessageInfo

if typing.TYPE_CHECKING:
    from pydantic import BaseModel

ALWAYS_URGENT = frozenset({"abort", "stop", "close", "park", "shutdown"})
"""Messages that overtake all others wherever an agent has them (protocol section 4)."""

MOST_PROBLEMS = 10
"""So many wrong arguments are named in one refusal."""

PATIENCE = 10.0
"""Seconds without a sign of life after which an action counts as hung."""

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
    """
    overtakes = message in ALWAYS_URGENT if urgent is None else urgent

    def mark(method: Method) -> Method:
        rules = Rules(ttl, overtakes, idempotent or overtakes, patience)
        marks = [*getattr(method, "_pyros_marks", ()), Mark(message, rules, task)]
        method._pyros_marks = marks  # type: ignore[attr-defined]  # noqa: SLF001 - our own mark
        return method

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
    """
    when = Daily.of(seconds) if isinstance(seconds, str) else seconds
    if not isinstance(when, Daily) and not when > 0:
        raise ValueError(f"every(seconds={seconds!r}): a chore needs a positive period")

    def mark(method: Method) -> Method:
        method._pyros_chore = Chore(when)  # type: ignore[attr-defined]  # noqa: SLF001
        return method

    return mark


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
        except (NameError, TypeError, ValueError) as error:
            text = f"the action of {self.message!r} has a signature that cannot be read: {error}"
            raise AgentError(text) from None

    @cached_property
    def _wants_command(self) -> bool:
        return [p.name for p in self._parameters] == ["message"]

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        """The declared arguments as a pydantic model, which checks and describes them."""
        from pydantic import ConfigDict, create_model

        if any(p.kind is p.POSITIONAL_ONLY for p in self._parameters):
            raise AgentError(
                f"the action of {self.message!r} has positional-only parameters; "
                "arguments of messages come by name"
            )
        named = [p for p in self._parameters if p.kind not in {p.VAR_KEYWORD, p.VAR_POSITIONAL}]
        loose = any(p.kind is p.VAR_KEYWORD for p in self._parameters)
        fields: dict[str, Any] = {
            # an alias, so that no argument's name can collide with the model's own attributes
            f"a_{p.name}": (Any if p.annotation is p.empty else p.annotation, _declared(p))
            for p in named
        }
        config = ConfigDict(
            extra="allow" if loose else "forbid",
            coerce_numbers_to_str=True,
            allow_inf_nan=False,
            arbitrary_types_allowed=True,
        )
        return create_model(f"{self.message} arguments", __config__=config, **fields)

    def check(self, command: Command) -> dict[str, Any]:
        """Turn a command's arguments into the keyword arguments of the call.

        Raises:
            Refusal: `bad-arguments`, naming each wrong one and what would be right.
        """
        if self._wants_command:
            return {"message": command}
        from pydantic import ValidationError

        try:
            model = self._arguments.model_validate(command.args)
        except ValidationError as error:
            problems = error.errors(include_url=False)
            told = [_in_words(problem) for problem in problems[:MOST_PROBLEMS]]
            more = len(problems) - len(told)
            text = "; ".join(told) + (f"; and {more} more" if more else "")
            raise Refusal("bad-arguments", text, command) from None
        given = {name.removeprefix("a_"): getattr(model, name) for name in type(model).model_fields}
        return given | (model.model_extra or {})

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
        from pydantic import PydanticUserError

        try:
            schema: dict[str, JSON] = self._arguments.model_json_schema()
        except PydanticUserError as error:
            text = f"the arguments of {self.message!r} cannot be described: {error.message}"
            raise AgentError(text) from None
        schema.pop("title", None)
        return schema


def _declared(parameter: inspect.Parameter) -> Any:
    from pydantic import Field

    default = ... if parameter.default is parameter.empty else parameter.default
    return Field(default, alias=parameter.name)


def _in_words(problem: Any) -> str:
    where = ".".join(str(step)[:80] for step in problem["loc"]) or "arguments"
    match problem["type"]:
        case "extra_forbidden":
            return f"{where}: there is no such argument"
        case "missing":
            return f"{where}: it is missing"
    text = str(problem["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    text = text.partition(", unable to parse")[0]
    return f"{where}: must be {text}, not {str(problem['input'])[:80]!r}"


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
            AgentError: the message is no text, or the action cannot be called.
        """
        urgent = message in ALWAYS_URGENT
        self.bind(Action(message, call, Rules(urgent=urgent, idempotent=urgent)))

    def __delitem__(self, message: str) -> None:
        """Forget a message."""
        del self._actions[message]

    def bind(self, action: Action) -> None:
        """Bind an action with rules of its own.

        Raises:
            AgentError: the message is no text, or the action cannot be called.
        """
        message: object = action.message
        if not isinstance(message, str) or not message.strip():
            raise AgentError(f"a message is a text that is not empty, not {action.message!r}")
        if not callable(action.call):
            raise AgentError(f"the action of {action.message!r} cannot be called: {action.call!r}")
        action = adapted(action.call, action, self._agent)
        self._actions[action.message] = action

    def action(self, message: str) -> Action | None:
        """The action of a message, or None."""
        return self._actions.get(message)

    def infos(self) -> dict[str, MessageInfo]:
        """What the about document says of each message."""
        return {message: action.info() for message, action in list(self._actions.items())}

    def unknown(self, command: Command) -> Refusal:
        """The refusal of a message that is not in the table, with the nearest ones."""
        near = difflib.get_close_matches(command.message, self, n=3)
        known = ", ".join(repr(name) for name in near or sorted(self))
        lead = "did you mean" if near else "known are"
        text = f"there is no message {command.message[:80]!r}; {lead} {known}"
        return Refusal("unknown-message", text, command)

    def __ior__(self, other: Mapping[str, Callable[..., Any]]) -> Self:
        """Bind several messages, as `dict` does."""
        self.update(other)
        return self


def marked_actions(owner: object) -> Iterator[Action]:
    """Find the methods of `owner` that `@on` has marked, bound to it, those of subclasses last.

    A method that overrides a marked one is bound in its place, whether it is marked again or not.
    """
    for name, member in _methods(owner):
        for mark in getattr(member, "_pyros_marks", ()):
            method = getattr(owner, name)
            if mark.task is not None:
                yield Action(mark.message, mark.task, mark.rules, then=method)
            elif method is not None:  # `open = None` in a subclass takes the message out
                yield Action(mark.message, method, mark.rules)


def marked_chores(owner: object) -> dict[str, tuple[Chore, Callable[[], Any]]]:
    """Find the methods of `owner` that `@every` has marked, bound to it, by name."""
    found = {}
    for name, member in _methods(owner):
        chore = getattr(member, "_pyros_chore", None)
        if isinstance(chore, Chore):
            found[name] = (chore, getattr(owner, name))
    return found


def marked_names(kind: type) -> list[str]:
    """The methods that `@on` or `@every` have marked in this very class."""
    marks = ("_pyros_marks", "_pyros_chore")
    return [
        name for name, member in vars(kind).items() if any(hasattr(member, mark) for mark in marks)
    ]


def _methods(owner: object) -> Iterator[tuple[str, Any]]:
    for family in reversed(type(owner).__mro__):
        yield from vars(family).items()


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
