"""Which part a process plays in which Django has been set up: does it serve the project?"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Collection
from enum import Enum, auto


class Role(Enum):
    """What a process is for."""

    SERVER = auto()
    """It serves the project, perhaps beside others."""
    WILL_FORK = auto()
    """It loads the project, and forks workers that serve it."""
    OTHER = auto()
    """A management command, a script, a test, or one that only starts a server."""


def role(serving_commands: Collection[str]) -> Role:
    """Tell from `ready()` which part this process plays.

    Who serves calls `get_wsgi_application` or `get_asgi_application`, which sets Django up, or is a
    management command that serves. Scripts, Celery workers and pytest set Django up by themselves.
    """
    callers = {frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_stack(None)}
    if callers & {"django.core.wsgi", "django.core.asgi"}:
        return _under_gunicorn(callers) if "gunicorn.app.base" in callers else Role.SERVER
    if "django.core.management" in callers and _serves(sys.argv[1:], serving_commands):
        return Role.SERVER
    return Role.OTHER


def is_new_worker() -> bool:
    """Tell, right after a fork, whether gunicorn's arbiter made a worker, and nothing else."""
    births = ("gunicorn.arbiter", "spawn_worker")
    frames = (frame for frame, _ in traceback.walk_stack(None))
    return any((one.f_globals.get("__name__"), one.f_code.co_name) == births for one in frames)


def _under_gunicorn(callers: set[str]) -> Role:
    """With --preload the arbiter loads the project; --check-config does so and ends."""
    if "gunicorn.workers.base" in callers:
        return Role.SERVER
    return Role.WILL_FORK if "gunicorn.arbiter" in callers else Role.OTHER


def _serves(words: list[str], serving_commands: Collection[str]) -> bool:
    if not words or words[0] not in serving_commands:
        return False
    # the autoreloader's parent only watches; its child, which is told by RUN_MAIN, serves
    return words[0] != "runserver" or "--noreload" in words or _is_reloaded()


def _is_reloaded() -> bool:
    return os.environ.get("RUN_MAIN") == "true"
