"""Which process uses a journal, so that a second one finds out whether the first still lives."""

from __future__ import annotations

import os
from pathlib import Path

from pyros_mqtt.journal.uptime import machine_life

_STATE, _START = 0, 19
"""Places in /proc/PID/stat behind the name (proc(5): fields 3 and 22)."""

_DEAD = "ZX"


def this_process() -> str:
    """Name the calling process, as no other one will be; empty where the system does not help."""
    start = _start_of(os.getpid())
    return f"{machine_life()} {os.getpid()} {start}" if start and machine_life() else ""


def living(name: str) -> int | None:
    """The process id of who was named so, if it is another one than this and lives."""
    if not name or name == this_process():
        return None
    life, pid, start = name.split()
    return int(pid) if life == machine_life() and start == _start_of(int(pid)) else None


def _start_of(pid: int) -> str:
    """When a process began, in ticks of the machine's clock; empty where none lives."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[_STATE] in _DEAD else fields[_START]
