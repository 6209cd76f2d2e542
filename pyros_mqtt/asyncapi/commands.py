"""An agent's messages: the envelope that all share, and what each has of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pyros_mqtt.asyncapi.schemas import definitions, draft7
from pyros_mqtt.messages import JSON, About, MessageInfo

Table = dict[str, JSON]


def commands(about: About, schemas: Table) -> Table:
    """Give one message for each that the agent understands.

    What the schemas of the arguments define for themselves is added to `schemas`, the document's.
    """
    found: Table = {}
    for name in sorted(about.messages):
        key = _unused(_slug(name), found)
        info = about.messages[name]
        args = _arguments(f"{about.agent}.{key}", info.args, schemas)
        found[key] = _command(name, info, args)
    return found


def _command(name: str, info: MessageInfo, args: Table) -> Table:
    required = ["message", *(["args"] if args.get("required") else [])]
    own = {"message": {"const": name}, "args": args}
    made: Table = {
        "name": name,
        "title": name,
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/id"},
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/command"},
                {"type": "object", "required": required, "properties": own},
            ]
        },
        "x-pyros": _rules(info),
    }
    return made | ({"description": info.description} if info.description else {})


def _rules(info: MessageInfo) -> Table:
    """What JSON Schema has no word for."""
    rules: Table = {"urgent": info.urgent, "idempotent": info.idempotent}
    rules |= {} if info.ttl is None else {"ttl": info.ttl}
    return rules | ({"states": list(info.states)} if info.states else {})


def _arguments(owner: str, schema: Mapping[str, JSON], schemas: Table) -> Table:
    """Write a message's arguments; what their schema defines gets a place in the document."""
    named = definitions(schema)
    places = _places(owner, named, schemas)

    def adopt(reference: str) -> str | None:
        name = re.sub(r"^#/(\$defs|definitions)/", "", reference)
        place = places.get(name.replace("~1", "/").replace("~0", "~"))
        return None if place is None else f"#/components/schemas/{place}"

    for name, place in places.items():
        one = draft7(named[name], adopt)
        # AsyncAPI takes `true` and `false` for schemas, but not here
        schemas[place] = one if isinstance(one, dict) else {} if one else {"not": {}}
    made = draft7(schema, adopt)
    return {"type": "object"} | (made if isinstance(made, dict) else {})


def _places(owner: str, names: Iterable[str], taken: Mapping[str, Any]) -> dict[str, str]:
    places: dict[str, str] = {}
    for name in names:
        places[name] = _unused(f"{owner}.{_slug(name)}", [*taken, *places.values()])
    return places


def _slug(name: str) -> str:
    """A name that may stand in a key and in a reference."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "message"


def _unused(key: str, taken: Iterable[str]) -> str:
    found, number, others = key, 2, set(taken)
    while found in others:
        found, number = f"{key}-{number}", number + 1
    return found
