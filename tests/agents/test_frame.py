"""Image making: the same sky, honest noise, and stars where the WCS says they are."""

from __future__ import annotations

import warnings
from math import cos, radians
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from pyros_agents.astronomy.ephemeris import separation
from pyros_agents.astronomy.tangent_plane import TangentPlane
from pyros_agents.imaging.detector import Exposure, Image, Instrument
from pyros_agents.imaging.frame import BIAS, SIXTY_CENTIMETRES, frame
from pyros_agents.imaging.starfield import Stars, stars_near

CHIP = Instrument("test CCD", "test 0.6 m", 768, 512, 1.0, 1.5, 6.0, ("C", "r"))
PLACES = [(83.633, 22.014), (0.02, -10.0), (200.0, 89.95), (120.0, -90.0), (266.4, -29.0)]


def image_of(seed: int = 1, dark: float = 0.01, **exposure: Any) -> Image:
    what = {"seconds": 30.0, "filter": "r", **exposure}
    return frame(Exposure(**what), CHIP, SIXTY_CENTIMETRES, dark, np.random.default_rng(seed))


def wcs_of(plane: TangentPlane) -> WCS:
    header = fits.Header()
    header.update(plane.cards())
    return WCS(header)


# -- the sky -------------------------------------------------------------------------------------


def test_the_same_place_always_has_the_same_stars() -> None:
    one, other = stars_near(83.633, 22.014, 0.2), stars_near(83.633, 22.014, 0.2)
    assert np.array_equal(one.magnitude, other.magnitude)
    assert np.array_equal(one.ra, other.ra)


def within(stars: Stars, ra: float, dec: float, radius: float) -> set[tuple[float, float]]:
    places = zip(stars.ra.tolist(), stars.dec.tolist(), strict=True)
    return {star for star in places if separation(star, (ra, dec)) < radius}


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_no_star_of_the_field_is_left_out(ra: float, dec: float) -> None:
    field = within(stars_near(ra, dec, 0.2), ra, dec, 0.2)
    assert field == within(stars_near(ra, dec, 1.0), ra, dec, 0.2)
    assert field


def test_neighbouring_fields_share_the_stars_between_them() -> None:
    one, other = (stars_near(ra, -10.0, 0.3) for ra in (359.9, 0.1))
    assert within(one, 0.0, -10.0, 0.15) == within(other, 0.0, -10.0, 0.15) != set()


def test_there_are_as_many_stars_as_in_the_real_sky() -> None:
    """Allen's mean counts: 800 to the 16th and 8,000 to the 20th magnitude in a square degree."""
    dice = np.random.default_rng(5)
    fields = 60
    magnitudes = []
    for sine, ra in zip(dice.uniform(-1, 1, fields), dice.uniform(0, 360, fields), strict=True):
        dec = float(np.degrees(np.arcsin(sine)))
        stars = stars_near(float(ra), dec, 0.5)
        dec_apart = np.abs(stars.dec - dec) < 0.5
        ra_apart = np.abs((stars.ra - ra + 180) % 360 - 180) < 0.5 / cos(radians(dec))
        magnitudes.append(stars.magnitude[dec_apart & ra_apart])
    each = np.concatenate(magnitudes)
    assert (each < 16).sum() / fields == pytest.approx(800, rel=0.4)
    assert len(each) / fields == pytest.approx(8000, rel=0.4)


def test_the_milky_way_is_crowded_and_the_galactic_pole_empty() -> None:
    pole, plane = stars_near(192.86, 27.13, 0.3), stars_near(266.4, -29.0, 0.3)
    assert len(plane.ra) > 8 * len(pole.ra)


# -- the projection ------------------------------------------------------------------------------


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_the_projection_is_that_of_the_fits_standard(ra: float, dec: float) -> None:
    plane = TangentPlane(ra, dec, 768, 512, 1.0)
    stars = stars_near(ra, dec, 0.15)
    x, y = plane.pixels(stars.ra, stars.dec)
    theirs = wcs_of(plane).all_world2pix(stars.ra, stars.dec, 0)
    assert np.allclose(np.array([x, y]), np.array(theirs), atol=1e-5)


def test_north_is_up_and_east_is_left() -> None:
    plane = TangentPlane(10.0, 0.0, 101, 101, 3600.0)
    x, y = plane.pixels(np.array([10.0, 11.0, 10.0]), np.array([0.0, 0.0, 1.0]))
    assert np.allclose(x, [50.0, 48.9998, 50.0], atol=0.02)
    assert np.allclose(y, [50.0, 50.0, 51.0], atol=0.02)


# -- the image -----------------------------------------------------------------------------------


def centroid(image: NDArray[np.float64], x: float, y: float) -> tuple[float, float]:
    column, row = round(x), round(y)
    stamp = image[row - 4 : row + 5, column - 4 : column + 5]
    light = np.clip(stamp - np.median(image), 0, None)
    rows, columns = np.mgrid[row - 4 : row + 5, column - 4 : column + 5]
    return float((columns * light).sum() / light.sum()), float((rows * light).sum() / light.sum())


