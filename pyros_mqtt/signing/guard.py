"""Looks at the signature of each command before anything else is done with it."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pyros_mqtt.errors import AccessError, Refusal
from pyros_mqtt.messages import Command
from pyros_mqtt.signing.signer import covered

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings
    from pyros_mqtt.signing.trust import Trust

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks whether the file has changed."""

NEVER_UNSIGNED = "shutdown"
"""Urgent in every agent, but it ends one: no safety verb."""

Level = Literal["checked", "required"]


class Guard:
    """Lets pass what is signed by somebody who is trusted. For the network thread.

    Args:
        file: `trust.toml`; it is read again when it changes.
        level: `required`, or `checked`: what is not signed passes.
        unsigned_urgent: take what the agent has declared urgent also where it is not signed.

    Raises:
        AccessError: the file says something wrong.
        MissingExtra: `cryptography` is not installed.
    """

    def __init__(self, file: Path, level: Level, *, unsigned_urgent: bool = False) -> None:
        self._file = file
        self._level = level
        self._unsigned_urgent = unsigned_urgent
        self._seen = _stamp(file)
        self._trust = _trust(file)
        self._next_look = time.monotonic() + LOOK
        self.problem = ""
        """What is wrong with the file, for people; then the last good one counts."""

    def look(self) -> bool:
        """Read the file again if it has changed; cheap where it is too early, or nothing has.

        Returns:
            Whether it was time for a look.
        """
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK
        stamp = _stamp(self._file)
        if stamp != self._seen:
            self._seen = stamp
            self._read_again()
        return True

    def _read_again(self) -> None:
        try:
            self._trust = _trust(self._file)
        except AccessError as error:
            self.problem = f"the last good trust_file counts: {error}"
            log.error("%s", self.problem)  # noqa: TRY400 - it says all
        else:
            self.problem = ""
            log.info("%s was read again", self._file)

    def check(self, topic: str, command: Command, *, is_urgent: bool) -> Command:
        """Let a command pass that came to the inbox `topic`, or refuse it.

        Args:
            topic: the inbox.
            command: as it was read.
            is_urgent: whether the agent has declared its message urgent.

        Raises:
            Refusal: `forbidden`, with the reason.
        """
        seal = command.seal
        if seal is None:
            self._let_unsigned_pass(command, is_urgent=is_urgent)
            return command
        # properties of MQTT 5 are not signed, and nobody is to lead reports elsewhere
        command = replace(command, seal=None, reply_to=None)
        if not seal.signature:
            text = "x-signature has to be the last field, base64 of 64 bytes, without spaces"
            raise Refusal("forbidden", text, command)
        if not seal.is_bound:
            text = "a signed command itself has 'from', 'id', 'sent_at', and 'ttl' or 'expires'"
            raise Refusal("forbidden", text, command)
        self._verify(covered(topic, seal.signed), seal.signature, command)
        return command

    def _let_unsigned_pass(self, command: Command, *, is_urgent: bool) -> None:
        if self._level == "checked":
            return
        if self._unsigned_urgent and is_urgent and command.message != NEVER_UNSIGNED:
            return
        text = f"it is not signed, which {command.agent} requires; text cannot be, JSON can"
        raise Refusal("forbidden", text, command)

    def _verify(self, data: bytes, signature: bytes, command: Command) -> None:
        from cryptography.exceptions import InvalidSignature

        keys = list(self._trust.who_speaks_for(command.sender))
        if not keys:
            text = f"there is no key of {command.sender!r} in {command.agent}'s trust_file"
            raise Refusal("forbidden", text, command)
        for key, trusted in keys:
            try:
                key.verify(signature, data)
            except InvalidSignature:
                continue
            if not trusted.allows(command.message):
                text = f"{command.sender!r} may not send {command.message!r} to {command.agent}"
                raise Refusal("forbidden", text, command)
            return
        text = (
            f"the signature is not one of {command.sender!r} over this command and this inbox: "
            "either it was changed on its way, or the key is another"
        )
        raise Refusal("forbidden", text, command)


def guard_of(settings: Settings) -> Guard | None:
    """Make the guard of an agent; None where signatures are not looked at.

    Raises:
        AccessError, MissingExtra: as `Guard`.
    """
    level = settings.signatures or "required"
    if settings.trust_file is None or level == "off":
        return None
    return Guard(settings.trust_file, level, unsigned_urgent=settings.unsigned_urgent)


def _trust(file: Path) -> Trust:
    from pyros_mqtt.signing.trust import Trust

    return Trust.read(file)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
