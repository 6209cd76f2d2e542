"""On what a soak runs: the machine, its programs, and the commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from pyros_mqtt.broker.kinds import find_mosquitto

REPOSITORY = Path(__file__).parents[3]


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpus": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "mosquitto": _mosquitto(),
    }


def commit() -> str:
    """The commit that is checked out; `+changes` where files differ from it."""
    number = _said("git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD")
    changed = _said("git", "-C", str(REPOSITORY), "status", "--porcelain", "--untracked-files=no")
    return f"{number or 'unknown'}{'+changes' if changed else ''}"


def _mosquitto() -> str:
    program = find_mosquitto()
    found = re.search(r"version (\S+)", _said(program, "-h")) if program else None
    return found[1] if found else "none"


def _said(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - git and mosquitto
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
