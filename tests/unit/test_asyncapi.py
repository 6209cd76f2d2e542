"""The AsyncAPI document: what it says of agents, and whether its schemas are right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt import wire
from pyros_mqtt.asyncapi import document, forms
from pyros_mqtt.messages import (
    About,
    Channel,
    Command,
    LogRecord,
    MessageInfo,
    Outcome,
    Progress,
    Report,
    State,
    Status,
    Task,
)
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from tests.docs.pages import DOCS, Block, blocks_of

PAYLOADS = [
    block
    for block in blocks_of(DOCS / "reference" / "protocol.md")
    if block.language == "json" and block.words
]

GOTO: dict[str, Any] = {
    "type": "object",
    "properties": {"side": {"$ref": "#/$defs/Side", "default": "east"}, "dec": {"type": "number"}},
    "required": ["dec"],
    "additionalProperties": False,
    "$defs": {"Side": {"enum": ["east", "west"], "type": "string"}},
}


def of(**messages: MessageInfo) -> dict[str, Any]:
    return document([About("dome", messages=messages)], Topics("esp/t60"))


def accepts(made: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Whether a schema of the document lets a value pass."""
    rules = {**schema, "components": made["components"]}
    return bool(jsonschema.Draft7Validator(rules).is_valid(value))


def payload(made: dict[str, Any], message: str) -> dict[str, Any]:
    found: dict[str, Any] = made["channels"]["dome.inbox"]["messages"][message]["payload"]
    return found


@pytest.mark.parametrize("block", PAYLOADS, ids=lambda block: block.place)
def test_each_payload_of_the_protocol_passes_its_schema(block: Block) -> None:
    (kind,) = block.words
    value = wire.strict(block.text)
    channel = Channel("position", fields=("ra", "dec") if '"ra"' in block.text else ())
    schema = forms.samples(channel) if kind == "sample" else forms.SHARED[kind]
    jsonschema.Draft7Validator(schema).validate(value)


@pytest.mark.parametrize("kind", sorted(forms.SHARED))
def test_no_schema_lets_everything_pass(kind: str) -> None:
    validator = jsonschema.Draft7Validator(forms.SHARED[kind])
    wrong = {"description": 7} if kind == "about" else {"state": "asleep", "at": 3}
    assert not validator.is_valid(wrong)


def test_what_the_library_writes_passes() -> None:
    progress = Progress(None, "12 of 30 s")
    status = Status("dome", State.BUSY, "5f0c", 17, at=1.0, task=Task("open", "a", "ops", 1.0))
    report = Report("a", "open", "dome", Outcome.RUNNING, 1.0, progress=progress, patience=60.0)
    command = Command("dome", "open", {"side": "east"}, "a", "ops", 1.0, 31.0, after="b")
    record = LogRecord(1.0, "error", "pyros.dome", "stuck", "Traceback", 3)
    for kind, written in (
        ("status", wire.encode_status(status)),
        ("status", wire.last_will("dome", "5f0c", 17)),
        ("report", wire.encode_report(report)),
        ("command", wire.encode_command(command)),
        ("log", wire.encode_log(record)),
        ("about", wire.encode_about(About("dome", telemetry={"a": Channel("a")}))),
    ):
        jsonschema.Draft7Validator(forms.SHARED[kind]).validate(wire.strict(written.decode()))


def test_a_command_is_the_envelope_with_the_messages_own_arguments() -> None:
    made = of(goto=MessageInfo("Point.", GOTO, ttl=30.0))
    schema = payload(made, "goto")
    right = {"message": "goto", "args": {"dec": 22.0, "side": "west"}, "id": "a", "x-mine": 1}
    assert accepts(made, schema, right)
    assert not accepts(made, schema, right | {"message": "park"})
    assert not accepts(made, schema, right | {"args": {"dec": 22.0, "side": "north"}})
    assert not accepts(made, schema, right | {"from": "Ops"})
    assert not accepts(made, schema, right | {"colour": "red"})
    assert not accepts(made, schema, {"message": "goto"})


def test_two_agents_may_define_the_same_name_differently() -> None:
    north = {**GOTO, "$defs": {"Side": {"enum": ["north"]}}}
    first, second = MessageInfo(args=GOTO), MessageInfo(args=north)
    made = of(**{"go to": first, "go-to": second})
    spaced, dashed = sorted(made["channels"]["dome.inbox"]["messages"])
    command = {"message": "go to", "args": {"dec": 1.0, "side": "west"}}
    assert accepts(made, payload(made, spaced), command)
    assert not accepts(made, payload(made, dashed), command | {"message": "go-to"})


