"""Where this machine keeps who may do what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyros_mqtt.access.folder import Folder

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings


def access_folder(settings: Settings) -> Path:
    """Find the access folder: the one that is set, or the usual place."""
    return settings.access_folder or settings.state_dir / "access"


def access_file(settings: Settings) -> Path | None:
    """Find `access.toml`: the one that is set, else that of the access folder, if it is there."""
    if settings.access_file is not None:
        return settings.access_file
    usual = Folder(access_folder(settings)).register
    return usual if os.path.isfile(usual) else None  # noqa: PTH113 - never raises
