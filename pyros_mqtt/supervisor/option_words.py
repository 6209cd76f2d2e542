"""Options as words of a command line, both ways: `driver=simulator`, `site={"height":991}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.wire.json_text import strict

_JSON_STARTS = '{["'


def to_word(key: str, value: Any) -> str:
    """Write one option so that `from_words` reads the same value.

    Raises:
        TypeError, ValueError: the value has no form in JSON.
    """
    return f"{key}={wire.compact(value)}"


def from_words(words: Iterable[str]) -> dict[str, Any]:
    """Read `key=value` words; a value that starts like a JSON text, list or table has to be one.

    Raises:
        ValueError: a word is no `key=value`, a key stands there twice, or the JSON is broken.
    """
    options = wire.typed_words(words)
    return {key: _value(key, value) for key, value in options.items()}


def _value(key: str, value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in _JSON_STARTS or not value:
        return value
    try:
        return strict(value)
    except ValueError as error:
        raise ValueError(f"{key}: {value!r} is no JSON: {error}") from None
