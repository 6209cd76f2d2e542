"""A folder into which notices are dropped as files, by whatever receives them.

A file belongs to its writer until it is whole. A notice tells by itself when it is: its last
character closes it. So a file that can be read is taken at once, and one that cannot be read is
given up only after it has kept still for a while.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

_UNFINISHED = (".tmp", ".part", ".partial", ".swp", "~")


@dataclass(frozen=True, slots=True)
class _Look:
    """How a file looked, and since when (monotonic seconds) it has looked like that."""

    size: int
    changed: int
    since: float


class DropBox:
    """Watches one folder. What is done with goes to `read/` or `unreadable/` inside it.

    Nothing here raises: a folder that is away or not ours may come back, so `trouble` tells of it.

    Args:
        folder: the folder; it is made where it is missing.
        settle: wall seconds without a change after which a file counts as finished.
    """

    def __init__(self, folder: str | Path, settle: float = 1.0) -> None:
        """Begin to watch."""
        self.folder = Path(folder)
        self.read = self.folder / "read"
        self.unreadable = self.folder / "unreadable"
        self._settle = settle
        self._looks: dict[Path, _Look] = {}
        self._stuck: dict[Path, _Look] = {}
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """What is wrong with the folder, for people; ``""`` where nothing is."""
        names = ", ".join(sorted(path.name for path in self._stuck))
        return self._trouble or (f"done with, but cannot be moved away: {names}" if names else "")

    def waiting(self) -> list[Path]:
        """List the files to be looked at, the oldest first."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            found = {path: look for path in self.folder.iterdir() if (look := self._look(path))}
        except OSError as error:
            self._trouble = f"the watched folder: {error}"
            return []
        self._trouble = ""
        self._looks = found
        self._stuck = {path: look for path, look in self._stuck.items() if found.get(path) == look}
        waiting = found.keys() - self._stuck.keys()
        return sorted(waiting, key=lambda path: (found[path].changed, path.name))

    def is_settled(self, path: Path) -> bool:
        """Say whether the writer seems to have finished: nothing has changed for a while."""
        look = self._looks.get(path)
        return look is not None and time.monotonic() - look.since >= self._settle

    def put_away(self, path: Path, reason: str = "") -> None:
        """Move a file out of the way; with a `reason`, to the unreadable ones, the reason beside.

        A file that cannot be moved stays where it is, and is not listed again until it changes.
        """
        try:
            place = _free_name(self.unreadable if reason else self.read, path.name)
            path.rename(place)
            _explain(place, reason)
        except OSError:
            if path in self._looks:
                self._stuck[path] = self._looks[path]

    def keep(self, text: str, reason: str) -> None:
        """Keep a text that came by another way and cannot be read, the reason beside it."""
        name = time.strftime("notice-%Y%m%dT%H%M%SZ", time.gmtime())
        try:
            place = _free_name(self.unreadable, name)
            place.write_text(text, "utf-8", errors="replace")
            _explain(place, reason)
        except OSError as error:
            self._trouble = f"an unreadable notice could not be kept: {error}"

    def _look(self, path: Path) -> _Look | None:
        """Look at a file; None where it is none, is not finished, or has gone meanwhile."""
        if path.name.startswith(".") or path.name.endswith(_UNFINISHED):
            return None
        try:
            stat = path.lstat()
        except OSError:
            return None
        if not S_ISREG(stat.st_mode):
            return None
        before = self._looks.get(path)
        if before is not None and (before.size, before.changed) == (stat.st_size, stat.st_mtime_ns):
            return before
        return _Look(stat.st_size, stat.st_mtime_ns, time.monotonic())


def _explain(place: Path, reason: str) -> None:
    if reason:
        place.with_name(f"{place.name}.reason.txt").write_text(
            f"{reason}\n", "utf-8", errors="replace"
        )


def _free_name(tray: Path, name: str) -> Path:
    """Find a name in the tray that is not taken, so that nothing is overwritten."""
    tray.mkdir(parents=True, exist_ok=True)
    place, count = tray / name, 1
    while place.exists():
        place = tray / f"{name}.{count}"
        count += 1
    return place
