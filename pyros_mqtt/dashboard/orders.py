"""Commands from the page: who sent them is in their name, how they went is on the board."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from pyros_mqtt.dashboard.board import Board
from pyros_mqtt.dashboard.rows import short
from pyros_mqtt.messages import JSON
from pyros_mqtt.sender import Receipt, Voice
from pyros_mqtt.sender.sender import compose
from pyros_mqtt.signing import Signer
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus

SECTION = "orders"
MOST = 100
PREFIX = "dashboard"
"""The sender's name, or its beginning where a token is shared and a name is only a word."""


class Orders:
    """Sends for whoever is logged in; every method is for any thread.

    Args:
        bus: where to connect.
        topics: the tree.
        board: where it is told how each command goes.
        signer: signs them; None: they are not signed.
        knows_people: a person's name is proven. Then all is sent under the dashboard's own name,
            and hers goes beside it; else hers is part of the sender's.
    """

    def __init__(
        self,
        bus: Bus,
        topics: Topics,
        board: Board,
        signer: Signer | None = None,
        *,
        knows_people: bool = False,
    ) -> None:
        self._board = board
        self._knows_people = knows_people
        client = f"{topics.root.replace('/', '-')}-from-{PREFIX}-{secrets.token_hex(3)}"
        self.transport = bus.transport(client)
        self._voice = Voice(self.transport, topics, PREFIX, signer)
        self._known: OrderedDict[str, None] = OrderedDict()

    def give(
        self,
        person: str,
        agent: str,
        message: str,
        args: dict[str, JSON],
        *,
        ttl: float | None = None,
    ) -> str:
        """Send one command and return its id; the board tells how it goes.

        Raises:
            BadName: the agent's name breaks the rule.
            TypeError, ValueError: an argument that JSON has no form for.
        """
        sender = PREFIX if self._knows_people else f"{PREFIX}-{person}"
        self._voice.speak_for(sender)
        command = compose(agent, message, sender, args=args, ttl=ttl, urgent=False)
        command = replace(command, person=person if self._knows_people else None)
        self._known[command.id] = None
        if len(self._known) > MOST:
            self._board.drop(SECTION, self._known.popitem(last=False)[0])
        self._board.put(SECTION, command.id, _row(agent, message, "sent", ""))
        self._voice.send(command).watch(self._tell)
        return command.id

    def close(self) -> None:
        """Whoever still waits is told."""
        self._voice.abandon("the dashboard ends")
        self.transport.close(0.5)

    def _tell(self, receipt: Receipt) -> None:
        """In the network thread."""
        command, report, error = receipt.command, receipt.report, receipt.error
        text = str(error) if error is not None else ""
        if report is not None and report.error is not None:
            text = f"{report.error.text} ({report.error.code})"
        self._board.put(
            SECTION, command.id, _row(command.agent, command.message, receipt.state, text)
        )


def _row(agent: str, message: str, state: str, text: str) -> dict[str, Any]:
    return {"agent": agent, "message": short(message, 120), "state": state, "text": short(text)}
