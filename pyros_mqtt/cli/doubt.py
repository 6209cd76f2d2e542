"""Whether our own certificate may be why a broker hangs up: TLS tells a client nothing of that."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

_HUNG_UP = ("alert", "broken", "closed", "EOF", "lost", "reset", "SSL")
"""Words of a connection that a broker has ended, before or after TLS was agreed upon."""

_THEIRS = "certificate verify failed"


def of_our_certificate(settings: Settings, trouble: str) -> str:
    """Say what may be wrong with our certificate and what to do; empty where nothing hints at it.

    Args:
        settings: where the certificate is.
        trouble: what a connection said of its end.
    """
    file = settings.cert_file
    if file is None or _THEIRS in trouble or not any(one in trouble for one in _HUNG_UP):
        return ""
    from pyros_mqtt.access.expiry import end_of
    from pyros_mqtt.errors import AccessError

    try:
        end = end_of(file)
    except AccessError as problem:
        return str(problem)
    if end > time.time():
        listed = f"`pyros access list --all` where the authority is tells of {file.stem}"
        return f"perhaps your certificate {file} was revoked: {listed}"
    day = f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d}"
    renew = f"`pyros access rotate {file.stem}` where the authority is, and carry the bundle here"
    return f"your certificate {file} has ended on {day}: {renew}"
