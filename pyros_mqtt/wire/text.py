"""Commands as a person types them: `goto ra=83.633 dec=22.014`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from pyros_mqtt.messages import JSON
from pyros_mqtt.wire.json_text import strict

_KEY_AHEAD = re.compile(r"(?:(?<=\s)|^)[A-Za-z_][A-Za-z0-9_-]*=")
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
_SCALAR = re.compile(r"-?\d[\d.eE+-]*|true|false|null")


def read_text(text: str) -> tuple[str, dict[str, JSON]]:
    """Split a text command into its message and its arguments (protocol section 2, rule 5).

    Raises:
        ValueError: a word among the arguments is not `key=value`, or a key stands there twice.
    """
    text = text.strip()
    if not _quotes_close(text):
        return text, {}
    for key in _KEY_AHEAD.finditer(text):
        if _quotes_close(text[: key.start()]):
            return text[: key.start()].rstrip(), typed_words(shlex.split(text[key.start() :]))
    return text, {}


def typed_words(words: Iterable[str]) -> dict[str, JSON]:
    """Read `key=value` words; a value that reads as a JSON number, boolean or null is that.

    Raises:
        ValueError: as `read_text`.
    """
    args: dict[str, JSON] = {}
    for word in words:
        pair = _PAIR.fullmatch(word)
        if pair is None:
            raise ValueError(f"{word!r} is not of the form key=value")
        key, value = pair.groups()
        if key in args:
            raise ValueError(f"the argument {key!r} stands there twice")
        args[key] = _typed(value)
    return args


def _typed(word: str) -> JSON:
    if not _SCALAR.fullmatch(word):
        return word
    try:
        return strict(word)
    except ValueError:
        return word


def _quotes_close(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True
