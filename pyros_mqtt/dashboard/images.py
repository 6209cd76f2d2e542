"""The last images: which, and a preview of those whose files can be reached from here.

What a report names is a stranger's word. Only FITS files inside the configured image folder are
opened, and nothing of them leaves but pixels.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyros_mqtt.dashboard.board import Board
from pyros_mqtt.dashboard.rows import short
from pyros_mqtt.messages import Outcome, Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECTION = "images"
MOST = 12
SIDE = 640
"""Pixels of a preview's longer side."""

LARGEST = 512 * 1024 * 1024
"""Bytes of a file that is opened."""

SUFFIXES = (".fits", ".fit", ".fts")
_TOLD = ("object", "filter", "seconds", "kind", "night", "date_obs")

log = logging.getLogger(__name__)


class NoPreview(Exception):
    """There is none; the text says why, for people."""


class Images:
    """Keeps the last images on the board, and makes previews. For any thread.

    Args:
        board: where they are shown.
        folder: the one folder that is read; None: no previews.
    """

    def __init__(self, board: Board, folder: Path | None) -> None:
        self._board = board
        self._folder = folder.resolve() if folder else None
        self._lock = threading.Lock()
        self._paths: OrderedDict[str, str] = OrderedDict()
        self._made: OrderedDict[str, bytes] = OrderedDict()
        self._making = threading.Lock()

    def note(self, report: Report, heard: float) -> None:
        """Look whether a report names an image; it does by a `path` in its result."""
        result = report.result
        if report.state is not Outcome.DONE or not isinstance(result, dict):
            return
        path = result.get("path")
        if not isinstance(path, str) or not path.lower().endswith(SUFFIXES):
            return
        key = hashlib.sha256(path.encode(errors="replace")).hexdigest()[:24]
        with self._lock:
            self._paths.pop(key, None)
            self._paths[key] = path
            gone = self._paths.popitem(last=False)[0] if len(self._paths) > MOST else None
        told: dict[str, Any] = {
            name: short(str(result[name]), 80) for name in _TOLD if result.get(name)
        }
        told |= {"agent": report.agent, "at": heard, "name": short(Path(path).name, 120)}
        self._board.put(SECTION, key, told | {"trouble": self._why_not(path)})
        if gone is not None:
            self._board.drop(SECTION, gone)

    def preview(self, key: str) -> bytes:
        """Make a preview, a PNG; takes up to a second, so not in an event loop.

        Raises:
            NoPreview: there is none.
        """
        with self._lock:
            path, made = self._paths.get(key), self._made.get(key)
        if made is not None:
            return made
        if path is None:
            raise NoPreview("there is no such image any more")
        if trouble := self._why_not(path):
            raise NoPreview(trouble)
        with self._making:  # one at a time: a camera's frame takes hundreds of megabytes
            png = _png(Path(path))
        with self._lock:
            self._made[key] = png
            if len(self._made) > MOST:
                self._made.popitem(last=False)
        return png

    def _why_not(self, path: str) -> str:
        """Say why a file is not shown; empty where it may be."""
        if self._folder is None:
            return "no image folder is configured here"
        try:
            file = Path(path).resolve(strict=True)
            size = file.stat().st_size
        except (OSError, ValueError, RuntimeError):
            return "the file is not on this machine"
        if not file.is_relative_to(self._folder) or not file.is_file():
            return "the file is outside the image folder"
        if not file.name.lower().endswith(SUFFIXES) or size > LARGEST:
            return "no FITS file of a reasonable size"
        return ""


def _png(path: Path) -> bytes:
    try:
        from io import BytesIO

        from PIL import Image
    except ImportError:
        raise NoPreview("previews need Pillow: pip install 'pyros-mqtt[dashboard]'") from None
    pixels = stretched(_pixels(path))
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _pixels(path: Path) -> NDArray[np.float32]:
    try:
        import numpy as np
        from astropy.io import fits
    except ImportError:
        text = "previews need astropy: pip install 'pyros-mqtt[observatory]'"
        raise NoPreview(text) from None
    try:
        with fits.open(path, memmap=False, lazy_load_hdus=True) as units:
            unit = next(one for one in units if one.header.get("NAXIS", 0) >= 2)  # noqa: PLR2004
            data = np.asarray(unit.data)
    except (OSError, StopIteration, ValueError, TypeError, KeyError) as error:
        raise NoPreview(f"the file cannot be read: {short(str(error), 120)}") from None
    while data.ndim > 2:  # noqa: PLR2004 - of a cube, the first plane
        data = data[0]
    step = max(1, -(-max(data.shape) // SIDE))
    height, width = (size // step * step for size in data.shape)
    blocks = data[:height, :width].astype(np.float32)
    small = blocks.reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    return np.asarray(small[::-1], dtype=np.float32)  # FITS counts its rows from the bottom


def stretched(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Make the faint visible: from the sky's level to the brightest few, by arcsinh."""
    import numpy as np

    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        raise NoPreview("no pixel of it has a value")
    low, high = np.percentile(finite, (50.0, 99.8))
    noise = 1.5 * float(np.median(np.abs(finite - low)))
    spread = max(float(high - low), 12.0 * noise, 1e-6)  # an empty sky stays dark
    scaled = np.clip((np.nan_to_num(pixels, nan=low) - low) / spread, 0.0, 1.0)
    return np.asarray(np.arcsinh(scaled * 10.0) / np.arcsinh(10.0) * 255.0, dtype=np.uint8)
