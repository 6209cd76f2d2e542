"""An agent as the guest of a larger program: it ends with it, and does what its host asks for.

A program whose purpose is its agents lives as long as they do, as in PyROS: a script may end with
`Dome().start()`. A web server that sets up its applications, one of which starts an agent, must be
able to end by itself; its agents say goodbye on the way out.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

HOSTS = frozenset({"django.apps.registry"})
"""Modules that set up the applications of a program; what is started under them is a guest."""

PATIENCE = 5.0
"""Most seconds by which agents that say goodbye delay the end of the process."""


class Living(Protocol):
    """What is asked of a life when the process ends."""

    @property
    def is_alive(self) -> bool:
        """It goes on."""

    @property
    def has_begun(self) -> bool:
        """It has begun to work, so that there is something to end."""

    def stop(self, why: str) -> None:
        """Ask it to end."""

    def join(self, timeout: float | None) -> bool:
        """Wait for the end."""


def is_guest() -> bool:
    """Tell whether the caller was called, however indirectly, by the set-up of a host."""
    frames = traceback.walk_stack(None)
    return any(frame.f_globals.get("__name__") in HOSTS for frame, _ in frames)


def heed_sigterm() -> None:
    """Let SIGTERM end this process in the way that Ctrl-C does, if nobody has said otherwise.

    By default it kills at once, and nobody could say goodbye. Django's autoreloader does the same.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


# -- the end of the process -------------------------------------------------------------------

_lives: weakref.WeakSet[Living] = weakref.WeakSet()


def see_off(life: Living) -> None:
    """Stop this life when the process ends, and wait for its goodbye.

    `atexit` calls after the threads that keep the process alive have ended, or after the Ctrl-C
    that broke that wait; daemon threads still run then, so that goodbyes are sent.
    """
    _lives.add(life)


def is_last(life: Living) -> bool:
    """Tell whether no other life of this process goes on."""
    return not any(other.is_alive for other in list(_lives) if other is not life)


@atexit.register
def _farewell() -> None:
    leaving = [life for life in list(_lives) if life.is_alive]
    for life in leaving:
        life.stop("the process ends")
    deadline = time.monotonic() + PATIENCE
    for life in leaving:
        if life.has_begun:  # one that still looks whether its name is free has nothing to say
            life.join(max(0.0, deadline - time.monotonic()))


# Threads do not survive a fork: what a child has inherited are dead copies with locks in any state.
os.register_at_fork(after_in_child=_lives.clear)


# -- between two pieces of work ---------------------------------------------------------------

_between: list[Callable[[], object]] = []
_here = threading.local()


def between_work(callback: Callable[[], object]) -> None:
    """Call back before and after each hook, action and chore of every agent of this process.

    The callback runs in the thread that does the work. A chore that runs while an action waits is
    part of that action. What the callback raises is logged.
    """
    if callback not in _between:
        _between.append(callback)


def work(call: Callable[[], T]) -> T:
    """Do one piece of work, and what the host wants done around it."""
    if not _between or getattr(_here, "is_working", False):
        return call()
    _here.is_working = True
    _pause()
    try:
        return call()
    finally:
        _pause()
        _here.is_working = False


def _pause() -> None:
    for callback in _between:
        try:
            callback()
        except Exception:  # the host's trouble must not end an agent's work
            log.exception("what the host wants done between two pieces of work has failed")
