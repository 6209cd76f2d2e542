"""G16: what an older version has written is migrated whole, also where a kill comes between.

That neighbours one version apart understand each other is proved by payloads, in
`tests/wire/test_neighbours.py`.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pyros_mqtt.settings import BrokerUrl
from tests.faults import version_mutants
from tests.faults.builds import HEALTHY
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.old_files import KINDS, NEVER
from tests.faults.processes import Process, environment

NOWHERE = BrokerUrl("mqtt", "127.0.0.1", 1)
"""A file needs no broker."""

PATIENCE = 60.0
"""Seconds for a migration, on any machine."""


@dataclass(frozen=True, slots=True)
class Older:
    """A file of a first version, and a migration of it that nobody disturbs.

    Attributes:
        path: the file.
        whole: what is in it afterwards.
        statements: how many it takes.
        seconds: how long it takes.
    """

    path: Path
    whole: dict[str, Any]
    statements: int
    seconds: float


Death = Callable[[Older, int], str]
"""When the migration of a trial is killed, as `old_files` understands it."""


class Yard:
    """Migrates copies of older files, and kills that on the way."""

    def __init__(self, setting: Setting, death: Death) -> None:
        self._setting = setting
        self._death = death
        self._older = {kind: self._prepare(kind) for kind in KINDS}

    def _prepare(self, kind: str) -> Older:
        path = self._setting.folder / f"older-{kind}.sqlite"
        rows = KINDS[kind].write(path)
        whole = self._migrate(kind, self._copy(path, f"whole-{kind}"), NEVER, HEALTHY)
        assert whole is not None, f"a {kind} cannot be migrated: see {self._setting.folder}"
        assert whole["rows"] == rows
        return Older(path, whole, whole.pop("statements"), whole.pop("seconds"))

    def trial(self, number: int) -> Trial:
        """Kill one migration; then one that nobody kills has to find everything."""
        kind = list(KINDS)[number % len(KINDS)]
        older = self._older[kind]
        path = self._copy(older.path, f"{kind}-{number}")
        death = self._death(older, number)
        ended = self._migrate(kind, path, death, self._setting.build)
        is_certain = death.startswith("statement") and self._setting.build == HEALTHY
        assert ended is None or not is_certain, f"{death} was not reached"
        found = self._migrate(kind, path, NEVER, self._setting.build)
        for one in path.parent.glob(f"{path.stem}.*"):
            one.unlink()
        if found is None:
            return Trial(1, [f"the {kind} cannot be opened any more"])
        lost = len(set(older.whole["rows"]) - set(found["rows"]))
        told = [f"of the {kind} {lost} rows are lost"] if lost else []
        others = {key: found[key] for key in older.whole if found[key] != older.whole[key]}
        if others and not lost:
            told = [f"the {kind} is not what it should be: {str(others)[:300]}"]
        return Trial(1, told)

    def _copy(self, path: Path, name: str) -> Path:
        return Path(shutil.copy(path, self._setting.folder / f"{name}.sqlite"))

    def _migrate(self, kind: str, path: Path, death: str, build: str) -> dict[str, Any] | None:
        """Migrate in a process of its own; what it has found, or None where it has not ended."""
        result = path.with_suffix(".json")
        setting = replace(self._setting, build=build)
        variables = environment(setting, NOWHERE, "g16", setting.folder / "state")
        process = Process(variables, "migrate", kind, str(path), str(result), death)
        try:
            code = process.wait(PATIENCE)
        finally:
            process.kill()
        if code != 0:
            return None
        found: dict[str, Any] = json.loads(result.read_text())
        return found


def _at_a_statement(older: Older, number: int) -> str:
    return f"statement:{1 + number // len(KINDS) % older.statements}"


def _at_random(older: Older, number: int) -> str:
    chance = random.Random(f"g16 {number}")  # noqa: S311 - a seed
    return f"seconds:{chance.uniform(0, older.seconds)}"


def _opened(death: Death) -> Callable[[Setting], contextlib.AbstractContextManager[RunTrial]]:
    @contextlib.contextmanager
    def open_it(setting: Setting) -> Iterator[RunTrial]:
        yield Yard(setting, death).trial

    return open_it


FAILS = Harness(
    name="g16-failpoints",
    promise="G16",
    title="Journal, spool and archive of an older version are migrated whole, killed at any step",
    full=50,
    gate=24,
    mutants=(
        version_mutants.MIGRATES_BY_STATEMENT,
        version_mutants.NOTES_THE_VERSION_FIRST,
        version_mutants.STARTS_ANEW,
    ),
    open=_opened(_at_a_statement),
    needs=(),
)

KILLS = replace(
    FAILS,
    name="g16-random-kills",
    title="Journal, spool and archive of an older version are migrated whole, killed at any moment",
    gate=6,
    mutants=(version_mutants.MIGRATES_BY_STATEMENT,),
    open=_opened(_at_random),
)
