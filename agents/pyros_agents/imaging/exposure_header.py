"""The header of an image: what, when, where, with what, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from astropy.io import fits
from pydantic import TypeAdapter, ValidationError

from pyros_agents.arguments import Declination, RightAscension
from pyros_agents.astronomy.ephemeris import airmass, horizontal, sun_altitude
from pyros_agents.astronomy.night import night_of
from pyros_agents.astronomy.sexagesimal import show_dec, show_ra
from pyros_agents.astronomy.sky import Site
from pyros_agents.astronomy.tangent_plane import TangentPlane
from pyros_agents.imaging.detector import Exposure, Instrument

_UNIX_EPOCH_MJD = 40_587.0

_LARGEST = 1e15
"""A number of a peer that is larger measures nothing; its digits would be cut off."""

_PEER_CARDS = {
    "telescope": (
        ("TELSTATE", "state", "what the mount did"),
        ("AZIMUTH", "az", "[deg] of the telescope, from north through east"),
        ("ALTITUDE", "alt", "[deg] of the telescope"),
    ),
    "dome": (("SHUTTER", "state", "the dome's shutter"), ("SHUTFRAC", "fraction", "0 closed")),
    "weather": (
        ("AMBTEMP", "temperature", "[degC] outside"),
        ("HUMIDITY", "humidity", "[%] outside"),
        ("WINDSPD", "wind", "[km/h]"),
        ("PRESSURE", "pressure", "[hPa]"),
    ),
}
"""Keyword, field and comment, by peer."""

Card = tuple[str, Any, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One finished exposure. `begun` is POSIX seconds of the sky, `temperature` degC.

    `exposure` says where the image was taken, `ra` and `dec` what the command asked for (degrees).
    """

    exposure: Exposure
    begun: float
    target: str
    ra: float | None
    dec: float | None
    temperature: float
    instrument: Instrument
    site: Site

    @property
    def night(self) -> str:
        """The night's name, `2026-11-22`."""
        return night_of(self.begun, self.site).isoformat()

    @property
    def date_obs(self) -> str:
        """When it began: UTC, ISO 8601, as FITS writes it."""
        return datetime.fromtimestamp(self.begun, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


_place = TypeAdapter(tuple[RightAscension, Declination])


def pointing_of(peers: Mapping[str, Mapping[str, Any]]) -> tuple[float, float] | None:
    """Tell where the telescope says that it looks, ICRS degrees; None where it says no place."""
    words = peers.get("telescope", {})
    try:
        return _place.validate_python((words.get("ra"), words.get("dec")), strict=True)
    except ValidationError:
        return None


def gaps_of(peers: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the peers that were silent; a telescope that says no place counts as one of them."""
    silent = tuple(peer for peer in _PEER_CARDS if peer not in peers)
    return silent if pointing_of(peers) or "telescope" in silent else ("telescope", *silent)


def header_of(record: Record, peers: Mapping[str, Mapping[str, Any]]) -> fits.Header:
    """Write the header; `peers` are the words of `telescope`, `dome` and `weather`, where heard."""
    header = fits.Header()
    groups = (_what(record), _where(record, peers), _with_what(record))
    for card in (*(card for group in groups for card in group), *_heard(peers)):
        header.append(_written(*card))
    exposure, chip = record.exposure, record.instrument
    if exposure.kind == "light" and exposure.ra is not None and exposure.dec is not None:
        plane = TangentPlane(exposure.ra, exposure.dec, chip.width, chip.height, chip.scale)
        header.update(plane.cards())
    return header


def _written(keyword: str, value: Any, comment: str) -> fits.Card:
    """Write a card; what FITS does not take is a gap, and does not cost the image."""
    try:
        card = fits.Card(keyword, value, comment)
        str(card)  # only now it is put together
    except (ValueError, fits.VerifyError):
        return fits.Card(keyword, None, "gap: it cannot be written")
    return card


def _what(record: Record) -> list[Card]:
    exposure, middle = record.exposure, record.begun + record.exposure.seconds / 2
    return [
        ("DATE-OBS", record.date_obs, "UTC at the start"),
        ("TIMESYS", "UTC", ""),
        ("MJD-OBS", record.begun / 86_400 + _UNIX_EPOCH_MJD, "[d] at the start"),
        ("DAY-OBS", record.night, "the night, by its sunset's local date"),
        ("EXPTIME", exposure.seconds, "[s]"),
        ("IMAGETYP", exposure.kind.upper(), ""),
        ("OBJECT", plain(record.target), ""),
        ("FILTER", exposure.filter, ""),
        ("SUNALT", round(sun_altitude(middle, record.site), 3), "[deg] at mid-exposure"),
    ]


def _where(record: Record, peers: Mapping[str, Any]) -> list[Card]:
    """Tell where the telescope looked, and mark it where that is not known."""
    ra, dec = record.exposure.ra, record.exposure.dec
    is_measured = pointing_of(peers) == (ra, dec)
    source = "as measured" if is_measured else "requested; telescope silent"
    mass = None
    if ra is None or dec is None:
        source = "gap: telescope silent"
    else:
        middle = record.begun + record.exposure.seconds / 2
        mass = airmass(horizontal(ra, dec, middle, record.site).altitude)
    cards: list[Card] = [
        ("RA", ra, f"[deg] ICRS, {source}"),
        ("DEC", dec, f"[deg] ICRS, {source}"),
        ("AIRMASS", None if mass is None else round(mass, 4), "at mid-exposure"),
    ]
    if record.ra is not None and record.dec is not None:
        cards.append(("OBJCTRA", show_ra(record.ra), "[h:m:s] ICRS, as requested"))
        cards.append(("OBJCTDEC", show_dec(record.dec), "[d:m:s] ICRS, as requested"))
    return cards


def _with_what(record: Record) -> list[Card]:
    chip, site = record.instrument, record.site
    return [
        ("TELESCOP", chip.telescope, ""),
        ("INSTRUME", chip.name, ""),
        ("GAIN", chip.gain, "[electron/adu]"),
        ("RDNOISE", chip.read_noise, "[electron]"),
        ("PIXSCALE", chip.scale, "[arcsec/pixel]"),
        ("CCD-TEMP", round(record.temperature, 2), "[degC]"),
        ("OBSERVAT", plain(site.name), ""),
        ("SITELAT", site.latitude, "[deg] north, WGS 84"),
        ("SITELONG", site.longitude, "[deg] east, WGS 84"),
        ("SITEELEV", site.height, "[m]"),
    ]


def _heard(peers: Mapping[str, Mapping[str, Any]]) -> list[Card]:
    """Write what the peers said; a gap is an undefined value, and its peer is named in GAPS."""
    cards: list[Card] = []
    for peer, wanted in _PEER_CARDS.items():
        words = peers.get(peer)
        for keyword, name, comment in wanted:
            value = None if words is None else words.get(name)
            if isinstance(value, str) or _is_number(value):
                cards.append((keyword, plain(value) if isinstance(value, str) else value, comment))
            else:
                cards.append((keyword, None, f"gap: no word from the {peer}"))
    cards.append(("GAPS", " ".join(gaps_of(peers)), "peers that were silent"))
    return cards


def _is_number(value: Any) -> bool:
    """Whether a header can hold it: no yes or no, and nothing without end."""
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    return is_plain and abs(value) < _LARGEST


def plain(text: str) -> str:
    """Reduce a text to what a FITS value holds: 68 printable ASCII characters."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:68]
