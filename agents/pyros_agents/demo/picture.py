"""An image as a terminal can show it: two pixels a character, faint things lifted up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.text import Text

ROWS_A_CHARACTER = 2
SKY, BRIGHT = 30.0, 99.7
"""Percentiles of the image that become black and white."""


def picture(path: str | Path, columns: int = 64) -> Text:
    """Draw a FITS image, `columns` characters wide and as many half lines high."""
    from astropy.io import fits

    with fits.open(path) as hdus:
        pixels = np.asarray(hdus[0].data, dtype=float)
    step = max(1, pixels.shape[1] // columns)
    rows = pixels.shape[0] // step // ROWS_A_CHARACTER * ROWS_A_CHARACTER
    block = pixels[: rows * step, : columns * step].reshape(rows, step, -1, step)
    # the brightest pixel of a block, or stars would drown in the sky around them
    grey = _stretch(block.max(axis=(1, 3)))[::-1]
    text = Text()
    for top, bottom in zip(grey[0::2], grey[1::2], strict=True):
        for above, below in zip(top, bottom, strict=True):
            style = f"rgb({above},{above},{above}) on rgb({below},{below},{below})"
            text.append("▀", style=style)
        text.append("\n")
    return text


def _stretch(values: np.ndarray) -> np.ndarray:
    """Map to 0...255 with an inverse hyperbolic sine, which shows faint and bright together."""
    low, high = np.percentile(values, [SKY, BRIGHT])
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    lifted: np.ndarray = np.arcsinh(10 * scaled) / np.arcsinh(10) * 255
    return lifted.astype(int)
