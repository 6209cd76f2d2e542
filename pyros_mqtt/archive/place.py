"""Where an archive is: its URL, for programs and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pyros_mqtt.errors import ArchiveError

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")

FILE = "archive.sqlite"
"""Its name in the state folder, where the settings name no other."""


def checked(url: str) -> str:
    """Give back a URL that names an archive.

    Raises:
        ArchiveError: it names none.
    """
    if not url.startswith((SQLITE, *POSTGRESQL)) or url == SQLITE:
        raise ArchiveError(
            f"{shown(url)!r} is no archive: say sqlite:///PATH or postgresql://USER@HOST/DATABASE"
        )
    return url


def archive_url(settings: Settings) -> str:
    """Give the URL: as the settings say, else of a file in the state folder."""
    return settings.archive or f"{SQLITE}{settings.state_dir / FILE}"


def shown(url: str) -> str:
    """Write an archive's URL without its password."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return url.partition(":")[0] + ":..."
    if password:
        host = parts.netloc.rpartition("@")[2]
        parts = parts._replace(netloc=f"{parts.username or ''}@{host}")
    return parts._replace(query="").geturl() if password or parts.query else url
