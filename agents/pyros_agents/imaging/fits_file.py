"""Images on disk: whole or not at all, and never over an earlier one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from io import BytesIO
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile

from astropy.io import fits

from pyros_agents.imaging.detector import Image


def file_name(moment: str, *words: str) -> str:
    """Make a file name of a moment (ISO 8601) and some words, safe whatever they hold."""
    safe = [re.sub(r"[^A-Za-z0-9+-]+", "_", word).strip("_")[:40] for word in words]
    return "_".join([re.sub(r"[:.]", "", moment), *filter(None, safe)])


def write_image(folder: Path, name: str, image: Image, header: fits.Header) -> Path:
    """Write `folder/name.fits`, or `name-2.fits` and so on where that exists already.

    A reader sees no half-written file: it gets its name when it is complete and on the disk.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    # astropy would give a full disk a sentence of its own, twice, and no error number
    content = BytesIO()
    fits.PrimaryHDU(image, header).writeto(content)
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix=".", suffix=".part") as part:
        part.write(content.getbuffer())
        part.flush()
        os.fsync(part.fileno())
        Path(part.name).chmod(0o644)
        return _name(Path(part.name), folder, name)


def why_not_written(folder: Path, name: str, error: OSError) -> str:
    """Say in a sentence which image is lost, why, and how much room there is."""
    room = ""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            room = f" ({shutil.disk_usage(place).free / 1e6:.1f} MB free)"
            break
    reason = error.strerror or str(error)
    return f"the image {folder / name}.fits cannot be written: {reason}{room}"


def _name(part: Path, folder: Path, name: str) -> Path:
    """Give the file its name by a hard link: unlike a rename, that never replaces another file."""
    for number in count(1):
        path = folder / (f"{name}.fits" if number == 1 else f"{name}-{number}.fits")
        try:
            path.hardlink_to(part)
        except FileExistsError:
            continue
        return path
    raise AssertionError
