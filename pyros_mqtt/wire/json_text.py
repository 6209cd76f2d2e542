"""JSON as the protocol allows it: no duplicate keys, no NaN or Infinity, nesting at most 32."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from pyros_mqtt.messages import JSON

MAX_NESTING = 32

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Controls, breaks, and what turns, joins or hides letters; no space and no letter."""

_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=True
).encode


_escape = json.JSONEncoder(ensure_ascii=True).encode


def compact(value: JSON) -> str:
    """Write `value` without spaces.

    Raises:
        ValueError: it holds NaN or Infinity, or holds itself.
        TypeError: it holds something that JSON has no form for.
    """
    return _encode(value)


def pretty(value: JSON) -> str:
    """Write `value` for people to read; what is no Unicode text becomes `?`."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode(errors="replace").decode()


def unveiled(text: str, *, visible: bool = False) -> str:
    """Escape in a JSON text what people do not see, such as a sign that turns what follows around.

    Args:
        text: JSON.
        visible: whoever reads the JSON sees the escape; otherwise the value stays the same.
    """
    if text.isascii():
        return text
    before = "\\" if visible else ""
    return _UNSEEN.sub(lambda found: _escape(found[0])[1:-1].replace("\\", "\\" + before), text)


def to_bytes(value: JSON) -> bytes:
    """Write `value` as a payload; what is no Unicode text, such as a bad byte, becomes `?`."""
    return _encode(value).encode(errors="replace")


def to_exact_bytes(value: JSON) -> bytes:
    """Write `value` as a payload, or not at all.

    Raises:
        ValueError: it holds a lone surrogate, which is no text, or NaN or Infinity.
        TypeError: it holds something that JSON has no form for.
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{error.object[error.start - 20 : error.end]!a} holds bytes that are no text"
        ) from None


def strict(text: str) -> JSON:
    """Read JSON under every rule of the protocol.

    Raises:
        ValueError: with a text that says which rule it breaks.
    """
    try:
        value = _strict_decoder.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_NESTING}") from None
    _check(value, MAX_NESTING)
    return value


def tolerant(payload: bytes) -> JSON:
    """Read JSON that may be newer than we are: only NaN, Infinity and abysses are refused.

    Here as in `lenient` and `quick`, a lone surrogate or a NUL within a text, which no database
    and no terminal takes, becomes `?`.

    Raises:
        ValueError: it is no such JSON, or not UTF-8.
    """
    return _read(payload, _tolerant_decoder)


def lenient(payload: bytes) -> JSON:
    """Read JSON as `tolerant` does, but take None for each number that is none.

    Raises:
        ValueError: it is no JSON, or not UTF-8.
    """
    return _read(payload, _lenient_decoder)


def quick(payload: bytes) -> JSON:
    """Read JSON as `tolerant` does, three times as fast; the caller has to look for infinities.

    Raises:
        ValueError: it is no JSON, or not UTF-8.
    """
    return _read(payload, _quick_decoder)


def plain(payload: bytes) -> str:
    """Read a text that is no JSON; a NUL becomes `?`.

    Raises:
        ValueError: it is not UTF-8.
    """
    return _NO_TEXT.sub("?", payload.decode().strip())


def _read(payload: bytes, decoder: json.JSONDecoder) -> JSON:
    text = payload.decode()
    try:
        value = decoder.decode(text)
        # UTF-8 holds no surrogate and JSON no bare NUL, so only an escape can bring one in
        return _legible(value) if "\\u" in text and _ESCAPED.search(text) else value
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _legible(value: JSON) -> JSON:
    if isinstance(value, str):
        return _NO_TEXT.sub("?", value)
    if isinstance(value, list):
        return [_legible(item) for item in value]
    if isinstance(value, dict):
        return {_legible(key): _legible(item) for key, item in value.items()}
    return value


def _check(value: JSON, depth: int) -> None:
    """Refuse what the decoder cannot see: too deep, or text that is no Unicode."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("a lone surrogate is not text")
        return
    if not isinstance(value, (dict, list)):
        return
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_NESTING}")
    if isinstance(value, dict):
        for key in value:
            _check(key, depth)
    for item in value.values() if isinstance(value, dict) else value:
        _check(item, depth - 1)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"the key {twice[:80]!r} stands there twice")
    return table


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not a number in JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:80]} is too large for a number")
    return number


def _integer(digits: str) -> int:
    if len(digits) > 310:  # noqa: PLR2004 - beyond any double, and quadratic to read
        raise ValueError("an integer of more than 310 digits")
    return int(digits)


def _finite_or_none(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _integer_or_none(digits: str) -> int | None:
    try:
        return _integer(digits)
    except ValueError:
        return None


_strict_decoder = json.JSONDecoder(
    object_pairs_hook=_no_duplicates,
    parse_constant=_no_constant,
    parse_float=_finite,
    parse_int=_integer,
)
_tolerant_decoder = json.JSONDecoder(
    parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
)
_lenient_decoder = json.JSONDecoder(
    parse_constant=lambda _: None, parse_float=_finite_or_none, parse_int=_integer_or_none
)
_quick_decoder = json.JSONDecoder(parse_constant=_no_constant)
