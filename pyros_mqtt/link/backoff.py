"""How long to wait before the next attempt: capped, with full jitter."""

from __future__ import annotations

import random

BASE = 0.25
CAP = 5.0
_DOUBLINGS = 16


def delay(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0); any number is fine.

    Full jitter keeps two hundred agents from coming back to a restarted broker in step
    (M. Brooker, "Exponential Backoff and Jitter", 2015).
    """
    return random.uniform(0, min(CAP, BASE * 2.0 ** min(attempt, _DOUBLINGS)))  # noqa: S311
