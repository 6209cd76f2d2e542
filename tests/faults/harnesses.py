"""Every harness there is; the gate and the soak run them from here."""

from __future__ import annotations

from tests.faults import g6_abort, g7_liveness, g8_status, g9_owner
from tests.faults.g2_honest import G2
from tests.faults.g10_order import G10
from tests.faults.g13_bad_input import G13
from tests.faults.g15_soak import G15
from tests.faults.harness import Harness

HARNESSES: tuple[Harness, ...] = (
    G2,
    *g6_abort.HARNESSES,
    *g7_liveness.HARNESSES,
    *g8_status.HARNESSES,
    *g9_owner.HARNESSES,
    G10,
    G13,
    G15,
)