def lonely_stars(stars: Stars, plane: TangentPlane) -> NDArray[np.intp]:
    """Stars bright enough to be measured, not saturated, and with no rival near them."""
    x, y = plane.pixels(stars.ra, stars.dec)
    flux = 10 ** (-0.4 * stars.magnitude)
    chosen = []
    for star in np.flatnonzero((stars.magnitude > 13.5) & (stars.magnitude < 16.5)):
        inside = 20 < x[star] < plane.width - 20 and 20 < y[star] < plane.height - 20
        near = np.hypot(x - x[star], y - y[star]) < 12
        if inside and flux[near].sum() < 1.02 * flux[star]:
            chosen.append(star)
    return np.array(chosen)


def test_stars_fall_on_their_catalogue_positions() -> None:
    ra, dec = 120.0, -35.0
    image = image_of(ra=ra, dec=dec).astype(float)
    plane = TangentPlane(ra, dec, CHIP.width, CHIP.height, CHIP.scale)
    stars = stars_near(ra, dec, 0.15)
    wcs = wcs_of(plane)
    misses = []
    for star in lonely_stars(stars, plane):
        x, y = wcs.all_world2pix(stars.ra[star], stars.dec[star], 0)
        measured = centroid(image, float(x), float(y))
        misses.append((measured[0] - float(x), measured[1] - float(y)))
    assert len(misses) > 5
    # All are shifted alike by the jitter of tracking, a fraction of a pixel.
    assert np.abs(np.median(misses, axis=0)).max() < 0.6
    assert np.std(misses, axis=0).max() < 0.15


def test_a_star_brings_the_light_of_its_magnitude() -> None:
    ra, dec = 120.0, -35.0
    image = image_of(ra=ra, dec=dec).astype(float)
    plane = TangentPlane(ra, dec, CHIP.width, CHIP.height, CHIP.scale)
    stars = stars_near(ra, dec, 0.15)
    x, y = plane.pixels(stars.ra, stars.dec)
    rows, columns = np.mgrid[0 : CHIP.height, 0 : CHIP.width]
    ratios = []
    for star in lonely_stars(stars, plane):
        aperture = np.hypot(columns - x[star], rows - y[star]) < 9
        light = (image[aperture] - np.median(image)).sum() * CHIP.gain
        ratios.append(light / (30.0 * 10 ** (0.4 * (22.4 - stars.magnitude[star]))))
    assert np.median(ratios) == pytest.approx(1.0, abs=0.06)


def test_two_images_of_one_field_differ_by_noise_alone() -> None:
    one, other = (image_of(seed, ra=192.86, dec=27.13).astype(float) for seed in (1, 2))
    sky = np.median(one) - BIAS
    expected = np.sqrt(sky * CHIP.gain + CHIP.read_noise**2) / CHIP.gain
    difference = (one - other) / np.sqrt(2)
    without_stars = difference[np.abs(difference) < 5 * expected]
    assert float(without_stars.std()) == pytest.approx(expected, rel=0.03)
    assert np.array_equal(image_of(1, ra=10.0, dec=0.0), image_of(1, ra=10.0, dec=0.0))


def test_a_bias_is_its_level_and_its_read_noise() -> None:
    bias = image_of(kind="bias", seconds=0.0)
    assert bias.dtype == np.uint16
    assert float(bias.mean()) == pytest.approx(BIAS, abs=0.1)
    assert float(bias.std()) == pytest.approx(CHIP.read_noise / CHIP.gain, rel=0.02)


def test_a_dark_gathers_dark_current_and_no_stars() -> None:
    dark = image_of(kind="dark", seconds=100.0, dark=1.5, ra=83.633, dec=22.014)
    assert float(dark.mean()) == pytest.approx(BIAS + 100.0, rel=0.01)
    assert dark.max() < BIAS + 200


def test_a_flat_shows_the_vignetting() -> None:
    flat = image_of(kind="flat").astype(float)
    middle, corner = flat[246:266, 374:394].mean() - BIAS, flat[:20, :20].mean() - BIAS
    assert middle == pytest.approx(20_000, rel=0.01)
    assert corner / middle == pytest.approx(0.9, abs=0.01)


def test_bright_stars_saturate_and_do_not_wrap() -> None:
    image = image_of(seconds=600.0, ra=266.4, dec=-29.0)
    assert image.max() == 65_535
    assert image.min() > BIAS


def test_where_the_place_is_not_known_there_is_only_sky() -> None:
    image = image_of()
    assert image.max() < np.median(image) + 100


def test_the_wcs_is_read_without_a_complaint() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wcs_of(TangentPlane(10.0, 20.0, 100, 100, 1.0))
