"""Command <-> payload of an inbox (protocol sections 2 and 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pyros_mqtt.errors import BadName, Refusal
from pyros_mqtt.messages import JSON, Command, Seal
from pyros_mqtt.topics import ANONYMOUS, check_name
from pyros_mqtt.wire import fields
from pyros_mqtt.wire.json_text import compact, strict, to_exact_bytes
from pyros_mqtt.wire.seal import seal_of
from pyros_mqtt.wire.text import read_text
from pyros_mqtt.wire.time_text import to_rfc3339

MAX_ECHO = 1024
"""Characters of a command without id that its report repeats."""

LEGIBLE = 2 * 1024 * 1024
"""Bytes up to which a command that is too large is still read, to tell its sender so."""

SAME_MOMENT = 5.0
"""Two ways to give one deadline agree when they are not further apart than this (seconds)."""

AFTER = "x-after"
"""Names the command before this one; no field of protocol 1, so agents may ignore it."""

TRACE = "x-traceparent"
"""The trace that a command belongs to, as W3C Trace Context writes it; agents may ignore it."""

PERSON = "x-person"
"""Who stands behind a sender that serves many people, such as the dashboard."""

_ID = re.compile(r"[\x20-\x7e]{1,64}")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Properties:
    """What MQTT 5 carries beside the body; it is read where the body is silent."""

    correlation: bytes | None = None
    expiry: int | None = None
    reply_to: str | None = None


def encode_command(command: Command) -> bytes:
    """Write a command; fields at their default are left out.

    Raises:
        TypeError, ValueError: an argument that JSON has no form for.
    """
    body: dict[str, JSON] = {"message": command.message}
    if command.args:
        body["args"] = command.args
    if command.id:
        body["id"] = command.id
    if command.sender != ANONYMOUS:
        body["from"] = command.sender
    if command.urgent:
        body["urgent"] = True
    beside = {
        "session": command.session,
        AFTER: command.after,
        TRACE: command.trace,
        PERSON: command.person,
    }
    body |= {field: value for field, value in beside.items() if value is not None}
    return to_exact_bytes(body | _times(command))


def _times(command: Command) -> dict[str, JSON]:
    times: dict[str, JSON] = {}
    if command.sent_at is not None:
        times["sent_at"] = to_rfc3339(command.sent_at)
    if command.deadline is not None and command.sent_at is not None:
        times["ttl"] = round(command.deadline - command.sent_at, 3)
    elif command.deadline is not None:
        times["expires"] = to_rfc3339(command.deadline)
    return times


def decode_command(
    payload: bytes,
    agent: str,
    *,
    arrived: float,
    max_payload: int = 256 * 1024,
    properties: Properties | None = None,
) -> Command | None:
    """Read what came to the inbox of `agent` at the moment `arrived` (POSIX seconds).

    Returns:
        The command, or None where nothing is left of the payload and it is to be ignored. A
        command without an `id` has an empty one, and its text in `echo`.

    Raises:
        Refusal: with the protocol's code, and as much of the command as could be read.
    """
    beside = properties or Properties()
    draft = _Draft(agent, payload, _correlated(beside), _concrete(beside.reply_to))
    if len(payload) > max_payload:
        draft.sign()
        raise draft.refused("too-large", f"{len(payload)} bytes, at most {max_payload} are taken")
    text = _text_of(draft)
    if not text.strip():
        return None
    if text.lstrip()[0] == "{":
        body = _object_of(text, draft)
        return _from_object(body, draft, arrived, beside, seal_of(text, body))
    try:
        message, args = read_text(text)
    except ValueError as error:
        raise draft.refused("bad-arguments", str(error)) from None
    if not message:
        raise draft.refused("unknown-message", "there is no message before the arguments")
    return _from_object({"message": message, "args": args}, draft, arrived, beside)


@dataclass(slots=True)
class _Draft:
    """As much of a command as has been read, so that each refusal finds its way home."""

    agent: str
    payload: bytes
    id: str
    reply_to: str | None
    message: str = ""
    sender: str = ANONYMOUS

    def command(self, **more: Any) -> Command:
        """Make the command; one without an id is known by its text."""
        return Command(
            self.agent,
            self.message,
            id=self.id,
            sender=self.sender,
            echo=None if self.id else self._echo(),
            reply_to=self.reply_to,
            **more,
        )

    def refused(self, code: str, text: str) -> Refusal:
        """Say what is wrong with it, to whomever it is from."""
        return Refusal(code, text, self.command())

    def sign(self) -> None:
        """Find out whom a command is from that is too large to be taken; nothing else counts."""
        if len(self.payload) > LEGIBLE:
            return
        try:
            body = _object_of(_text_of(self), self)
            command_id = _id(body, Properties(), self) or self.id
            sender = _sender(body, self)
        except Refusal:
            return
        self.id, self.message, self.sender = command_id, _label(body), sender

    def _echo(self) -> str:
        return self.payload[: 4 * MAX_ECHO].decode(errors="replace")[:MAX_ECHO]


def _text_of(draft: _Draft) -> str:
    try:
        text = draft.payload.decode()
    except UnicodeDecodeError as error:
        raise draft.refused("bad-encoding", f"not UTF-8 at byte {error.start}") from None
    if "\0" in text:
        raise draft.refused("bad-encoding", "it holds a NUL")
    return text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")


def _correlated(beside: Properties) -> str:
    """The id that MQTT 5 carries, as far as it is one."""
    given = (beside.correlation or b"").decode("latin-1")
    return given if _ID.fullmatch(given) else ""


def _concrete(topic: str | None) -> str | None:
    """A topic that a report may be sent to: no pattern, and nobody's inbox."""
    if not topic or any(sign in topic for sign in "+#\0") or topic.endswith("/inbox"):
        return None
    return topic


