"""The protocol's payloads as JSON Schema; docs/reference/protocol.md says the same in words."""

from __future__ import annotations

from pyros_mqtt.messages import JSON, AlarmState, Channel, Outcome, Severity, State
from pyros_mqtt.topics import NAME_PATTERN

Schema = dict[str, JSON]

NAME: Schema = {"type": "string", "pattern": NAME_PATTERN}
MOMENT: Schema = {"type": "string", "format": "date-time", "description": "UTC, with Z"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
SECONDS: Schema = {"type": "number", "minimum": 0, "description": "seconds"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "string", "pattern": r"^[\x20-\x7e]{1,64}$"}
SCALAR: Schema = {"type": ["number", "string", "boolean", "null"]}
QUALITY: Schema = {"enum": ["good", "uncertain", "bad"]}


def or_null(schema: Schema) -> Schema:
    """Let a value be missing."""
    return {"oneOf": [schema, {"type": "null"}]}


def table(required: tuple[str, ...], **properties: Schema) -> Schema:
    """Describe an object of a newer neighbour, too: it may hold more."""
    found: Schema = {"type": "object", "properties": properties}
    return found | {"required": list(required)} if required else found


COMMAND: Schema = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "args": {"type": "object"},
        "id": ID | {"description": "new for each command of this sender"},
        "from": NAME | {"description": "the sender; without it `anonymous`"},
        "sent_at": MOMENT,
        "ttl": SECONDS | {"description": "seconds after sent_at until which it may start"},
        "expires": MOMENT | {"description": "until when it may start"},
        "urgent": {"type": "boolean", "description": "overtake what waits, where that is allowed"},
        "session": TEXT | {"description": "run only in this life of the agent"},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}

PROGRESS = table((), fraction=or_null({"type": "number"}), text=TEXT)

REPORT = table(
    ("id", "message", "agent", "state"),
    id=TEXT,
    message=TEXT,
    agent=NAME,
    state={"enum": [one.value for one in Outcome]},
    at=MOMENT,
    result={"description": "what the action returned"},
    error=table(("code", "text"), code=TEXT, text=TEXT),
    progress=PROGRESS,
    patience=SECONDS | {"description": "seconds that may pass until the next sign of life"},
    echo=TEXT | {"description": "the command's text, where it came without an id"},
)

TASK = table(
    ("message",),
    message=TEXT,
    id=TEXT,
    since=MOMENT,
    progress=PROGRESS,
    **{"from": TEXT},
)

STATUS: Schema = {
    "oneOf": [
        table(
            ("state",),
            agent=NAME,
            state={"enum": [one.value for one in State]},
            session=TEXT | {"description": "which life of the agent"},
            boot=COUNT | {"description": "orders the lives: milliseconds of the start"},
            beat={"type": "number", "exclusiveMinimum": 0, "description": "published so often (s)"},
            seq=COUNT | {"description": "orders the claims of one life"},
            at=or_null(MOMENT),
            since=or_null(MOMENT),
            host=TEXT,
            pid=COUNT,
            version=TEXT,
            protocol=COUNT,
            detail=TEXT,
            task=or_null(TASK),
            waiting=COUNT,
            idle=SECONDS,
            dropped=COUNT,
        ),
        {"enum": [one.value for one in State], "description": "a small device's bare word"},
    ]
}

ABOUT = table(
    (),
    agent=NAME,
    version=TEXT,
    protocol=COUNT,
    description=TEXT,
    journal=TEXT,
    messages={"type": "object", "additionalProperties": {"type": "object"}},
    telemetry={"type": "object", "additionalProperties": {"type": "object"}},
)

ALARM = table(
    ("state",),
    alarm=NAME,
    agent=NAME,
    about=TEXT,
    state={"enum": [one.value for one in AlarmState]},
    severity={"enum": [one.value for one in Severity]},
    text=TEXT,
    value={},
    limit={},
    unit=TEXT,
    raised_at=or_null(MOMENT),
    at=MOMENT,
    by=TEXT,
    comment=TEXT,
    until=or_null(MOMENT),
    escalated=COUNT,
)

LOG: Schema = {
    "oneOf": [
        table(
            ("text",),
            t=NUMBER | {"description": "POSIX seconds, UTC"},
            level=TEXT,
            logger=TEXT,
            text=TEXT,
            exception=TEXT,
            left_out=COUNT,
        ),
        {"type": "string", "description": "a small device's plain text"},
    ]
}

SHARED = {
    "command": COMMAND,
    "report": REPORT,
    "status": STATUS,
    "about": ABOUT,
    "alarm": ALARM,
    "log": LOG,
}
"""One of each is in every document."""


def samples(channel: Channel) -> Schema:
    """Describe the four forms in which the measurements of a channel may come."""
    if channel.fields:
        # a field may be missing from a sample, and a newer agent may add one
        value: Schema = {"type": "object", "properties": dict.fromkeys(channel.fields, SCALAR)}
        column: Schema = {"type": "object", "properties": dict.fromkeys(channel.fields, _row())}
    else:
        value, column = {}, _row()
    return {
        "oneOf": [
            {"title": "bare scalar", **SCALAR},
            {"title": "one sample", **_message(("t", "v"), t=NUMBER, v=value)},
            {"title": "batch", **_message(("t", "v"), t=_row(NUMBER), v=column)},
            {
                "title": "batch at a steady rate",
                **_message(("t0", "dt", "v"), t0=NUMBER, dt=NUMBER, v=column),
            },
        ]
    }


def _row(of: Schema = SCALAR) -> Schema:
    return {"type": "array", "items": of}


def _message(required: tuple[str, ...], **own: Schema) -> Schema:
    return table(
        required,
        **own,
        q={"oneOf": [QUALITY, _row(QUALITY)]},
        seq=COUNT,
        n=COUNT,
        session=TEXT,
        late={"type": "boolean"},
    )
