"""The word for a state, which a newer neighbour may have and we do not know."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from pyros_mqtt.messages import JSON

_WORD = re.compile("[a-z]([a-z-]{0,30}[a-z])?")

E = TypeVar("E", bound=StrEnum)


def state_of(kind: type[E], word: JSON) -> E | None:
    """Read a state; None where it is a word that only a newer version knows.

    Raises:
        ValueError: it is no word at all.
    """
    try:
        return kind(word)
    except ValueError:
        if isinstance(word, str) and _WORD.fullmatch(word):
            return None
        raise
