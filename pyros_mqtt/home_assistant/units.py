"""VOUnit's spellings -> those of Home Assistant, and the classes that go with them.

A class is only given where Home Assistant takes this unit for it and the unit leaves no choice: `%`
may be a humidity or the state of a battery, so it has none. See
https://developers.home-assistant.io/docs/core/entity/sensor/#available-device-classes
"""

from __future__ import annotations

from types import MappingProxyType

UNITS = MappingProxyType(
    {
        "deg_C": ("°C", "temperature"),
        "K": ("K", "temperature"),
        "Pa": ("Pa", "pressure"),
        "hPa": ("hPa", "pressure"),
        "kPa": ("kPa", "pressure"),
        "V": ("V", "voltage"),
        "mV": ("mV", "voltage"),
        "A": ("A", "current"),
        "mA": ("mA", "current"),
        "W": ("W", "power"),
        "kW": ("kW", "power"),
        "Hz": ("Hz", "frequency"),
        "kHz": ("kHz", "frequency"),
        "MHz": ("MHz", "frequency"),
        "GHz": ("GHz", "frequency"),
        "lx": ("lx", "illuminance"),
        "m.s**-1": ("m/s", "speed"),
        "m/s": ("m/s", "speed"),
        "km.h**-1": ("km/h", "speed"),
        "km/h": ("km/h", "speed"),
        "mm.h**-1": ("mm/h", "precipitation_intensity"),
        "mm/h": ("mm/h", "precipitation_intensity"),
        "W.m**-2": ("W/m²", "irradiance"),
        "m": ("m", "distance"),
        "cm": ("cm", "distance"),
        "mm": ("mm", "distance"),
        "km": ("km", "distance"),
        "kg": ("kg", "weight"),
        "g": ("g", "weight"),
        "d": ("d", "duration"),
        "h": ("h", "duration"),
        "min": ("min", "duration"),
        "s": ("s", "duration"),
        "ms": ("ms", "duration"),
        "byte": ("B", "data_size"),
        "deg": ("°", ""),
        "um": ("µm", ""),
        "us": ("µs", ""),
        "Ohm": ("Ω", ""),
    }
)
"""For each of our units theirs, and its device class, or none."""


def unit_of(unit: str) -> tuple[str, str]:
    """Give Home Assistant's unit and device class; what it does not know it shows as it stands."""
    return UNITS.get(unit, (unit, ""))
