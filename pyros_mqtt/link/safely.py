"""Calls what is not ours in the network thread, which nothing may end."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


def safely(call: Callable[[], object]) -> bool:
    """Call it, and log what goes wrong; whether nothing has."""
    try:
        call()
    except Exception:
        log.exception("a handler failed; the connection goes on")
        return False
    return True
