"""What an examination of this machine has found, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; `mend` says what to do where something is to be done."""

    level: Level
    text: str
    mend: str = ""


def ok(text: str) -> Finding:
    """All is well."""
    return Finding("ok", text)


def warn(text: str, mend: str) -> Finding:
    """It goes, but better with this."""
    return Finding("warn", text, mend)


def bad(text: str, mend: str) -> Finding:
    """It will not go like this."""
    return Finding("bad", text, mend)
