"""What agents say of their arguments, brought into a document that has other rules.

An `about` holds JSON Schema of any year, written by anybody; AsyncAPI 3 takes draft 7, where `#`
means the whole document.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from pyros_mqtt.messages import JSON

DEEPEST = 32
"""Levels of a schema that are described; below anything goes. JSON from the bus ends there, too."""

_SINGLE = ("additionalProperties", "propertyNames", "contains")
_TYPES = {"array", "boolean", "integer", "null", "number", "object", "string"}
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_PLAIN = ("const", "default")
_PYTHONS_OWN = re.compile(r"\(\?(?!:)|\\[AZzpPQE]|[*+?}]\+|\[\]")
"""Groups with a name, anchors of their own, possessive repeats."""

Adopt = Callable[[str], str | None]
"""Gives the place in the document for what a reference names, or None."""

Inner = Callable[[JSON], JSON]


def definitions(schema: JSON) -> Mapping[str, JSON]:
    """Give what the schema defines for itself."""
    found = (
        schema.get("$defs") or schema.get("definitions") if isinstance(schema, Mapping) else None
    )
    return found if isinstance(found, Mapping) else {}


def draft7(schema: JSON, adopt: Adopt, deep: int = DEEPEST) -> JSON:
    """Write a schema in the words of draft 7; what is none of them is left out.

    So what a stranger got wrong, or what only a later draft knows, makes a rule wider and the
    document never wrong; `not` and `if`, which would turn that round, are left out, too. A
    reference leads to the place that `adopt` gives, or says nothing.
    """
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping) or not deep:
        return {}
    if "$ref" in schema:
        return _reference(schema, adopt, deep)

    def inner(one: JSON) -> JSON:
        return draft7(one, adopt, deep - 1)

    return _plain(schema) | _words(schema) | _parts(schema, inner) | _items(schema, inner)


def _parts(schema: Mapping[str, JSON], inner: Inner) -> dict[str, JSON]:
    """Write the schemas that stand inside of one."""
    made: dict[str, JSON] = {
        key: inner(schema[key]) for key in _SINGLE if isinstance(schema.get(key), Mapping | bool)
    }
    if isinstance(schema.get("properties"), Mapping):
        made["properties"] = {str(key): inner(one) for key, one in schema["properties"].items()}
    if "patternProperties" in schema:  # whose names would otherwise be refused as additional
        made.pop("additionalProperties", None)
    # two ways may fit where each has become wider, so exactly one is asked for no longer
    for key, ours in (("allOf", "allOf"), ("oneOf", "anyOf"), ("anyOf", "anyOf")):
        if isinstance(schema.get(key), list) and schema[key]:
            made[ours] = [inner(one) for one in schema[key]]
    return made


def _reference(schema: Mapping[str, JSON], adopt: Adopt, deep: int) -> JSON:
    """Follow a reference; draft 7 passes over what stands beside one, so that goes one level up."""
    place = adopt(str(schema["$ref"]))
    beside = draft7({key: one for key, one in schema.items() if key != "$ref"}, adopt, deep - 1)
    if place is None or not beside:
        return beside if place is None else {"$ref": place}
    return beside | {"allOf": [{"$ref": place}, *beside.get("allOf", ())]}


def _plain(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """Take what holds no other schema, where it is what draft 7 knows."""
    made = {key: schema[key] for key in _PLAIN if key in schema and _is_literal(schema[key])}
    for keys, kinds in ((_NUMBERS, int | float), (("title", "description"), str)):
        made |= {key: schema[key] for key in keys if _is(schema.get(key), kinds)}
    made |= {key: schema[key] for key in _COUNTS if _is(schema.get(key), int) and schema[key] >= 0}
    if _is(schema.get("multipleOf"), int | float) and schema["multipleOf"] > 0:
        made["multipleOf"] = schema["multipleOf"]
    if isinstance(schema.get("uniqueItems"), bool):
        made["uniqueItems"] = schema["uniqueItems"]
    for key in ("pattern", "format"):
        if isinstance(schema.get(key), str) and (key == "format" or _is_portable(schema[key])):
            made[key] = schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key] and _is_literal(schema[key]):
            made[key] = [one for i, one in enumerate(schema[key]) if one not in schema[key][:i]]
    return made


def _words(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """The types, and the names that have to be there."""
    made: dict[str, JSON] = {}
    given, required = schema.get("type"), schema.get("required")
    kinds = given if isinstance(given, list) else [given]
    if kinds and all(isinstance(one, str) and one in _TYPES for one in kinds):
        made["type"] = list(dict.fromkeys(kinds)) if isinstance(given, list) else given
    if isinstance(required, list) and all(isinstance(one, str) for one in required):
        made["required"] = list(dict.fromkeys(required))
    return made


def _is_literal(value: JSON, deep: int = DEEPEST) -> bool:
    """Whether a value holds no reference: tools follow those anywhere, to files and the net."""
    if isinstance(value, Mapping):
        return "$ref" not in value and _is_literal(list(value.values()), deep - 1)
    if isinstance(value, list):
        return deep > 0 and all(_is_literal(one, deep - 1) for one in value)
    return True


def _is_portable(pattern: str) -> bool:
    """Whether a pattern means the same in JavaScript, which JSON Schema goes by."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read otherwise
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return not _PYTHONS_OWN.search(pattern)


def _items(schema: Mapping[str, JSON], inner: Inner) -> dict[str, JSON]:
    """A list's members: draft 7 calls `items` what was later called `prefixItems`."""
    first, rest = schema.get("prefixItems"), schema.get("items")
    if isinstance(first, list) and first:
        found: dict[str, JSON] = {"items": [inner(one) for one in first]}
        return found | ({} if rest is None else {"additionalItems": inner(rest)})
    if isinstance(rest, Mapping | bool):
        return {"items": inner(rest)}
    return {}


def _is(value: JSON, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)
