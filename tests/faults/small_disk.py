"""A small disk of a test's own, which can be filled to the last byte."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Self

from tests.need import need


class SmallDisk:
    """A tmpfs of `size` bytes; unmounted in the end."""

    def __init__(self, folder: Path, size: int = 4 * 1024 * 1024) -> None:
        need("tmpfs")
        self.folder = folder
        self._size = size
        self._filler = folder / "filler"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        kind = ["-t", "tmpfs", "-o", f"size={self._size},mode=0777", "tmpfs"]
        subprocess.run(["mount", *kind, str(self.folder)], check=True)  # noqa: S603, S607 - as root
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)  # noqa: S603, S607 - as root

    def fill(self) -> None:
        """Leave no byte."""
        with self._filler.open("ab", buffering=0) as filler, contextlib.suppress(OSError):
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while filler.write(b"x" * size) == size:
                        pass

    def empty(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)
