"""What is wrong with a setting, in words for people: where it stands, its value, what is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import SecretStr, ValidationError

from pyros_mqtt.settings.broker_url import HIDDEN, BrokerUrl, concealed

_SECRET = re.compile(r"passw|secret|token|credential|api_?key", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"[:/].*@", re.DOTALL)
_PATH_IN_URL = re.compile(r"(https?://[^/\s]+/)\S+")
_HOST_OF_URL = re.compile(r"https?://[^/?#@\s]+(?=/|$)")

_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "date_from_datetime_parsing": "must be a date such as 2026-11-22",
    "dict_type": "must be a table",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "frozen_set_type": "must be a list, in brackets",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number, and smaller",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list, in brackets",
    "mapping_type": "must be a table",
    "model_attributes_type": "must be a table",
    "model_type": "must be a table",
    "path_type": "must be a path, in quotes",
    "set_type": "must be a list, in brackets",
    "string_pattern_mismatch": "must look like {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be a text, in quotes",
    "string_unicode": "must be a text in UTF-8",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "tuple_type": "must be a list, in brackets",
}
"""What is right, for each type of finding that has words of pydantic's own."""


def shown(path: tuple[str, ...], value: object) -> str:
    """Show one value on one line, without anything that looks like a secret."""
    if value is None:
        return ""
    if isinstance(value, SecretStr) or (_SECRET.search(path[-1]) and path[-1] != "password_file"):
        return HIDDEN
    if isinstance(value, tuple | list):
        text = ", ".join(_without_password(one) for one in value)
    elif isinstance(value, Mapping):
        text = repr({key: shown((str(key),), one) for key, one in value.items()})
    else:
        text = _without_password(value)
    if path[:2] == ("alarms", "webhook"):
        text = _host_alone(text) if path[-1] == "url" else _PATH_IN_URL.sub(rf"\1{HIDDEN}", text)
    return " ".join(text.split())


def _without_password(value: object) -> str:
    """Write one value; a URL that nobody has understood might hold a password anywhere."""
    text = str(value)
    is_safe = isinstance(value, BrokerUrl) or not _PASSWORD_IN_URL.search(text)
    return text if is_safe else concealed(text)


def _host_alone(url: str) -> str:
    """Whoever knows such an address may write there; of one that is mistyped nothing is shown."""
    host = _HOST_OF_URL.match(url)
    if host is None:
        return HIDDEN
    return host[0] if host[0] == url else f"{host[0]}/{HIDDEN}"


def in_words(
    error: ValidationError,
    place: Callable[[tuple[str, ...]], str],
    known: Callable[[tuple[str, ...]], Iterable[str]],
) -> list[str]:
    """Turn pydantic's findings into a line each.

    `place` names where a path's value came from, `known` lists the keys of a path's table.
    """
    return [_line(one, place, known) for one in error.errors(include_url=False)]


def _line(
    found: Any,
    place: Callable[[tuple[str, ...]], str],
    known: Callable[[tuple[str, ...]], Iterable[str]],
) -> str:
    path = tuple(str(part) for part in found["loc"] if part != "[key]") or ("settings",)
    where = place(path) or place(path[:-1])
    start = f"{where}: " if where else ""
    key = ".".join(path)
    if found["type"] == "extra_forbidden":
        return f"{start}{key}: unknown key; {_nearest(path[-1], known(path[:-1]))}"
    if found["type"] == "missing":
        return f"{start}{key}: is missing"
    return f"{start}{_said(path, found['input'])}{_reason(found)}"


def _said(path: tuple[str, ...], value: object) -> str:
    """What the place says; a whole table is only named."""
    if path == ("settings",):
        return ""
    key = ".".join(path)
    return f"{key}: " if isinstance(value, Mapping) else f"{key} = {shown(path, value)!r}: "


def _nearest(key: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(key, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"


def _reason(found: Any) -> str:
    words = _WORDS.get(found["type"])
    if words is not None:
        return words.format(**found.get("ctx", {}))
    text: str = found["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.partition(", unable to parse")[0]
    return " ".join(text.replace("Input should be", "must be").split())
