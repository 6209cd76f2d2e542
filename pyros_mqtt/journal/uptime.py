"""A clock that nobody sets: the time since this machine was started."""

from __future__ import annotations

import functools
import time
from pathlib import Path

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def uptime() -> float:
    """Seconds since the machine's start; on Linux with the time that it was suspended."""
    return time.clock_gettime(_CLOCK)


@functools.cache
def machine_life() -> str:
    """Names the time between two starts of the machine; empty where the system has no name."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
