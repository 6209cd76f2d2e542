"""What it is to send a notice: what a notifier does, how it fails, and whether that may pass."""

from __future__ import annotations

import smtplib
import urllib.error
from collections.abc import Mapping
from typing import Protocol

from pyros_mqtt.alarms import Notice
from pyros_mqtt.errors import PyrosError, words_of

LONGEST_REASON = 300
"""Characters."""

LASTING_ANSWERS = {400, 401, 403, 404, 410}
"""What a web server says to a request that it will not take the next time either."""

Refusals = Mapping[str, tuple[int, bytes]]
"""Code and words of an SMTP server, by the address that it has refused."""


class SendsNotices(Protocol):
    """What a notifier does, in a thread of its own; a class of yours has to have just this."""

    def send(self, notice: Notice) -> None:
        """Tell people, within some seconds; raise anything where that did not go well."""


class NotSent(PyrosError):
    """A notice could not be sent; says why. It is tried again."""


class NotToAll(PyrosError):
    """Some have got a notice; says who has not. Those who have must not get it again.

    Attributes:
        lasting: the part of the text that no repetition will change; "": there is none.
        rest: sends to those who may still take it; None: nobody may.
    """

    def __init__(self, text: str, lasting: str = "", rest: SendsNotices | None = None) -> None:
        super().__init__(text)
        self.lasting = lasting
        self.rest = rest


def is_lasting(error: Exception) -> bool:
    """Tell whether the same would come of every repetition (RFC 5321, section 4.2.1)."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in LASTING_ANSWERS
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(is_lasting_code(code) for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and is_lasting_code(error.smtp_code)


def is_lasting_code(code: int) -> bool:
    """Tell whether an answer of an SMTP server is its last word."""
    return 500 <= code <= 599  # noqa: PLR2004 - the negative permanent answers


def told(refusals: Refusals) -> str:
    """Say who was refused, and with which words."""
    return ", ".join(
        f"{who} was refused: {code} {words.decode(errors='replace')}"
        for who, (code, words) in refusals.items()
    )


def reason(error: Exception) -> str:
    """Say in one line why a notice was not sent."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return in_one_line(told(error.recipients))
    return in_one_line(words_of(error))


def in_one_line(text: str) -> str:
    """Fit what others have said into one line."""
    return " ".join(text.split())[:LONGEST_REASON]
