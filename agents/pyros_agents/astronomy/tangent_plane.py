"""The flat sky of an image: the gnomonic (TAN) projection, as stars fall and as FITS says it.

Source: Calabretta & Greisen 2002, Representations of celestial coordinates in FITS, A&A 395, 1077.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TangentPlane:
    """An image of the sky: north up, east left, `ra` and `dec` (degrees) at its centre.

    `scale` is arcseconds a pixel.
    """

    ra: float
    dec: float
    width: int
    height: int
    scale: float

    def pixels(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Say where stars fall: columns and rows, 0 at the centre of the first pixel.

        The stars (degrees) must lie within 90 degrees of the centre.
        """
        d_ra, d, d0 = np.radians(ra - self.ra), np.radians(dec), np.radians(self.dec)
        depth = np.sin(d0) * np.sin(d) + np.cos(d0) * np.cos(d) * np.cos(d_ra)
        east = np.cos(d) * np.sin(d_ra) / depth
        north = (np.cos(d0) * np.sin(d) - np.sin(d0) * np.cos(d) * np.cos(d_ra)) / depth
        pixel = np.radians(self.scale / 3600.0)
        return (self.width - 1) / 2 - east / pixel, (self.height - 1) / 2 + north / pixel

    def cards(self) -> dict[str, tuple[str | float | int, str]]:
        """Say the same as FITS keywords with their comments."""
        degrees = self.scale / 3600.0
        return {
            "WCSAXES": (2, "axes of the world coordinates"),
            "CTYPE1": ("RA---TAN", "right ascension, gnomonic"),
            "CTYPE2": ("DEC--TAN", "declination, gnomonic"),
            "CUNIT1": ("deg", ""),
            "CUNIT2": ("deg", ""),
            "CRVAL1": (self.ra, "[deg] at the reference pixel"),
            "CRVAL2": (self.dec, "[deg] at the reference pixel"),
            "CRPIX1": ((self.width + 1) / 2, "the image's centre"),
            "CRPIX2": ((self.height + 1) / 2, "the image's centre"),
            "CD1_1": (-degrees, "[deg/pixel] east is left"),
            "CD1_2": (0.0, ""),
            "CD2_1": (0.0, ""),
            "CD2_2": (degrees, "[deg/pixel] north is up"),
            "RADESYS": ("ICRS", "frame of RA, DEC and CRVAL"),
        }
