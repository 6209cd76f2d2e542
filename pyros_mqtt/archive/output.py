"""A file that somebody asked for: written whole, or as it was before."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE, S_ISREG

from pyros_mqtt.errors import ArchiveError


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a file to write to, of the same ending; what is in it then takes the place of `path`.

    A link stays one, to a file that is replaced and keeps its mode. What is no ordinary file, as a
    pipe or a device, gets the contents, and is never replaced.

    Raises:
        ArchiveError: it cannot be written; what was there is as it was.
    """
    try:
        if path.exists() and not S_ISREG(path.stat().st_mode):
            with _poured(path) as file:
                yield file
        else:
            with _replaced(path.resolve(), path.suffix) as file:
                yield file
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {_why(error, path)}") from None


@contextlib.contextmanager
def _replaced(target: Path, suffix: str) -> Iterator[Path]:
    """Write beside a file, then put it in its place."""
    mode = S_IMODE(target.stat().st_mode) if target.exists() else None
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{suffix}")
    try:
        if mode is not None:
            part.touch(0o600)  # nobody reads it before it has its mode
        yield part
        if mode is not None:
            part.chmod(mode)
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _poured(target: Path) -> Iterator[Path]:
    """Write elsewhere, then into what is no ordinary file, which may neither seek nor be removed.

    Only once all is written is it opened.
    """
    if target.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    with tempfile.TemporaryDirectory(prefix="pyros-") as folder:
        part = Path(folder) / f"part{target.suffix}"
        yield part
        with part.open("rb") as source, target.open("wb", buffering=0) as sink:
            shutil.copyfileobj(source, sink)


def _why(error: OSError, path: Path) -> str:
    """Say what went wrong, without the name of a file that nobody knows."""
    if isinstance(error, FileNotFoundError) and not path.resolve().parent.exists():
        return f"there is no folder {str(path.parent)!r}"
    return error.strerror or str(error)
