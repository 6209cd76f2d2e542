"""What instruments take their own triggers for, and which of that is no new source.

A class counts where the instrument gives it at least even odds.
"""

from __future__ import annotations

from typing import Any

from pyros_agents.notices.placing import number

EVEN_ODDS = 0.5
_MOST_IN_ALL = 1.5
"""Probabilities that sum up to more than this are per cent."""

_NO_SOURCE = {
    "local_particles": "charged particles at the spacecraft",
    "distant_particles": "charged particles from the Earth's horizon",
    "below_horizon": "particles or light from below the Earth's horizon",
    "solar_flare": "a flare of the Sun",
    "sf": "a flare of the Sun",
    "tgf": "a gamma-ray flash of a thunderstorm on Earth",
    "terrestrial": "noise of the detectors",
    "cyg_x1": "the known source Cygnus X-1",
    "sgr_1806_20": "the known source SGR 1806-20",
    "groj_0422_32": "the known source GRO J0422+32",
    "known": "a known source",
}

_NO_PLACE = {
    "unreliable_location": "it calls its own position unreliable",
    "error": "it reports an error instead of a class",
}


def verdict_on(label: str, probability: float | None) -> tuple[str, str]:
    """Say what a class means: why it is no new source, and why its position is not to be trusted.

    `probability` is 0 to 1, None where it is not told. Both texts are ``""`` where all is well.
    """
    if probability is not None and probability < EVEN_ODDS:
        return "", ""
    key = label.strip().lower().replace(" ", "_")
    odds = "" if probability is None else f", probability {probability:.0%}"
    unreal, unsure = _NO_SOURCE.get(key, ""), _NO_PLACE.get(key, "")
    return (
        f"most likely {unreal} ({label}{odds})" if unreal else "",
        f"{unsure} ({label}{odds})" if unsure else "",
    )


def winner(classification: Any) -> tuple[str, float] | None:
    """Find the likeliest class of a table class -> probability; some count in per cent."""
    if not isinstance(classification, dict):
        return None
    table = {str(label): number(odds) for label, odds in classification.items()}
    known = {label: odds for label, odds in table.items() if odds is not None}
    if not known:
        return None
    whole = 100.0 if sum(known.values()) > _MOST_IN_ALL else 1.0
    label = max(known, key=lambda each: known[each])
    return label, known[label] / whole


def known_by_name(classification: Any) -> str:
    """Name the catalogued source in a table that sets sources against `unknown`; else ``""``."""
    found = winner(classification)
    if found is None or "unknown" not in classification:
        return ""
    label, odds = found
    return label if label != "unknown" and odds >= EVEN_ODDS else ""
