"""Who sends notices, under one name each, so that the links of a chain find each other."""

from __future__ import annotations

_NAMES = {
    "swift": "Swift",
    "fermi": "Fermi",
    "integral": "INTEGRAL",
    "maxi": "MAXI",
    "svom": "SVOM",
    "einstein_probe": "Einstein Probe",
    "einstein probe": "Einstein Probe",
    "ep": "Einstein Probe",
    "icecube": "IceCube",
    "lvc": "LVK",
    "lvk": "LVK",
    "igwn": "LVK",
    "superk": "Super-Kamiokande",
    "sk_sn": "Super-Kamiokande",
    "gecam": "GECAM",
    "calet": "CALET",
    "agile": "AGILE",
    "chime": "CHIME",
    "snews": "SNEWS",
    "burstcube": "BurstCube",
}


def mission(word: str) -> str:
    """Give a mission its usual name; one that is not known here keeps its own."""
    return _NAMES.get(word.strip().lower(), word.strip())
