"""A wall clock that can be set, for one process: libfaketime, told by a file.

The monotonic clock stays as it is, so that what was noted can be compared.
"""

from __future__ import annotations

from pathlib import Path


class Clock:
    """The wall clock of every process that is started with `environment`. Right at first."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set_to(0)

    def set_to(self, seconds: float) -> None:
        """Set it: it goes on, so many seconds before (negative) or after the right time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+f}\n")
        fresh.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What a process with this clock is started with."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


def _library() -> Path:
    """Find the library that belongs to the command `faketime`; this one is for many threads."""
    places = sorted(Path("/usr").glob("lib*/**/faketime/libfaketimeMT.so.1"))
    assert places, "the command faketime is here, and its library is not under /usr/lib"
    return places[0]
