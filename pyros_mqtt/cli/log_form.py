"""Log records on a terminal: what came from the bus neither drives it nor forges a line."""

from __future__ import annotations

import copy
import logging
import textwrap
import time
from collections.abc import Iterator

from pyros_mqtt.cli.show import one_line

LONGEST = 500
"""Characters of a message, or of a line of a traceback, that are shown."""

MOST_LINES = 100
"""Lines of a traceback that are shown: half of them from its beginning, half from its end."""


class Record(logging.Formatter):
    """A record as a line with its moment (UTC), level and logger.

    Control characters are shown as escapes, long messages are cut. Only the lines of a traceback
    are lines of their own; they are indented, so that a text in them cannot pass for a record.
    """

    def __init__(self) -> None:
        """Prepare the one form that there is."""
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Write one record. Any thread."""
        told = copy.copy(record)
        told.msg, told.args = shortened(record.getMessage()), None
        told.exc_info = told.exc_text = told.stack_info = None
        return "\n".join([super().format(told), *self._below(record)])

    def _below(self, record: logging.LogRecord) -> Iterator[str]:
        if record.exc_info and record.exc_info[0] is not None:
            yield from indented(self.formatException(record.exc_info))
        if record.stack_info:
            yield from indented(record.stack_info)


class Complaint(logging.Formatter):
    """A record in one line, as a command complains."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record. Any thread."""
        return f"pyros: {shortened(record.getMessage())}"


def shortened(text: str) -> str:
    """Give a text in one line of at most 500 characters, and say how many are left out."""
    left = len(text) - LONGEST
    return one_line(text[:LONGEST]) + (f"... ({left} more characters)" if left > 0 else "")


def indented(text: str) -> list[str]:
    """Give a traceback as lines that cannot pass for records; the middle of a long one is cut."""
    if not text:
        return []
    lines = text.split("\n")
    half = MOST_LINES // 2
    if len(lines) > MOST_LINES:
        lines = [*lines[:half], f"... ({len(lines) - 2 * half} more lines)", *lines[-half:]]
    return [textwrap.indent(shortened(line), "  ") for line in lines]
