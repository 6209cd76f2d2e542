"""One message's action: what it calls, under which rules, with which arguments."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, singledispatch
from typing import Any

from pyros_mqtt.dispatch.marks import Rules
from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import JSON, Command, MessageInfo

if typing.TYPE_CHECKING:
    from pyros_mqtt.arguments import Arguments


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
