"""Where a measured process finds the broker, and under which root it speaks."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

from bench.job import PATIENCE, Job
from pyros_mqtt.link import Brokers, Link
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics


def settings_of(job: Job) -> Settings:
    """The settings that a job's place stands for; everything else is the default."""
    place = job.place
    return Settings(
        brokers=(BrokerUrl("mqtt", place["host"], place["port"]),),
        root=place["root"],
        state_dir=Path(place["state_dir"]),
        journal=place["journal"],
        log_level="error",
        publish_logs="off",
    )


def topics_of(job: Job) -> Topics:
    """The topic tree of this measurement alone."""
    return Topics(job.place["root"])


def link_of(job: Job) -> Link:
    """A connection that is not open yet."""
    return Brokers(settings_of(job)).transport(f"bench-{secrets.token_hex(4)}")


def opened(link: Link) -> Link:
    """Open it, and wait until it is up with its subscriptions."""
    up = threading.Event()
    link.on_state(lambda is_up: up.set() if is_up else None)
    link.open()
    if not up.wait(PATIENCE):
        raise TimeoutError(f"no connection: {link.trouble}")
    return link
