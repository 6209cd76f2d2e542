"""Every harness there is; the gate and the soak run them from here."""

from __future__ import annotations

from tests.faults import (
    g1_durable,
    g2_honest,
    g3_starts,
    g4_memory,
    g5_expiry,
    g6_abort,
    g7_liveness,
    g8_status,
    g9_owner,
    g10_order,
    g13_bad_input,
    g14_doors,
    g15_soak,
    g16_versions,
    g_clusters,
)
from tests.faults.harness import Harness

HARNESSES: tuple[Harness, ...] = (
    g1_durable.DURABLE,
    g2_honest.G2,
    g3_starts.FAILS,
    g3_starts.KILLS,
    g4_memory.RESTARTS,
    g4_memory.MILLION,
    g5_expiry.DELAYS,
    g5_expiry.CLOCKS,
    *g6_abort.HARNESSES,
    *g7_liveness.HARNESSES,
    *g8_status.HARNESSES,
    *g9_owner.HARNESSES,
    g10_order.G10,
    g13_bad_input.G13,
    g14_doors.G14,
    g15_soak.G15,
    g16_versions.FAILS,
    g16_versions.KILLS,
    *g_clusters.HARNESSES,
)
