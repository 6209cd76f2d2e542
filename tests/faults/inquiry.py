"""Asks agents what has become of commands, as any MQTT client can: by sending them once more.

The question is meant for a life that there never was, so that an agent which does not know the
command refuses it instead of running it (protocol sections 3 and 4).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyros_mqtt.messages import Outcome
from pyros_mqtt.settings import BrokerUrl
from tests.faults.history import Event
from tests.system.raw_mqtt import RawClient

NOBODY = "nobody-ever"
"""The session that the questions are meant for."""

EVERY = 0.5
"""Seconds between two questions about the same command."""


@dataclass(frozen=True)
class Question:
    """One command as it was sent, under the id that it had last."""

    key: str
    id: str
    sender: str
    agent: str
    message: str
    args: dict[str, Any] = field(default_factory=dict)

    def publish(self, client: RawClient, root: str) -> None:
        """Ask."""
        body = {"id": self.id, "from": self.sender, "session": NOBODY}
        command = body | {"message": self.message, "args": self.args}
        client.publish(f"{root}/{self.agent}/inbox", command, qos=1)


def ask_for_ends(
    url: BrokerUrl, root: str, questions: Iterable[Question], timeout: float
) -> list[Event]:
    """The ends of all commands that have one; asks until each has, or is not known."""
    left = {question.id: question for question in questions}
    deadline, ends = time.monotonic() + timeout, list[Event]()
    with RawClient(url) as client:
        client.subscribe(*{f"{root}/+/outbox/{question.sender}" for question in left.values()})
        while left and time.monotonic() < deadline:
            for question in left.values():
                question.publish(client, root)
            ends += _answers(client, left)
    return ends


def _answers(client: RawClient, left: dict[str, Question]) -> list[Event]:
    """Hear reports for a while; those who have an end, or are not known, are asked no more."""
    ends, until = [], time.monotonic() + EVERY
    with contextlib.suppress(TimeoutError):
        while left:
            body = client.next(max(0.001, until - time.monotonic())).body
            question, state = left.get(body["id"]), Outcome(body["state"])
            if question is None or not state.is_terminal:
                continue
            del left[question.id]
            if not _is_unknown(body):
                at = time.monotonic()
                ends.append(Event("ended", question.key, at, id=question.id, state=state.value))
    return ends


def _is_unknown(body: dict[str, Any]) -> bool:
    return NOBODY in (body.get("error") or {}).get("text", "")
