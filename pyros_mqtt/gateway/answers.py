"""A receipt as the one line that an old sender may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyros_mqtt import wire
from pyros_mqtt.errors import SendError
from pyros_mqtt.messages import Outcome

if TYPE_CHECKING:
    from pyros_mqtt.sender import Receipt

LONGEST = 1000
"""Characters of a line; old receivers read little at once."""


def line_of(receipt: Receipt) -> str:
    """Say how a command has ended: `done`, `done {"x":1}`, `rejected: text (code)`, ..."""
    report = receipt.report
    if report is not None and report.state is Outcome.DONE:
        return "done" if report.result is None else f"done {wire.compact(report.result)}"
    if report is not None and report.state.is_terminal and report.error is not None:
        return f"{report.state}: {report.error.text} ({report.error.code})"
    try:
        receipt.outcome()
    except SendError as error:
        return f"unknown: {error}"
    return "done"


def as_bytes(line: str) -> bytes:
    """Make one line of a text, whatever it holds."""
    return " ".join(line.split())[:LONGEST].encode() + b"\n"
