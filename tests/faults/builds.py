"""Builds of the library with one promise broken on purpose, which the harnesses have to catch.

A process under test is started with `PYTHONPATH` on the repository and calls `become(build)` before
it makes its first agent or sender. Nothing of this is in the library.

The mutants of a room stand in files of their own, of which `FILES` knows.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable

BUILD = "FAULTS_BUILD"
"""The environment variable that names the build of a process."""

HEALTHY = "healthy"

FILES = (
    "tests.faults.mutants",
    "tests.faults.live_mutants",
    "tests.faults.version_mutants",
    "tests.faults.wire_mutants",
)
"""The modules that register mutants."""

_MUTANTS: dict[str, Callable[[], None]] = {}


def mutant(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Mark a function that breaks the library of this process."""

    def register(break_it: Callable[[], None]) -> Callable[[], None]:
        _MUTANTS[name] = break_it
        return break_it

    return register


def put(owner: object, name: str, what: object) -> None:
    """Replace something of the library, which has to be there."""
    assert hasattr(owner, name), f"{owner} has no {name} any more: mend the mutant"
    setattr(owner, name, what)


def become(build: str | None = None) -> None:
    """Turn this process into a build; by default the one that its environment names."""
    name = build or os.environ.get(BUILD, HEALTHY)
    if name != HEALTHY:
        for file in FILES:
            importlib.import_module(file)
        _MUTANTS[name]()