def _object_of(text: str, draft: _Draft) -> dict[str, JSON]:
    try:
        body = strict(text)
    except ValueError as error:
        raise draft.refused("bad-json", str(error)) from None
    if not isinstance(body, dict):
        raise draft.refused("bad-json", "it is not one JSON object")
    return body


def _from_object(
    body: dict[str, JSON],
    draft: _Draft,
    arrived: float,
    properties: Properties,
    seal: Seal | None = None,
) -> Command:
    """Check field after field; who sent it comes first, so that a refusal reaches its sender."""
    draft.id = _id(body, properties, draft)
    draft.message = _label(body)
    draft.sender = _sender(body, draft)
    _check_reply_topic(properties, draft)
    for field in body:
        if field not in fields.FIELDS and not field.startswith("x-"):
            text = f"there is no field {field[:80]!r}; fields of your own start with 'x-'"
            raise draft.refused("unknown-field", text)
    known = [field for field in fields.FIELDS if field in body]
    values = {field: _checked(field, body[field], draft) for field in known}
    if not values.get("message"):
        raise draft.refused("bad-json", "the field 'message' is missing or empty")
    return draft.command(
        args=values.get("args", {}),
        sent_at=values.get("sent_at"),
        deadline=_deadline(values, arrived, properties, draft),
        urgent=values.get("urgent", False),
        session=values.get("session"),
        after=_predecessor(body),
        trace=_trace(body),
        person=_person(body),
        seal=seal,
    )


def _predecessor(body: dict[str, JSON]) -> str | None:
    """What a sender of ours says of its order; what others write there is theirs."""
    given = body.get(AFTER)
    return given if isinstance(given, str) and _ID.fullmatch(given) else None


def _trace(body: dict[str, JSON]) -> str | None:
    """Read the trace context of the sender, where it is one."""
    given = body.get(TRACE)
    return given if isinstance(given, str) and _TRACE.fullmatch(given) else None


def _person(body: dict[str, JSON]) -> str | None:
    given = body.get(PERSON)
    return given if isinstance(given, str) and _ID.fullmatch(given) else None


def _sender(body: dict[str, JSON], draft: _Draft) -> str:
    if "from" not in body:
        return ANONYMOUS
    try:
        return check_name("sender", body["from"])
    except BadName as error:
        raise draft.refused("bad-name", f"from: {error}") from None


def _id(body: dict[str, JSON], properties: Properties, draft: _Draft) -> str:
    correlated = ""
    if properties.correlation:
        correlated = properties.correlation.decode("latin-1")
    given = body.get("id", correlated)
    if "id" not in body and not correlated:
        return ""
    if not isinstance(given, str) or not _ID.fullmatch(given):
        text = f"id: {compact(given)[:80]} is not 1 to 64 printable ASCII characters"
        raise draft.refused("bad-name", text)
    if correlated and correlated != given:
        text = f"id {given!r} and correlation data {correlated[:80]!r} differ"
        raise draft.refused("conflict", text)
    return given


def _label(body: dict[str, JSON]) -> str:
    message = body.get("message")
    return message if isinstance(message, str) else ""


def _check_reply_topic(properties: Properties, draft: _Draft) -> None:
    topic = properties.reply_to
    if topic and draft.reply_to is None:
        text = f"the response topic {topic[:80]!r} has a wildcard or is an inbox"
        raise draft.refused("bad-name", text)


def _checked(field: str, value: JSON, draft: _Draft) -> Any:
    try:
        return fields.read(field, value)
    except ValueError as error:
        code = "bad-arguments" if field == "args" else "bad-json"
        raise draft.refused(code, str(error)) from None


def _deadline(
    values: dict[str, Any], arrived: float, properties: Properties, draft: _Draft
) -> float | None:
    """The absolute deadline; a lifetime without `sent_at` counts from the arrival."""
    said = []
    if "ttl" in values:
        said.append(values.get("sent_at", arrived) + values["ttl"])
    if "expires" in values:
        said.append(values["expires"])
    # brokers take off the time that a message has waited, so only moments can be compared
    beside = [] if properties.expiry is None else [arrived + properties.expiry]
    ways = said + beside
    if ways and max(ways) - min(ways) > SAME_MOMENT:
        raise draft.refused("conflict", "two deadlines are given, and they differ")
    return min(said or beside, default=None)
