"""The small observatory of the demo: which agents, under which sky."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pyros_mqtt import Settings

NOTICE = "SWIFT_bat_position_v2.0_example.xml"
"""The real Swift BAT notice of GRB 120907A that the package `voevent-parse` carries."""

SKY_START = "2012-09-07T00:21:00Z"
"""Some minutes before that burst, when its place stood high over Les Makes."""

BURST_SKY_SECONDS = 216.0
"""From the start of the sky to the date of the notice, 00:24:36."""

AGENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "weather": ("pyros_agents.weather:Weather", {}),
    "safety": ("pyros_agents.safety:Safety", {"settle": 0}),
    "dome": ("pyros_agents.dome:Dome", {}),
    "telescope": ("pyros_agents.telescope:Telescope", {}),
    "camera": ("pyros_agents.camera:Camera", {}),
    "scheduler": ("pyros_agents.scheduler:Scheduler", {"on": False}),
    "alert_manager": ("pyros_agents.alert_manager:AlertManager", {"exposures": 3, "seconds": 20.0}),
}
"""Name, class and options, in the order of their start."""

REMEMBERING = ("safety", "scheduler", "alert_manager")
"""Those who keep a file for their next life."""


def notice_path() -> Path:
    """Where the notice lies on this machine."""
    import voeventparse

    return Path(voeventparse.__file__).parent / "fixtures" / NOTICE


def night_settings(broker: str, images: Path, state: Path, speed: float) -> Settings:
    """Settings of one night on one broker; the sky starts now, `speed` times as fast."""
    sky = {"start": SKY_START, "speed": speed, "anchor": time.time()}
    return Settings(
        brokers=[broker],
        state_dir=state,
        beat=1.0,
        log_level="warning",
        observatory={"sky": sky, "images": str(images)},
        agents={
            name: {"class": path, "options": options | _memory(name, state)}
            for name, (path, options) in AGENTS.items()
        },
    )


def _memory(name: str, state: Path) -> dict[str, str]:
    return {"memory": str(state / f"{name}.json")} if name in REMEMBERING else {}
