"""Moments at which a process can be made to die, to prove what its journal promises.

`PYROS_FAIL=after_start pyros run ...` kills the process with SIGKILL when it first comes to that
moment. Unset, a failpoint costs one comparison.
"""

from __future__ import annotations

import os
import signal
from typing import Literal, get_args

Failpoint = Literal["after_journal", "after_start", "after_run", "after_result", "after_ack"]
FAILPOINTS: tuple[Failpoint, ...] = get_args(Failpoint)

_armed: Failpoint | None = None


def arm(point: Failpoint | None) -> None:
    """Die at this moment; None: at none."""
    global _armed  # noqa: PLW0603 - one process has one life to lose
    _armed = point


def reach(point: Failpoint) -> None:
    """Say that this moment has come."""
    if _armed is not None and point == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
