"""Every harness there is; the gate and the soak run them from here."""

from __future__ import annotations

from tests.faults import g6_abort, g7_liveness, g8_status, g9_owner
from tests.faults.harness import Harness

HARNESSES: tuple[Harness, ...] = (
    *g6_abort.HARNESSES,
    *g7_liveness.HARNESSES,
    *g8_status.HARNESSES,
    *g9_owner.HARNESSES,
)
