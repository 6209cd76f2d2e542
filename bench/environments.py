"""An environment for each peer, with exactly the versions that its `requirements.txt` names."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bench.systems import System
from pyros_mqtt.errors import PyrosError

FOLDER = Path(__file__).parents[1] / ".bench"
"""Where environments and scratch files are; git does not look there."""

INSTALL_PATIENCE = 600.0


class NotInstalled(PyrosError):
    """A peer or a server could not be installed here; the text says why."""


def python_of(system: System) -> Path:
    """Give the interpreter that has the peer, after installing it where it is not yet.

    Raises:
        NotInstalled: pip could not.
    """
    if not system.requirements.exists() or _is_here(system.requirements):
        return Path(sys.executable)
    folder = FOLDER / "environments" / system.peer
    python = folder / "bin" / "python"
    mark = folder / f"has-{_checksum(system.requirements)}"
    if not mark.exists():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--no-input", "--requirement", str(system.requirements))
        mark.touch()
    return python


def _is_here(requirements: Path) -> bool:
    """Whether the project's own environment has these very versions, so that it can serve."""
    for line in requirements.read_text("utf-8").split():
        name, _, version = line.partition("==")
        try:
            if metadata.version(name) != version:
                return False
        except metadata.PackageNotFoundError:
            return False
    return True


def _checksum(file: Path) -> str:
    told = file.read_bytes() + sys.version.encode()
    return hashlib.sha256(told).hexdigest()[:16]


def _run(*command: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own words
            command, check=True, capture_output=True, text=True, timeout=INSTALL_PATIENCE
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout or "").strip().splitlines()[-1:]
        raise NotInstalled(f"{' '.join(command[:4])} ...: {' '.join(last)}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from None
