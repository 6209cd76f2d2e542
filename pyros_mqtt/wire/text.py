"""Commands as a person types them: `goto ra=83.633 dec=22.014`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pyros_mqtt.messages import JSON
from pyros_mqtt.wire.json_text import compact, strict

# A word as a POSIX shell sees it. Nothing here looks back, so a long text takes no longer than its
# length says: `shlex` needs seconds for 256 KiB, and the network thread has to go on.
_WORD = re.compile(
    r"""(?: [^\s'"\\]++ | \\. | '[^']*+' | "(?:[^"\\]|\\.)*+" )++""",
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_PIECE = re.compile(r"""\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_BLANK = re.compile(r"\s*", re.ASCII)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*=")
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
_PLAIN = re.compile(r"[^\s'\"\\]+")
_SCALAR = re.compile(r"-?\d[\d.eE+-]*|true|false|null", re.ASCII)


def read_text(text: str) -> tuple[str, dict[str, JSON]]:
    """Split a text command into its message and its arguments (protocol section 2, rule 5).

    Raises:
        ValueError: a word among the arguments is not `key=value`, or a key stands there twice.
    """
    text = text.strip()
    words = _words(text)
    for place, word in enumerate(words):
        if _KEY.match(word.group()):
            message = text[: word.start()].rstrip()
            return message, typed_words(_unquoted(word.group()) for word in words[place:])
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
            raise ValueError(f"{word[:80]!r} is not of the form key=value")
        key, value = pair.groups()
        if key in args:
            raise ValueError(f"the argument {key[:80]!r} stands there twice")
        args[key] = _typed(value)
    return args


def write_text(message: str, args: Mapping[str, JSON]) -> str:
    """Write a command so that `read_text` reads the same; lists and objects become JSON texts."""
    return " ".join([message, *(f"{key}={_word(value)}" for key, value in args.items())])


def _word(value: JSON) -> str:
    word = value if isinstance(value, str) else compact(value)
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"


def _typed(word: str) -> JSON:
    if not _SCALAR.fullmatch(word):
        return word
    try:
        return strict(word)
    except ValueError:
        return word


def _words(text: str) -> list[re.Match[str]]:
    """The words of a text, still quoted; none where a quote does not close."""
    words: list[re.Match[str]] = []
    at = 0
    while (blank := _BLANK.match(text, at)) and (at := blank.end()) < len(text):
        word = _WORD.match(text, at)
        if word is None:
            return []
        words.append(word)
        at = word.end()
    return words


def _unquoted(word: str) -> str:
    """What a word says: its quotes and backslashes taken off."""
    return _PIECE.sub(_bare, word)


def _bare(piece: re.Match[str]) -> str:
    escaped, single, double = piece.groups()
    if double is not None:
        return re.sub(r'\\(["\\])', r"\1", double)
    return single if escaped is None else escaped
