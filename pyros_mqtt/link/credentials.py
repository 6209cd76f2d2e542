"""Whom we trust and who we are, in files that may be replaced while we are connected."""

from __future__ import annotations

import logging
import ssl
import time
from pathlib import Path

from pyros_mqtt.errors import SettingsError

log = logging.getLogger(__name__)

LOOK = 5.0
"""Seconds between two looks at the files while a connection stands: a beat."""

_Marks = tuple[tuple[int, int, int] | None, ...]


class Credentials:
    """What TLS needs, read anew where a file has changed; for one link.

    New files that do not fit together are perhaps half written: until they do, what was read
    before goes on.

    Args:
        ca_file: the authority whose brokers are trusted; None: those of the system.
        cert_file: our own certificate.
        key_file: its key, if that is not in the same file.

    Raises:
        SettingsError: the files cannot be read, or do not fit together.
    """

    def __init__(self, ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> None:
        self._ca_file = ca_file
        self._cert_file = cert_file
        self._key_file = key_file
        self._files = [one for one in (ca_file, cert_file, key_file) if one is not None]
        self._marks = self._look()
        self._contents = self._all()
        self._odd: _Marks = ()
        self._has_told = False
        self._next_look = 0.0
        self._before: ssl.SSLContext | None = None
        try:
            self._newest = self._context = self._read()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"TLS: ca_file {ca_file}, cert_file {cert_file}, key_file {key_file}: {error}"
            ) from None

    def context(self) -> ssl.SSLContext:
        """Give what a new connection needs: as the files are now, or, after `go_back`, were."""
        self._refresh()
        return self._context

    def take_newest(self) -> None:
        """Begin the next connections with what is in the files, also after `go_back`."""
        self._context = self._newest

    def go_back(self) -> bool:
        """The broker does not take the new files: use those before; whether there are some."""
        if self._before is None:
            return False
        self._context, self._before = self._before, None
        log.error("TLS: the broker does not take the new certificate; the one before goes on")
        return True

    def have_changed(self) -> bool:
        """Whether there is something newer than the latest connection was made with.

        Looks at the disk every few seconds only, so it may be asked often.
        """
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK
        return self._refresh()

    def _refresh(self) -> bool:
        """Read the files again if they have changed; whether that gave something new."""
        marks = self._look()
        if marks == self._marks:
            return False
        contents = self._all()
        if contents == self._contents:  # the same file, carried here once more
            self._marks = marks
            return False
        try:
            context = self._read()
        except (OSError, ssl.SSLError) as error:
            self._note_odd(marks, error)
            return False
        self._before, self._context, self._newest = self._context, context, context
        self._marks, self._contents = marks, contents
        return True

    def _note_odd(self, marks: _Marks, error: Exception) -> None:
        """Tell of files that do not fit once they stay so: they are written one after the other."""
        if marks != self._odd:
            self._odd, self._has_told = marks, False
        elif not self._has_told:
            log.warning("TLS: the new files do not fit, so the old ones go on: %s", error)
            self._has_told = True

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        if self._cert_file:
            context.load_cert_chain(self._cert_file, self._key_file)
        return context

    def _all(self) -> list[int | None]:
        """What is in the files, as a number each: a key is not kept in memory for this."""
        return [_content(one) for one in self._files]

    def _look(self) -> _Marks:
        return tuple(_mark(one) for one in self._files)


def _mark(file: Path) -> tuple[int, int, int] | None:
    """What changes with a file, also where it was replaced within one tick of the clock."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(file: Path) -> int | None:
    try:
        return hash(file.read_bytes())
    except OSError:
        return None
