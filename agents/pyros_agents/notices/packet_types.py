"""What the numbered packet types of GCN Classic bring (https://gcn.nasa.gov/docs/notices).

Types that are not here bring a position, or say by themselves that they have none.
"""

from __future__ import annotations

from pyros_agents.notices.notice import Kind

RETRACTION = 164
"""A gravitational-wave candidate is taken back."""

TESTS = frozenset({2, 44, 48, 82, 109, 119, 124, 136, 153, 159})

_BY_KIND = {
    # INTEGRAL SPI-ACS, IPN raw, Konus: times only; BAT and GBM: the call before the position
    Kind.TRIGGER: (31, 52, 59, 60, 110, 116, 148),
    Kind.SKYMAP: (150, 151, 152, 163),
    # INTEGRAL, Swift, AGILE, Fermi: slews, figures of merit, planned and actual directions
    Kind.POINTING: (46, 47, 51, 65, 66, 83, 94, 95, 96, 103, 107, 126, 129, 144),
    Kind.PRODUCT: (63, 64, 68, 69, 70, 72, 73, 76, 77, 78, 79, 80, 85, 86, 87, 88, 113, 160, 161),
    Kind.NOTHING_FOUND: (62, 71, 89),
    Kind.KNOWN_SOURCE: (125, 133, 135, 141),
    Kind.SUBTHRESHOLD: (98, 131, 140),
    Kind.HOUSEKEEPING: (3, 4, 90, 91, 92, 93, 142, 143),
}

KINDS = {packet: kind for kind, packets in _BY_KIND.items() for packet in packets}
"""Packet type -> what it brings."""

FERMI_CLASSES = {
    0: "ERROR",
    1: "UNRELIABLE_LOCATION",
    2: "LOCAL_PARTICLES",
    3: "BELOW_HORIZON",
    4: "GRB",
    5: "GENERIC_SGR",
    6: "GENERIC_TRANSIENT",
    7: "DISTANT_PARTICLES",
    8: "SOLAR_FLARE",
    9: "CYG_X1",
    10: "SGR_1806_20",
    11: "GROJ_0422_32",
    19: "TGF",
}
"""What Fermi's flight software takes a trigger for, by its `Most_Likely_Index`."""
