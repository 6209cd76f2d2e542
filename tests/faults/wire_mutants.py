"""Builds that send dishonestly, lose the order, or choke on bad input."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from pyros_mqtt.errors import Refusal
from tests.faults.builds import mutant, put


@mutant("puback-is-delivery")
def _take_the_brokers_word() -> None:
    """The broker's acknowledgement counts as the agent's."""
    from pyros_mqtt.messages import Outcome, report_on
    from pyros_mqtt.sender.voice import Voice
    from pyros_mqtt.transport import Fate

    learn = Voice._learn

    def believe(voice: Voice, pending: Any, fate: str) -> None:
        learn(voice, pending, fate)
        if fate == Fate.TAKEN:
            pending.receipt.take(report_on(pending.command, Outcome.ACCEPTED, time.time()))

    put(Voice, "_learn", believe)


@mutant("backlog-drops-silently")
def _drop_in_silence() -> None:
    """A full backlog says that it has taken what it drops."""
    from pyros_mqtt.link.backlog import Backlog, Item

    really = Backlog.put

    def pretend(backlog: Backlog, item: Item) -> bool:
        really(backlog, item)
        return True

    put(Backlog, "put", pretend)


@mutant("spool-swallows")
def _swallow_what_the_disk_says() -> None:
    """A full disk is no error to the spool."""
    from pyros_mqtt.errors import SpoolError
    from pyros_mqtt.spool import Spool

    write = Spool._write

    def shrug(spool: Spool, statement: str, values: tuple[object, ...]) -> int:
        with contextlib.suppress(SpoolError):
            return write(spool, statement, values)
        return 0

    put(Spool, "_write", shrug)


@mutant("repeats-backwards")
def _repeat_backwards() -> None:
    """What has no answer after a reconnection is sent again, newest first, and names nobody."""
    from pyros_mqtt.sender.voice import Voice

    def repeat(voice: Voice, concerns: Callable[[Any], bool]) -> None:
        for pending in reversed(list(voice._under_way)):
            if not pending.receipt.is_answered and concerns(pending):
                pending.away_since = None
                voice._publish(pending)

    put(Voice, "_repeat_now", repeat)
    _name_no_predecessor()


@mutant("no-x-after")
def _name_no_predecessor() -> None:
    """Commands do not say which one they come after."""
    from dataclasses import replace

    from pyros_mqtt.link import Link
    from pyros_mqtt.transport import OnFate, Parcel

    publish = Link.publish

    def strip(link: Link, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        if parcel.topic.endswith("/inbox"):
            body = json.loads(parcel.payload)
            body.pop("x-after", None)
            parcel = replace(parcel, payload=json.dumps(body).encode())
        publish(link, parcel, on_fate)

    put(Link, "publish", strip)


@mutant("json-falls-back-to-text")
def _fall_back_to_text() -> None:
    """An object that cannot be read is taken for words."""
    from pyros_mqtt.wire import command
    from pyros_mqtt.wire.text import read_text

    read = command._object_of

    def forgive(text: str, draft: Any) -> dict[str, Any]:
        try:
            return read(text, draft)
        except Refusal:
            message, args = read_text(text)
            return {"message": message, "args": args}

    put(command, "_object_of", forgive)


@mutant("recursion-not-caught")
def _miss_the_abyss() -> None:
    """A reader of JSON that only expects ValueError."""
    from pyros_mqtt.wire import command, json_text

    def read(text: str) -> Any:
        value = json_text._strict_decoder.decode(text)
        json_text._check(value, json_text.MAX_NESTING)
        return value

    put(command, "strict", read)


@mutant("keeps-what-it-refuses")
def _keep_what_is_refused() -> None:
    """Every payload that an inbox refuses stays in memory."""
    from pyros_mqtt import inbox
    from pyros_mqtt.transport import Delivery

    read, kept = inbox.Inbox._read, []

    def hoard(self: inbox.Inbox, delivery: Delivery, wall: float) -> Any:
        try:
            return read(self, delivery, wall)
        except Refusal:
            kept.append(delivery.payload)
            raise

    put(inbox.Inbox, "_read", hoard)


@mutant("runs-what-is-retained")
def _run_the_retained() -> None:
    """The flag of a retained message is overlooked."""
    from dataclasses import replace

    from pyros_mqtt.inbox import Inbox
    from pyros_mqtt.transport import Delivery

    receive = Inbox.receive

    def overlook(inbox: Inbox, delivery: Delivery) -> None:
        receive(inbox, replace(delivery, retain=False))

    put(Inbox, "receive", overlook)


@mutant("leaves-its-lookouts")
def _leave_lookouts() -> None:
    """The look at one's own name after a lost connection is never ended."""
    from pyros_mqtt.agent.ownership import Lookout

    put(Lookout, "close", lambda _lookout: None)
