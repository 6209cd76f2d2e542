"""Image making: stars, sky and a detector's habits, from electrons to 16-bit numbers.

A frame of 1024 x 1024 pixels takes about a tenth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyros_agents.astronomy.tangent_plane import TangentPlane
from pyros_agents.imaging.detector import Exposure, Image, Instrument
from pyros_agents.imaging.starfield import stars_near

Electrons = NDArray[np.float64]

BIAS = 1000.0
"""ADU of an unexposed pixel."""

_MOFFAT_BETA = 3
_SATURATED = 65_535
_REACHES = ((4, 0.0, 400.0), (8, 400.0, 1e4), (40, 1e4, np.inf))
"""Pixels around a star that are painted, by its electrons for one of noise: no edge is seen."""


class Spots(NamedTuple):
    """Where stars fall on the chip, in pixels, and how many electrons each brings."""

    x: Electrons
    y: Electrons
    electrons: Electrons


@dataclass(frozen=True, slots=True)
class Optics:
    """What light does on its way: the seeing (arcsec FWHM), the jitter of tracking (arcsec rms).

    `zero_points` are magnitudes of a star that gives one electron a second, `sky` magnitudes of a
    square arcsecond of moonless sky, both by filter.
    """

    seeing: float
    jitter: float
    zero_points: dict[str, float]
    sky: dict[str, float]


SIXTY_CENTIMETRES = Optics(
    seeing=2.0,
    jitter=0.15,
    zero_points={"C": 23.4, "g": 22.5, "r": 22.4, "i": 22.0, "z": 21.0},
    sky={"C": 20.8, "g": 21.8, "r": 21.0, "i": 20.0, "z": 19.0},
)
"""A dark site and a telescope of 0.6 m; `C` is no filter."""


def frame(
    exposure: Exposure,
    instrument: Instrument,
    optics: Optics,
    dark: float,
    dice: np.random.Generator,
) -> Image:
    """Make an image; `dark` is electrons a second and pixel. Stars appear where RA is known."""
    electrons = np.full((instrument.height, instrument.width), dark * exposure.seconds)
    if exposure.kind == "flat":
        electrons += 20_000 * instrument.gain * _vignetting(instrument)
    elif exposure.kind == "light":
        electrons += _light(exposure, instrument, optics, dice)
    counts = dice.poisson(electrons).astype(np.float32)
    noise = dice.standard_normal(counts.shape, dtype=np.float32)
    adu = BIAS + (counts + np.float32(instrument.read_noise) * noise) / instrument.gain
    return np.clip(np.rint(adu), 0, _SATURATED).astype(np.uint16)


def _light(
    exposure: Exposure, instrument: Instrument, optics: Optics, dice: np.random.Generator
) -> Electrons:
    zero_point = optics.zero_points[exposure.filter]
    sky = 10 ** (0.4 * (zero_point - optics.sky[exposure.filter])) * instrument.scale**2
    light = np.full((instrument.height, instrument.width), sky * exposure.seconds)
    if exposure.ra is not None and exposure.dec is not None:
        width, height, scale = instrument.width, instrument.height, instrument.scale
        plane = TangentPlane(exposure.ra, exposure.dec, width, height, scale)
        stars = stars_near(plane.ra, plane.dec, np.hypot(width, height) / 2 * scale / 3600)
        shift = dice.normal(0.0, optics.jitter / scale, 2)
        x, y = plane.pixels(stars.ra, stars.dec)
        flux = 10 ** (0.4 * (zero_point - stars.magnitude)) * exposure.seconds
        core = optics.seeing / scale / (2 * np.sqrt(2 ** (1 / _MOFFAT_BETA) - 1))
        loudness = flux / np.sqrt(light[0, 0] + instrument.read_noise**2)
        for reach, quiet, loud in _REACHES:
            some = (quiet <= loudness) & (loudness < loud)
            spots = Spots(x[some] + shift[0], y[some] + shift[1], flux[some])
            _paint(light, spots, core, reach)
    return light * _vignetting(instrument)


def _paint(light: Electrons, spots: Spots, core: float, reach: int) -> None:
    """Add stars to `light`, each a Moffat profile in a square stamp of `reach` pixels around."""
    x, y = spots.x, spots.y
    near = (np.abs(x - light.shape[1] / 2) < light.shape[1] / 2 + reach) & (
        np.abs(y - light.shape[0] / 2) < light.shape[0] / 2 + reach
    )
    x, y, flux = x[near], y[near], spots.electrons[near]
    steps = np.arange(-reach, reach + 1)
    columns = np.rint(x).astype(np.intp)[:, None] + steps
    rows = np.rint(y).astype(np.intp)[:, None] + steps
    across, along = ((columns - x[:, None]) / core) ** 2, ((rows - y[:, None]) / core) ** 2
    stamps = (1 + across[:, None, :] + along[:, :, None]) ** -_MOFFAT_BETA
    stamps *= (flux / stamps.sum(axis=(1, 2)))[:, None, None]
    on_chip = ((columns >= 0) & (columns < light.shape[1]))[:, None, :] & (
        (rows >= 0) & (rows < light.shape[0])
    )[:, :, None]
    pixels = rows[:, :, None] * light.shape[1] + columns[:, None, :]
    light += np.bincount(pixels[on_chip], stamps[on_chip], light.size).reshape(light.shape)


@lru_cache(maxsize=4)
def _vignetting(instrument: Instrument) -> Electrons:
    """Say how much light reaches each pixel: 1 in the middle, 0.9 in the corners."""
    y, x = (np.linspace(-1, 1, size) ** 2 for size in (instrument.height, instrument.width))
    return np.asarray(1 - 0.05 * (y[:, None] + x))
