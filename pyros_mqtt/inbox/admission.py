"""What is checked of a command that could be read: whether its agent may take it on."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from pyros_mqtt.dispatch import Action, ActionTable
from pyros_mqtt.errors import Refusal
from pyros_mqtt.inbox.ticket import Ticket
from pyros_mqtt.messages import Command

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an inbox takes: bytes a payload, commands in waiting, seconds of clock skew."""

    max_payload: int = 256 * 1024
    max_waiting: int = 1000
    max_clock_skew: float = 5.0


class Admission:
    """Looks at one command after the other, and remembers none. For the network thread.

    Args:
        agent: whose commands they are.
        table: what it understands.
        session: the life that it is in.
        skew: seconds by which another machine's clock may be ahead.
        accepts_all: let messages pass that are not in the table.
    """

    def __init__(
        self, agent: str, table: ActionTable, session: str, skew: float, *, accepts_all: bool
    ) -> None:
        self._agent = agent
        self._table = table
        self._session = session
        self._skew = skew
        self._accepts_all = accepts_all

    def ticket(self, command: Command, wall: float, now: float) -> Ticket:
        """Give the command's ticket, with its arguments checked.

        Args:
            command: as it was read.
            wall: when it came, in POSIX seconds.
            now: the same, in monotonic seconds.

        Raises:
            Refusal: it cannot be taken on, with the protocol's code.
        """
        action = self._table.action(command.message)
        if action is None and not self._accepts_all:
            raise self._table.unknown(command)
        urgent = bool(action and action.rules.urgent)
        if command.urgent and not urgent:
            text = f"{command.message!r} is not an urgent message of {self._agent}"
            raise Refusal("forbidden", text, command)
        if command.session is not None and command.session != self._session:
            text = f"it is meant for session {command.session!r}, this is {self._session!r}"
            raise Refusal("conflict", text, command)
        command = self._timed(command, action, wall)
        arguments = _checked(action, command) if action else {}
        lifetime = None if command.deadline is None else command.deadline - wall
        return Ticket(command, action, arguments, now, lifetime)

    def _timed(self, command: Command, action: Action | None, wall: float) -> Command:
        """Give the command its deadline, and refuse it where its times are wrong."""
        skew = self._skew
        if command.sent_at is not None and command.sent_at > wall + skew:
            ahead = command.sent_at - wall
            text = f"it was sent {ahead:.1f} s in the future: set the clocks"
            raise Refusal("clock-skew", text, command)
        if action is not None and action.rules.ttl is not None:
            latest = (wall if command.sent_at is None else command.sent_at) + action.rules.ttl
            stated = command.deadline
            if stated is None or stated > latest:
                command = replace(command, deadline=latest, stated=stated)
        if command.deadline is not None and wall > command.deadline:
            raise TooLate(command, wall - command.deadline)
        return command


class TooLate(Refusal):
    """The deadline has passed: the command is reported as expired."""

    def __init__(self, command: Command, seconds: float) -> None:
        super().__init__("timeout", f"it came {seconds:.1f} s after its deadline", command)


def _checked(action: Action, command: Command) -> dict[str, Any]:
    try:
        return action.check(command)
    except Refusal:
        raise
    except Exception as error:
        # an annotation may hold a validator of the agent's author
        log.exception("the arguments of %r cannot be checked", command.message)
        text = f"they cannot be checked: {error}"
        raise Refusal("bad-arguments", text, command) from None
