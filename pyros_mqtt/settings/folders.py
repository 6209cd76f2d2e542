"""Where this machine keeps settings and state, also where there is no home folder."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

SITE_FOLDER = Path("/etc/pyros")
"""Settings of all users of a machine."""


def home() -> Path | None:
    """Find the user's home: `HOME`, else the password database; None where neither knows."""
    if os.environ.get("HOME"):
        return Path(os.environ["HOME"])
    found = Path(os.path.expanduser(f"~{_user()}"))  # noqa: PTH111 - Path.expanduser may raise
    return found if found.is_absolute() else None


def state_folder() -> Path:
    """Choose the folder for journals, logs and images where `PYROS_STATE_DIR` does not say."""
    if given := _absolute("XDG_STATE_HOME"):
        return given / "pyros"
    if sys.platform == "win32" and (given := _absolute("LOCALAPPDATA")):
        return given / "pyros"
    if (own := home()) is None:
        return Path(tempfile.gettempdir()) / f"pyros-{_user() or 'state'}"
    if sys.platform == "darwin":
        return own / "Library" / "Application Support" / "pyros"
    return own / ".local" / "state" / "pyros"


def config_folders() -> list[Path]:
    """List where a settings file is looked for: the first that has one decides."""
    folders = [Path.cwd()]
    if given := _absolute("XDG_CONFIG_HOME"):
        folders.append(given / "pyros")
    elif own := home():
        folders.append(own / ".config" / "pyros")
    return [*folders, SITE_FOLDER]


def own_config_folder() -> Path:
    """Choose where this user's settings belong: root's are those of the whole machine."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return SITE_FOLDER if is_root else config_folders()[1]


def _absolute(variable: str) -> Path | None:
    """Read a folder from the environment; the XDG rules have relative ones ignored."""
    given = Path(os.environ.get(variable, ""))
    return given if given.is_absolute() else None


def _user() -> str:
    """Name the user by the password database; empty where it knows none, as in containers."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return ""