def test_a_schema_of_a_later_draft_or_of_nobody_makes_no_wrong_document() -> None:
    odd = {
        "type": "thing",
        "required": "all",
        "properties": {
            "pair": {"prefixItems": [{"type": "number"}, {"type": "string"}], "maxItems": 2},
            "far": {"$ref": "https://elsewhere.example/schema.json"},
            "kind": {"oneOf": [{"const": 1}], "discriminator": {"propertyName": "x"}},
            "bad": {"type": "string", "pattern": "(?P<a>", "minLength": -1, "enum": []},
            "self": {"$ref": "#"},
            "deep": deep(200),
        },
        "minimum": "low",
        "not": {},
    }
    made = of(odd=MessageInfo(args=odd))
    jsonschema.Draft7Validator.check_schema(payload(made, "odd"))
    passes = {"pair": [1, "b"], "far": 1, "kind": 1, "bad": "x", "self": 1, "deep": 1}
    assert accepts(made, payload(made, "odd"), {"message": "odd", "args": passes})
    wrong = passes | {"pair": ["b", 1]}
    assert not accepts(made, payload(made, "odd"), {"message": "odd", "args": wrong})


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"anyOf": [schema]}
    return schema


WORDS = st.sampled_from(
    [
        *("type", "properties", "required", "items", "prefixItems", "enum", "const", "$ref"),
        *("$defs", "definitions", "allOf", "anyOf", "oneOf", "not", "additionalProperties"),
        *("pattern", "patternProperties", "minimum", "maxLength", "multipleOf", "uniqueItems"),
        *("examples", "default", "title", "format", "propertyNames", "contains", "description"),
        *("object", "string", "#/$defs/type", "#", "a[", "[[a]", "(?i)a", "x"),
    ]
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(WORDS, JUNK, max_size=6), st.lists(st.text(max_size=5), max_size=3))
def test_whatever_an_agent_says_the_schemas_are_right(args: Any, names: list[str]) -> None:
    made = of(**{name: MessageInfo(args=args) for name in ["odd", *names]})
    for one in made["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(one)
    for message in made["channels"]["dome.inbox"]["messages"].values():
        jsonschema.Draft7Validator.check_schema(message["payload"])
    for reference in references(made):
        place: Any = made
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]


def references(value: Any) -> Iterator[str]:
    """Every reference of the document; a property of that name holds no text."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_no_value_leads_a_tool_to_a_file_or_the_net() -> None:
    away = {"$ref": "file:///etc/passwd"}
    args = {"const": away, "default": [away], "enum": [{"a": away}, 1], "examples": [away]}
    made = of(odd=MessageInfo(args={"properties": {"x": args}}))
    assert not [one for one in references(made) if not one.startswith("#/")]


def test_a_schema_that_refers_to_itself_stays_finite() -> None:
    tree: dict[str, Any] = {
        "properties": {"root": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}, "type": "object"}},
    }
    made = of(grow=MessageInfo(args=tree))
    command = {"message": "grow", "args": {"root": {"next": {"next": {}}}}}
    assert accepts(made, payload(made, "grow"), command)
    command["args"] = {"root": {"next": {"next": 3}}}
    assert not accepts(made, payload(made, "grow"), command)


def test_a_client_sends_commands_and_receives_everything_else() -> None:
    about = About("dome", messages={"open": MessageInfo()}, telemetry={"az": Channel("az")})
    made = document([about], Topics("esp/t60"))
    sent = {key for key, one in made["operations"].items() if one["action"] == "send"}
    assert sent == {"dome.inbox.open"}
    reply = made["operations"]["dome.inbox.open"]["reply"]["channel"]["$ref"]
    assert reply == "#/channels/dome.outbox"
    assert {one["address"] for one in made["channels"].values()} == {
        "esp/t60/dome/inbox",
        "esp/t60/dome/outbox/{sender}",
        "esp/t60/dome/status",
        "esp/t60/dome/about",
        "esp/t60/dome/telemetry/az",
        "esp/t60/dome/alarm/{alarm}",
        "esp/t60/dome/log/{level}",
    }


def test_a_device_that_says_nothing_of_itself_understands_any_command() -> None:
    made = document([About("rain")], Topics())
    assert list(made["channels"]["rain.inbox"]["messages"]) == ["command"]


def test_a_channel_tells_its_unit_its_range_and_its_fields() -> None:
    channel = Channel("wind", "km.h**-1", "gusts", (0, 200), 0.5, ("speed", "gust"))
    made = document([About("weather", telemetry={"wind": channel})], Topics())
    one = made["channels"]["weather.telemetry.wind"]
    assert one["description"] == ("gusts; in km.h**-1, 0 to 200 are expected, 0.5 samples a second")
    facts = one["messages"]["samples"]["x-pyros"]
    assert (facts["unit"], facts["range"]) == ("km.h**-1", [0, 200])
    assert facts["fields"] == ["speed", "gust"]


def test_no_name_and_no_password_is_shown() -> None:
    urls = [
        BrokerUrl.parse("mqtts://pilot:hunter2@broker.example"),
        BrokerUrl.parse("ws://[::1]:9001/mqtt"),
    ]
    made = document([], Topics(), urls)
    assert made["servers"] == {
        "broker": {
            "host": "broker.example:8883",
            "protocol": "secure-mqtt",
            "security": [{"type": "userPassword"}],
        },
        "broker-2": {"host": "[::1]:9001", "protocol": "ws", "pathname": "/mqtt"},
    }
