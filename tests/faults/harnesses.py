"""Every harness there is; the gate and the soak run them from here."""

from __future__ import annotations

from tests.faults import g1_durable, g3_starts, g4_memory, g5_expiry
from tests.faults.harness import Harness

HARNESSES: tuple[Harness, ...] = (
    g1_durable.DURABLE,
    g3_starts.FAILS,
    g3_starts.KILLS,
    g4_memory.RESTARTS,
    g4_memory.MILLION,
    g5_expiry.DELAYS,
    g5_expiry.CLOCKS,
)
