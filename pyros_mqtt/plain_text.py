"""Texts from the bus, so that they drive neither a terminal nor a page."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Write as escapes what is no sign of a text, and line ends: the bus forges no line.

    That is control characters, and those that turn, join or hide others (U+202E and the like).
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
