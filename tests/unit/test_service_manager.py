"""A sign of life in a file, for engines of containers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pyros_mqtt.service_manager import FILE_PAUSE, ServiceManager
from pyros_mqtt.settings import Service

HEALTHY = Path(__file__).parents[2] / "deploy" / "container" / "healthy"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alive"


def asked(file: Path, *words: str) -> tuple[int, str]:
    """Ask as an engine does; gives the exit code and what it shows."""
    done = subprocess.run(  # noqa: S603 - the project's own
        [HEALTHY, *words],
        env=os.environ | {"PYROS_LIFE_FILE": str(file)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_the_file_holds_how_we_are_and_its_age_when_we_lived(file: Path) -> None:
    manager = ServiceManager(Service(life_file=file))
    assert manager.pause == FILE_PAUSE
    manager.status("dome: busy; open")
    assert file.read_text() == "dome: busy; open\n"
    os.utime(file, (0, 0))
    manager.status("dome: busy; open")  # nothing new
    assert file.stat().st_mtime == 0
    manager.alive()
    assert file.stat().st_mtime > 0
    assert file.read_text() == "dome: busy; open\n"


def test_systemds_watchdog_may_ask_more_often(file: Path) -> None:
    assert ServiceManager(Service(watchdog=4.0, life_file=file)).pause == 2.0
    assert ServiceManager(Service(watchdog=4.0)).pause == 2.0
    assert ServiceManager(Service()).pause is None


def test_a_file_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    ServiceManager(Service(life_file=tmp_path / "nowhere" / "alive")).alive()


def test_it_is_named_by_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Service.of_environment().life_file is None
    monkeypatch.setenv("PYROS_LIFE_FILE", str(file))
    assert Service.of_environment().life_file == file


@pytest.mark.parametrize(
    ("words", "is_healthy", "is_alive"),
    [
        ("dome: ready", True, True),
        ("dome: busy; open", True, True),
        ("dome: degraded; wind: no sensor", True, True),
        ("keeps 3 of 3 agents", True, True),
        ("dome: starting; work() has not returned for 5 s", False, True),
        ("dome: fault; open hangs", False, True),
        ("dome: stopping; waits for open", False, True),
    ],
)
def test_a_container_is_healthy_while_its_agent_takes_commands_without_a_fault(
    file: Path, words: str, is_healthy: bool, is_alive: bool  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    ServiceManager(Service(life_file=file)).status(words)
    code, said = asked(file)
    assert said.startswith(words)
    assert (code == 0, asked(file, "alive")[0] == 0) == (is_healthy, is_alive)


def test_a_container_without_a_sign_for_a_minute_is_dead(file: Path) -> None:
    assert asked(file, "alive") == (1, f"no sign of life yet: there is no {file}\n")
    ServiceManager(Service(life_file=file)).status("dome: ready")
    os.utime(file, (0, 0))
    assert asked(file)[0] == 1
    assert asked(file, "alive")[0] == 1


def test_a_text_that_nobody_could_write_is_told_as_far_as_it_can_be(file: Path) -> None:
    manager = ServiceManager(Service(life_file=file))
    manager.status("cannot read '/disk/\udcff'")
    assert file.read_text("utf-8") == "cannot read '/disk/?'\n"
