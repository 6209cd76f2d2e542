"""The observatory that the package ships, at work under a simulated sky, for pictures and tests."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pyros_agents.demo.observatory import AGENTS, SKY_START
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.link import Brokers
from pyros_mqtt.sender import Sender
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.supervisor import Supervisor
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Parcel
from pyros_mqtt.wire import to_rfc3339

SITE = """
[observatory.site]
latitude = -21.1992
longitude = 55.4108
height = 991.0
name = "Les Makes"
"""


def night(folder: Path, url: BrokerUrl, root: str, speed: float = 10.0) -> Settings:
    """The settings of its agents, and a pyros.toml in `folder` that tells the dashboard of them."""
    sky = {"start": SKY_START, "speed": speed, "anchor": time.time()}
    settings = Settings(
        brokers=[str(url)],
        root=root,
        state_dir=folder / "state",
        beat=1.0,
        log_level="warning",
        observatory={"sky": sky, "images": str(folder / "images")},
        agents={
            name: {"class": path, "options": options} for name, (path, options) in AGENTS.items()
        },
    )
    lines = [
        "[observatory]",
        f'images = "{folder / "images"}"',
        SITE,
        "[observatory.sky]",
        f'start = "{sky["start"]}"',
        f"speed = {sky['speed']}",
        f"anchor = {sky['anchor']}",
    ]
    (folder / "pyros.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return settings


@contextlib.contextmanager
def observatory(settings: Settings) -> Iterator[Sender]:
    """Bring the agents up, and let them observe."""
    supervisor = Supervisor(settings, on_line=lambda *_: None)
    bus = Brokers(settings)
    with Fleet(bus, Topics(settings.root)) as fleet:
        supervisor.start()
        try:
            assert fleet.wait_until(lambda: not supervisor.unready(fleet), 60)
            with Sender("ops", bus=bus, settings=settings) as sender:
                sender.send_to("scheduler", "night", on=True)
                yield sender
        finally:
            supervisor.stop()


def raise_alarms(bus: Bus, root: str) -> None:
    """Let the broker keep three alarms, as agents raise them."""
    now = time.time()
    alarms = (
        ("weather", "wind", "serious", "raised", "gusts over the limit", 43.1, 40.0, 95, ""),
        ("camera", "cooling", "warning", "acknowledged", "it warms up", -58.2, -60.0, 900, "vera"),
        ("dome", "shutter", "critical", "raised", "not closed within 45 s", None, None, 12, ""),
    )  # fmt: skip
    transport = bus.transport(f"alarms-{root}")
    up = threading.Event()
    transport.on_state(lambda is_up: up.set() if is_up else None)
    transport.open()
    assert up.wait(20)
    for agent, name, severity, state, text, value, limit, age, by in alarms:
        body = {
            "alarm": name, "agent": agent, "about": f"{agent}/{name}", "state": state,
            "severity": severity, "text": text, "value": value, "limit": limit,
            "raised_at": to_rfc3339(now - age), "at": to_rfc3339(now - age / 2), "by": by,
            "until": None,
        }  # fmt: skip
        topic, payload = Topics(root).alarm(agent, name), json.dumps(body).encode()
        transport.publish(Parcel(topic, payload, 1, retain=True, keep=True))
    transport.close(2.0)
