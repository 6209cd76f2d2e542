"""How well this machine's clock keeps the time. Nothing is asked over the network.

Two sources: `chronyc tracking`, where chrony keeps the clock, and the kernel's own record
(adjtimex(2), Linux), which ntpd, systemd-timesyncd and chrony all keep.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from dataclasses import dataclass

TIMEOUT = 1.0
"""Seconds that chrony may take to answer."""

_UNSYNCHRONISED, _NANOSECONDS, _ERROR = 0x40, 0x2000, 5
_OFFSET_FIELD = 4
"""Of `chronyc -c tracking`: reference, its name, stratum, reference time, system time's offset."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What is known of the clock.

    `offset` is how far it is ahead of the true time as its keeper estimates it (seconds), which
    the keeper corrects little by little; None where nobody keeps it. `error` is the most that it
    may be off, as the kernel reckons; it grows by 0.5 ms a second while nobody corrects it.
    """

    offset: float | None
    error: float | None
    is_kept: bool


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("fraction", ctypes.c_long))


class _Timex(ctypes.Structure):
    """`struct timex` of the C library on 64-bit Linux."""

    _fields_ = (
        ("modes", ctypes.c_int),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Moment),
        ("tick", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def read_clock() -> Clock | None:
    """What is known of this machine's clock; None where it is not Linux."""
    kernel = _kernel()
    if kernel is None or not kernel.is_kept:
        return kernel
    offset = _chrony()
    return kernel if offset is None else Clock(offset, kernel.error, is_kept=True)


def _kernel() -> Clock | None:
    if not sys.platform.startswith("linux"):
        return None
    told = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (AttributeError, OSError):
        return None
    if state < 0:
        return None
    return clock_of(state, told.status, told.offset, told.maxerror)


def clock_of(state: int, status: int, offset: int, maxerror: int) -> Clock:
    """Read what adjtimex(2) says; `maxerror` in microseconds, `offset` too unless `status` says."""
    if state == _ERROR or status & _UNSYNCHRONISED:
        return Clock(None, None, is_kept=False)
    unit = 1e-9 if status & _NANOSECONDS else 1e-6
    # the kernel keeps what is to be added to the clock, which is behind by that much
    return Clock(-offset * unit, maxerror * 1e-6, is_kept=True)


def _chrony() -> float | None:
    program = shutil.which("chronyc")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - chrony's own program, no arguments from outside
            [program, "-c", "tracking"], capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
        return offset_of(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def offset_of(tracking: str) -> float:
    """Read the offset in seconds out of `chronyc -c tracking`; positive: the clock is ahead.

    Raises:
        ValueError, IndexError: it is no such line.
    """
    return -float(tracking.split(",")[_OFFSET_FIELD])
