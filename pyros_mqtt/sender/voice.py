"""A sender's name on a transport: publishes commands, repeats them, hears the reports.

The broker's acknowledgement is never taken for delivery: a command is published again, under the
same id, until the agent has answered or the deadline has passed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from pyros_mqtt import wire
from pyros_mqtt.errors import BadPayload, NoAnswer, SendError, Undeliverable
from pyros_mqtt.messages import NOT_READY, Command, Outcome, Report
from pyros_mqtt.sender.peers import Peers
from pyros_mqtt.sender.receipt import Receipt
from pyros_mqtt.sender.underway import FIRST_REPEAT, Pending, UnderWay
from pyros_mqtt.sender.verdicts import ABSENT, verdict
from pyros_mqtt.signing import Signer
from pyros_mqtt.topics import Topics, check_name
from pyros_mqtt.tracing import tracing
from pyros_mqtt.transport import Delivery, Fate, Parcel, Transport

log = logging.getLogger(__name__)

STARTING_REPEAT = 0.5
"""Seconds until a command is sent again to an agent that was not ready yet."""

INQUIRE = 15.0
"""Seconds without a word on an accepted command after which its agent is asked about it."""

BEREAVED = 20.0
"""Seconds that a lost or restarted agent has to say what became of an accepted command."""


class Voice:
    """Sends under one name through one transport. `send` is for any thread.

    Args:
        transport: the connection; its owner opens and closes it.
        topics: the tree.
        name: under which the agents report.
        signer: signs whatever is sent; None: nothing is signed.
    """

    def __init__(
        self, transport: Transport, topics: Topics, name: str, signer: Signer | None = None
    ) -> None:
        self.name = check_name("sender", name)
        self._names = {self.name}
        self._transport = transport
        self._topics = topics
        self._signer = signer
        self._lock = threading.Lock()
        self._under_way = UnderWay()
        self._peers = Peers(transport, topics)
        self._peers.on_return(self._returned)
        self._next_round = 0.0
        self._opened = time.monotonic()
        self._was_up = False
        transport.subscribe(topics.every("outbox", name), self._hear_report)
        transport.on_state(self._state_changed)
        transport.on_turn(self._turn)

    def send(self, command: Command, payload: bytes | None = None) -> Receipt:
        """Publish a command, and go on until it is answered or its deadline has passed.

        Args:
            command: what is sent.
            payload: the same as somebody else has written and perhaps signed it; it is published
                as it is.

        Raises:
            BadName: the agent's name breaks the rule.
            TypeError, ValueError: an argument that JSON has no form for.
        """
        now = time.monotonic()
        lifetime = float("inf")
        if command.deadline is not None:
            lifetime = max(0.0, command.deadline - time.time())
        command, told = tracing.sending(command)
        receipt = Receipt(command)
        if told is not None:
            receipt.watch(told)
        self._peers.meet(command.agent)
        pending = Pending(receipt, now, now + lifetime)
        if payload is not None:
            pending.payload, pending.is_handed_on = payload, True
        with self._under_way.lock:
            self._under_way.add(pending)
            try:
                self._write(pending)
            except (TypeError, ValueError):
                self._under_way.forget(pending)
                raise
            if not pending.is_held:
                self._publish(pending)
        return receipt

    def written(self, command: Command) -> bytes:
        """Write a command as it is published, signed where we have a key.

        Raises:
            BadName, TypeError, ValueError: as `send`.
        """
        return written(command, self._topics, self._signer)

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
        for pending in self._under_way:
            self._settle(pending, NoAnswer(pending.command, reason))

    # -- the network thread -------------------------------------------------------------------

    def _publish(self, pending: Pending) -> None:
        topic = self._topics.inbox(pending.command.agent)
        pending.is_under_way = True
        self._transport.publish(
            Parcel(topic, pending.payload), lambda fate: self._learn(pending, fate)
        )

    def _write(self, pending: Pending) -> None:
        """Write anew what we have written ourselves, with its place in its line."""
        if not pending.is_handed_on:
            command = pending.command
            named = replace(command, after=pending.after) if pending.after else command
            pending.payload = self.written(named)

    def _repeat(self, pending: Pending) -> None:
        after = self._under_way.predecessor(pending)
        if after != pending.after:  # that one has been answered, or given up
            pending.after = after
            self._write(pending)
        self._publish(pending)

    def _let_go(self, now: float) -> None:
        """Publish what was held back behind others, as far as there is room now."""
        with self._under_way.lock:
            for pending in self._under_way.let_go(now):
                self._write(pending)
                self._publish(pending)

    def _learn(self, pending: Pending, fate: str) -> None:
        """What the broker said of a publication; it tells of absence, never of delivery."""
        command = pending.command
        pending.is_under_way = False
        if fate == Fate.NO_SUBSCRIBER:
            pending.unheard = True
            pending.away_since = pending.away_since or time.monotonic()
        elif fate == Fate.TAKEN:
            pending.taken, pending.unheard = True, False
            pending.may_have_it |= not self._peers[command.agent].is_away
        elif fate == Fate.IN_DOUBT:  # a broker that died may have passed it on before
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
        pending = self._under_way.find(report.id)
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
        self._under_way.answered(pending)
        pending.receipt.take(report)
        if report.state.is_terminal:
            self._under_way.forget(pending)

    def _has_waited_for(self, pending: Pending) -> bool:
        """An agent that starts is given a moment, in which its `not-ready` is no answer."""
        now = time.monotonic()
        if pending.refused_since is None:
            pending.refused_since = now
        if now - pending.refused_since > ABSENT:
            return True
        pending.pause = STARTING_REPEAT
        self._under_way.wake_for(pending, now + STARTING_REPEAT)
        return False

    def _returned(self, agent: str) -> None:
        for pending in self._under_way:
            if pending.command.agent == agent and pending.taken and pending.away_since is None:
                pending.may_have_it = True
        self._repeat_now(lambda p: p.command.agent == agent and p.away_since is not None)

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        if up:
            self._was_up = True
            self._repeat_now(lambda _pending: True)
            self._inquire_now(lambda _pending: True)

    def _repeat_now(self, concerns: Callable[[Pending], bool]) -> None:
        """Publish again what has no answer yet, in the order in which it was sent."""
        for pending in self._under_way:
            if not pending.receipt.is_answered and concerns(pending):
                pending.away_since = None
                if not pending.is_held:
                    self._repeat(pending)

    def _inquire_now(self, concerns: Callable[[Pending], bool]) -> None:
        for pending in self._under_way:
            if pending.receipt.is_answered and concerns(pending):
                self._inquire(pending)

    def _inquire(self, pending: Pending) -> None:
        """Ask again for the end of what was accepted: its report may have come while we were away.

        The life of the agent that knows the command says its latest report once more; a new life
        must not run it, which is what `session` is for.
        """
        if pending.session and not pending.is_handed_on:
            pending.heard = time.monotonic()
            question = replace(pending.command, session=pending.session)
            topic = self._topics.inbox(question.agent)
            self._transport.publish(Parcel(topic, self.written(question)))

    def _turn(self) -> None:
        now = time.monotonic()
        self._let_go(now)
        while (pending := self._under_way.due(now)) is not None:
            # what the broker has not even taken yet is not made faster by more of it
            if now < pending.deadline and not pending.is_under_way:
                self._repeat(pending)
        if now >= self._next_round:
            self._next_round = now + 0.5
            for pending in self._under_way:
                self._review(pending, now)

    def _review(self, pending: Pending, now: float) -> None:
        """Give up where nothing can be expected any more."""
        if pending.receipt.is_answered:
            if now - pending.heard > INQUIRE:
                self._inquire(pending)
            self._mourn(pending, now)
            return
        self._note_absence(pending, now)
        error = verdict(pending, self._peers, self._transport, now, was_up=self._was_up)
        if error is not None:
            self._settle(pending, error)

    def _note_absence(self, pending: Pending, now: float) -> None:
        head = self._under_way.head(pending) if pending.is_held else None
        if head is not None:  # what became of that one would become of this one
            pending.away_since, pending.unheard = head.away_since, head.unheard
        is_away = self._peers[pending.command.agent].is_away
        if pending.taken and is_away and now - pending.sent > FIRST_REPEAT:
            pending.away_since = pending.away_since or now

    def _mourn(self, pending: Pending, now: float) -> None:
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
            agent = pending.command.agent
            where = self._peers.whereabouts(agent) if peer.is_away else "the agent was started anew"
            text = f"{where}; what became of the command, last reported as {state}, is not known"
            self._settle(pending, NoAnswer(pending.command, text))

    def _settle(self, pending: Pending, error: SendError) -> None:
        pending.receipt.give_up(error)
        self._under_way.forget(pending)


def written(command: Command, topics: Topics, signer: Signer | None) -> bytes:
    """Write a command as it is published to its agent's inbox, signed where there is a signer.

    Raises:
        BadName: the agent's name breaks the rule.
        TypeError, ValueError: an argument that JSON has no form for.
    """
    body = wire.encode_command(command)
    if signer is None:
        return body
    return wire.sealed(body, signer.sign(topics.inbox(command.agent), body))


def _is_starting(report: Report) -> bool:
    problem = report.error if report.state is Outcome.REJECTED else None
    return problem is not None and problem.code == NOT_READY
