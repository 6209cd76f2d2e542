"""The table message -> action, which an agent shows as `actions_by_message`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from pyros_mqtt.dispatch.action import Action, adapted
from pyros_mqtt.dispatch.marks import Rules
from pyros_mqtt.errors import AgentError, Refusal
from pyros_mqtt.messages import ALWAYS_URGENT, Command, MessageInfo

_PAIR = re.compile(r"\s[A-Za-z_][A-Za-z0-9_-]*=", re.ASCII)


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
