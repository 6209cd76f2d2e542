"""A message's JSON Schema in words: what it takes, its bounds and its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "null": "nothing",
    "object": "a table",
    "array": "a list",
}


def usage(schema: Schema) -> str:
    """Write the arguments as they are typed: `ra=NUMBER dec=NUMBER [side=east|west]`."""
    required = set(schema.get("required", ()))
    words = []
    for name, one in _arguments(schema).items():
        word = f"{name}={_placeholder(_resolved(one, schema))}"
        words.append(word if name in required else f"[{word}]")
    if schema.get("additionalProperties") is True:
        words.append("[KEY=VALUE]...")
    return " ".join(words)


def arguments(schema: Schema) -> list[tuple[str, str]]:
    """Give each argument's name, and in words what it may be."""
    required = set(schema.get("required", ()))
    told = []
    for name, one in _arguments(schema).items():
        words = [in_words(one, schema)]
        if name not in required and one.get("default") is not None:
            words.append(f"default {_value(one['default'])}")
        elif name not in required:
            words.append("may be left out")
        about = str(one.get("description") or "")
        told.append((name, ", ".join(words) + (f": {about}" if about else "")))
    return told


def in_words(one: Schema, root: Schema) -> str:
    """Say what one value may be: `a number from -90 to 90`, `east or west`."""
    one = _resolved(one, root)
    if "const" in one:
        return _value(one["const"])
    if "enum" in one:
        return " or ".join(_value(choice) for choice in one["enum"])
    for key in ("anyOf", "oneOf"):
        if key in one:
            ways = [in_words(way, root) for way in one[key] if way.get("type") != "null"]
            return " or ".join(dict.fromkeys(ways))
    kind = _KINDS.get(str(one.get("type", "")), "anything")
    if one.get("type") == "array" and isinstance(one.get("items"), Mapping):
        return f"a list, each {in_words(one['items'], root)}"
    return f"{kind}{_bounds(one)}"


def _arguments(schema: Schema) -> dict[str, Schema]:
    found = schema.get("properties") or {}
    return {str(name): one for name, one in found.items() if isinstance(one, Mapping)}


def _resolved(one: Schema, root: Schema) -> Schema:
    """Follow a reference into the schema's own definitions."""
    reference = str(one.get("$ref", ""))
    target = (root.get("$defs") or {}).get(reference.removeprefix("#/$defs/"))
    return {**target, **one} if isinstance(target, Mapping) else one


def _bounds(one: Schema) -> str:
    low, high = one.get("minimum"), one.get("maximum")
    above, below = one.get("exclusiveMinimum"), one.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    parts = [
        f" {word} {limit:g}"
        for word, limit in (
            ("from", low), ("above", above), ("at most", high), ("below", below)
        )
        if limit is not None
    ]  # fmt: skip
    return ",".join(parts)


def _placeholder(one: Schema) -> str:
    if "enum" in one:
        return "|".join(_value(choice) for choice in one["enum"])
    kinds = [way.get("type") for way in one.get("anyOf", ())]
    kind = str(one.get("type") or next((k for k in kinds if k and k != "null"), "value"))
    if kind == "boolean":
        return "true|false"
    return {"string": "TEXT", "integer": "NUMBER"}.get(kind, kind.upper())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
