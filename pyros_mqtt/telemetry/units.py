"""Units as VOUnit spells them (https://www.ivoa.net/documents/VOUnits/)."""

from __future__ import annotations

import functools
import importlib.util
import logging
import warnings

from pyros_mqtt.messages import Channel

log = logging.getLogger(__name__)

BESIDES = frozenset({"", "%", "deg_C"})
"""Not in VOUnit, which has neither percent nor Celsius; `deg_C` is astropy's spelling."""

_WORDS = (
    "m mm um nm cm km s ms us ns min h d a g kg K Pa hPa kPa V mV kV A mA W mW kW J N Hz kHz MHz",
    "GHz T Ohm lm lx deg arcmin arcsec mas rad ct adu pix mag ph photon bit byte dB",
    "m.s**-1 m/s km.h**-1 km/h mm.h**-1 mm/h deg.s**-1 deg/s arcsec.s**-1 arcsec/s rad.s**-1",
    "s**-1 ct.s**-1 adu.s**-1 W.m**-2 mag.arcsec**-2 g.cm**-3",
)

WELL_KNOWN = frozenset(word for line in _WORDS for word in line.split())
"""The units of an observatory: with these alone an agent starts without loading astropy."""

_NEAREST = {"degC": "deg_C", "C": "deg_C", "°C": "deg_C", "°": "deg", "degrees": "deg"}


def check_unit(channel: Channel) -> None:
    """Tell in the log of a unit that readers may not understand. It ends nothing.

    What is not well known is looked up in astropy, where that is installed.
    """
    fault = _fault(channel.unit)
    if fault:
        log.warning("channel %s: the unit %r %s", channel.name, channel.unit, fault)


@functools.cache
def _fault(unit: str) -> str:
    if unit in BESIDES or unit in WELL_KNOWN:
        return ""
    if unit in _NEAREST:
        return f"should be {_NEAREST[unit]!r}"
    if importlib.util.find_spec("astropy") is None:
        return ""
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated units are units
        try:
            units.Unit(unit, format="vounit")
        except (TypeError, ValueError) as error:
            return f"is not in VOUnit: {str(error).splitlines()[0]}"
    return ""
