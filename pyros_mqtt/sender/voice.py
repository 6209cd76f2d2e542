"""A sender's name on a transport: publishes commands, repeats them, hears the reports.

The broker's acknowledgement is never taken for delivery: a command is published again, under the
same id, until the agent has answered or the deadline has passed.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pyros_mqtt import wire
from pyros_mqtt.errors import (
    BadPayload,
    NoAnswer,
    NobodyListens,
    SendError,
    Undeliverable,
    Unreachable,
)
from pyros_mqtt.messages import Command, Outcome, Report
from pyros_mqtt.sender.peers import Peers
from pyros_mqtt.sender.receipt import Receipt
from pyros_mqtt.topics import Topics, check_name
from pyros_mqtt.transport import Delivery, Fate, Parcel, Transport

log = logging.getLogger(__name__)

FIRST_REPEAT = 1.0
"""Seconds until the first repetition; each further one takes twice as long."""

SLOWEST_REPEAT = 5.0
"""Most seconds between two repetitions."""

ABSENT = 3.0
"""Seconds for which an agent may be away before the sender is told that nobody listens."""

NEVER_UP = 5.0
"""Seconds after which a first connection that does not come about is given up."""

STARTING_REPEAT = 0.5
"""Seconds until a command is sent again to an agent that was not ready yet."""

INQUIRE = 15.0
"""Seconds without a word on an accepted command after which its agent is asked about it."""

BEREAVED = 10.0
"""Seconds that a lost or restarted agent has to say what became of an accepted command."""


@dataclass(slots=True)
class _Pending:
    """One command under way. Times are monotonic seconds."""

    receipt: Receipt
    payload: bytes
    sent: float
    deadline: float
    pause: float = FIRST_REPEAT
    taken: bool = False
    is_under_way: bool = False
    may_have_it: bool = False
    unheard: bool = False
    heard: float = 0.0
    away_since: float | None = None
    refused_since: float | None = None
    session: str = ""
    inquired_of: str = ""
    bereaved_since: float | None = None

    @property
    def command(self) -> Command:
        return self.receipt.command


class Voice:
    """Sends under one name through one transport. `send` is for any thread.

    Args:
        transport: the connection; its owner opens and closes it.
        topics: the tree.
        name: under which the agents report.
    """

    def __init__(self, transport: Transport, topics: Topics, name: str) -> None:
        self.name = check_name("sender", name)
        self._names = {self.name}
        self._transport = transport
        self._topics = topics
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}
        self._peers = Peers(transport, topics)
        self._peers.on_return(self._returned)
        self._clock: list[tuple[float, int, str]] = []
        self._ticks = itertools.count()
        self._next_round = 0.0
        self._opened = time.monotonic()
        self._was_up = False
        transport.subscribe(topics.every("outbox", name), self._hear_report)
        transport.on_state(self._state_changed)
        transport.on_turn(self._turn)

    def send(self, command: Command) -> Receipt:
        """Publish a command, and go on until it is answered or its deadline has passed.

        Raises:
            BadName: the agent's name breaks the rule.
            TypeError, ValueError: an argument that JSON has no form for.
        """
        payload = wire.encode_command(command)
        receipt = Receipt(command)
        now = time.monotonic()
        lifetime = float("inf")
        if command.deadline is not None:
            lifetime = max(0.0, command.deadline - time.time())
        pending = _Pending(receipt, payload, now, now + lifetime)
        self._peers.meet(command.agent)
        with self._lock:
            self._pending[command.id] = pending
            self._set_clock(pending, now + FIRST_REPEAT)
        self._publish(pending)
        return receipt

    def speak_for(self, name: str) -> None:
        """Hear the reports on the commands of `name`, too: `send` takes them from now on.

        Raises:
            BadName: the name breaks the rule.
        """
        with self._lock:
            if name in self._names:
                return
            self._names.add(check_name("sender", name))
        self._transport.subscribe(self._topics.every("outbox", name), self._hear_report)

    def abandon(self, reason: str) -> None:
        """The sender closes: whoever still waits is told."""
        for pending in list(self._pending.values()):
            self._settle(pending, NoAnswer(pending.command, reason))

    # -- the network thread -------------------------------------------------------------------

    def _publish(self, pending: _Pending) -> None:
        topic = self._topics.inbox(pending.command.agent)
        pending.is_under_way = True
        self._transport.publish(
            Parcel(topic, pending.payload), lambda fate: self._learn(pending, fate)
        )

    def _learn(self, pending: _Pending, fate: str) -> None:
        """What the broker said of a publication; it tells of absence, never of delivery."""
        command = pending.command
        pending.is_under_way = False
        if fate == Fate.NO_SUBSCRIBER:
            pending.unheard = True
            pending.away_since = pending.away_since or time.monotonic()
        elif fate == Fate.TAKEN:
            pending.taken, pending.unheard = True, False
            pending.may_have_it |= not self._peers[command.agent].is_away
        elif fate == Fate.TOO_LARGE:
            text = f"{len(pending.payload)} bytes are more than the broker takes"
            self._settle(pending, Undeliverable(command, text))
        elif fate == Fate.REFUSED:
            text = f"the broker's access rules do not let {self.name!r} command this agent"
            self._settle(pending, Undeliverable(command, text))

    def _hear_report(self, delivery: Delivery) -> None:
        try:
            report = wire.decode_report(delivery.payload)
        except BadPayload as error:
            log.warning("%s: %s", delivery.topic, error)
            return
        pending = self._pending.get(report.id)
        address = self._topics.parse(delivery.topic)
        # the right id from the wrong agent completes nothing
        if pending is None or address is None or address.agent != pending.command.agent:
            return
        if report.state is Outcome.REJECTED and pending.receipt.is_answered:
            text = "the agent was started anew since; what became of it is not known"
            self._settle(pending, NoAnswer(pending.command, text))
            return
        if _is_starting(report) and not self._has_waited_for(pending):
            return
        pending.session, pending.heard = self._peers[address.agent].session, time.monotonic()
        pending.receipt.take(report)
        if report.state.is_terminal:
            self._forget(pending)

    def _has_waited_for(self, pending: _Pending) -> bool:
        """An agent that starts is given a moment, in which its `not-ready` is no answer."""
        now = time.monotonic()
        if pending.refused_since is None:
            pending.refused_since = now
        if now - pending.refused_since > ABSENT:
            return True
        with self._lock:
            pending.pause = STARTING_REPEAT
            self._set_clock(pending, now + STARTING_REPEAT)
        return False

    def _returned(self, agent: str) -> None:
        for pending in list(self._pending.values()):
            if pending.command.agent == agent and pending.taken and pending.away_since is None:
                pending.may_have_it = True
        self._repeat_now(lambda p: p.command.agent == agent and p.away_since is not None)

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        if up:
            self._was_up = True
            self._repeat_now(lambda _pending: True)
            self._inquire_now(lambda _pending: True)

    def _repeat_now(self, concerns: Callable[[_Pending], bool]) -> None:
        """Publish again what has no answer yet, in the order in which it was sent."""
        for pending in list(self._pending.values()):
            if not pending.receipt.is_answered and concerns(pending):
                pending.away_since = None
                self._publish(pending)

    def _inquire_now(self, concerns: Callable[[_Pending], bool]) -> None:
        for pending in list(self._pending.values()):
            if pending.receipt.is_answered and concerns(pending):
                self._inquire(pending)

    def _inquire(self, pending: _Pending) -> None:
        """Ask again for the end of what was accepted: its report may have come while we were away.

        The life of the agent that knows the command says its latest report once more; a new life
        must not run it, which is what `session` is for.
        """
        if pending.session:
            pending.heard = time.monotonic()
            question = replace(pending.command, session=pending.session)
            topic = self._topics.inbox(question.agent)
            self._transport.publish(Parcel(topic, wire.encode_command(question)))

    def _turn(self) -> None:
        now = time.monotonic()
        while self._clock and self._clock[0][0] <= now:
            self._repeat_due(now)
        if now >= self._next_round:
            self._next_round = now + 0.5
            for pending in list(self._pending.values()):
                self._review(pending, now)

    def _repeat_due(self, now: float) -> None:
        with self._lock:
            _, _, command_id = heapq.heappop(self._clock)
            pending = self._pending.get(command_id)
            if pending is None or pending.receipt.is_answered:
                return
            pending.pause = min(2 * pending.pause, SLOWEST_REPEAT)
            self._set_clock(pending, now + pending.pause)
        # what the broker has not even taken yet is not made faster by more of it
        if now < pending.deadline and not pending.is_under_way:
            self._publish(pending)

    def _review(self, pending: _Pending, now: float) -> None:
        """Give up where nothing can be expected any more."""
        if pending.receipt.is_answered:
            if now - pending.heard > INQUIRE:
                self._inquire(pending)
            self._mourn(pending, now)
            return
        error = self._hopeless(pending, now)
        if error is not None:
            self._settle(pending, error)

    def _hopeless(self, pending: _Pending, now: float) -> SendError | None:
        command, peer = pending.command, self._peers[pending.command.agent]
        if not self._was_up and now - pending.sent > NEVER_UP:
            return Unreachable(command, f"no broker could be reached: {self._transport.trouble}")
        if pending.taken and peer.is_away and now - pending.sent > FIRST_REPEAT:
            pending.away_since = pending.away_since or now
        over = now >= pending.deadline
        # one that an agent may have taken into its journal is not told to have reached nobody
        away = None if pending.may_have_it else pending.away_since
        if away is not None and (peer.is_away or pending.unheard) and (over or now - away > ABSENT):
            return NobodyListens(command, f"nobody listens: {peer.whereabouts()}")
        if not over:
            return None
        if not pending.taken and not self._transport.is_up:
            return Unreachable(command, f"the broker was away: {self._transport.trouble}")
        return NoAnswer(command, f"no answer before its deadline; {peer.whereabouts()}")

    def _mourn(self, pending: _Pending, now: float) -> None:
        """The agent that had accepted is gone, or is a new one that does not know of it."""
        peer = self._peers[pending.command.agent]
        gone = peer.is_away or (pending.session and peer.session != pending.session)
        if not gone or not self._transport.is_up:
            pending.bereaved_since = None
            return
        if not peer.is_away and pending.inquired_of != peer.session:
            pending.inquired_of = peer.session
            self._inquire(pending)  # its journal may know
        if pending.bereaved_since is None:
            pending.bereaved_since = now
        elif now - pending.bereaved_since > BEREAVED:
            state = pending.receipt.state
            where = peer.whereabouts() if peer.is_away else "the agent was started anew"
            text = f"{where}; what became of the command, last reported as {state}, is not known"
            self._settle(pending, NoAnswer(pending.command, text))

    def _set_clock(self, pending: _Pending, when: float) -> None:
        heapq.heappush(self._clock, (when, next(self._ticks), pending.command.id))

    def _settle(self, pending: _Pending, error: SendError) -> None:
        pending.receipt.give_up(error)
        self._forget(pending)

    def _forget(self, pending: _Pending) -> None:
        with self._lock:
            self._pending.pop(pending.command.id, None)


def _is_starting(report: Report) -> bool:
    return report.error is not None and report.error.code == "not-ready"
