"""Keeping agents running: pauses, lives, what is handed on, and the end."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.deployment import is_same_host
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import Settings
from pyros_mqtt.supervisor.keeper import Keeper
from pyros_mqtt.supervisor.pauses import (
    EXIT_MISCONFIGURED,
    EXIT_NAME_TAKEN,
    LONGEST,
    QUIET,
    SLOW,
    Pauses,
)
from pyros_mqtt.supervisor.supervisor import Supervisor, _variables, command

# -- pauses ----------------------------------------------------------------------------------


def test_pauses_double_up_to_the_longest() -> None:
    pauses = Pauses()
    assert [pauses.after(1, lived=0.1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_longest_pause_can_be_made_shorter() -> None:
    pauses = Pauses(longest=2)
    assert [pauses.after(-9, lived=0.1) for _ in range(4)] == [1, 2, 2, 2]


def test_a_quiet_minute_forgets_the_failures() -> None:
    pauses = Pauses(failures=5)
    assert pauses.after(1, lived=QUIET) == 1
    assert pauses.after(1, lived=QUIET - 0.1) == 2


def test_who_was_told_to_end_is_not_started_again() -> None:
    assert Pauses().after(0, lived=1) is None


@pytest.mark.parametrize("code", [EXIT_MISCONFIGURED, EXIT_NAME_TAKEN])
def test_what_only_a_person_can_mend_is_tried_slowly(code: int) -> None:
    pauses = Pauses()
    assert [pauses.after(code, lived=0.1) for _ in range(3)] == [SLOW] * 3


def test_attempt_two_thousand_is_no_different() -> None:
    assert Pauses(failures=2000).after(-9, lived=0) == LONGEST


# -- a keeper --------------------------------------------------------------------------------


class Heard:
    """The lines that processes have printed, to be waited for."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._news = threading.Condition()

    def __call__(self, name: str, line: str) -> None:
        with self._news:
            self.lines.append((name, line))
            self._news.notify_all()

    def until(self, count: int, timeout: float = 45.0) -> list[str]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.lines) >= count, timeout), self.lines
            return [line for _, line in self.lines]


def keeper(heard: Heard, program: str, **variables: str) -> Keeper:
    return Keeper("dome", [sys.executable, "-u", "-c", program], heard, variables)


def until_gone(pid: str) -> None:
    """Wait until a process is no more, or only waits to be buried by somebody else."""
    deadline, pause = time.monotonic() + 5, threading.Event()
    stat = Path(f"/proc/{pid}/stat")
    while stat.exists() and ") Z " not in stat.read_text():
        assert time.monotonic() < deadline, f"{pid} lives on"
        pause.wait(0.01)


WAITS = "import os, signal\nprint(os.getpid())\nsignal.pause()"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAITS}"


def test_a_line_that_cannot_be_passed_on_is_dropped_and_the_agent_prints_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard, disk_is_full = Heard(), [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))] * 2

    def pass_on(name: str, line: str) -> None:
        if disk_is_full:
            raise disk_is_full.pop()
        heard(name, line)

    program = "for i in range(20_000): print(i)"  # more than a pipe holds
    kept = Keeper("dome", [sys.executable, "-u", "-c", program], pass_on)
    kept.start()
    assert kept.join(60)
    assert kept.exit_code == 0, "no BrokenPipeError"
    assert heard.until(19_998)[0] == "2"
    told = [one.getMessage() for one in caplog.records if "passed on" in one.getMessage()]
    assert told == ["what dome prints cannot be passed on: [Errno 28] No space left on device"]


def test_both_outputs_are_handed_on_line_by_line_with_the_name() -> None:
    heard = Heard()
    one = keeper(heard, "import os, sys\nprint(os.environ['SKY'])\nsys.exit(0)", SKY="clear")
    one.start()
    assert one.join(15)
    assert heard.lines == [("dome", "clear")]
    assert (one.exit_code, one.restarts, one.is_kept) == (0, 0, False)


def test_who_dies_is_started_again_and_counted() -> None:
    heard = Heard()
    one = keeper(heard, WAITS)
    one.start()
    os.kill(int(heard.until(1)[0]), signal.SIGKILL)
    first, second = heard.until(2)
    assert first != second
    assert one.restarts == 1
    one.stop(patience=10)
    assert not one.is_kept
    until_gone(second)


def test_a_kill_leaves_no_time_for_a_goodbye_and_the_next_life_begins() -> None:
    heard = Heard()
    one = keeper(heard, STUBBORN)
    assert not one.kill()
    one.start()
    first = heard.until(1)[0]
    assert one.kill()
    until_gone(first)
    assert heard.until(2)[1] != first
    assert one.exit_code == -signal.SIGKILL
    one.kill()
    one.stop(patience=1)


def test_who_does_not_heed_is_killed() -> None:
    heard = Heard()
    one = keeper(heard, STUBBORN)
    one.start()
    pid = heard.until(1)[0]
    one.stop(patience=0.3)
    until_gone(pid)


def test_a_stop_ends_the_pause_before_a_restart() -> None:
    heard = Heard()
    one = keeper(heard, "print('once')\nraise SystemExit(4)")
    one.start()
    heard.until(1)
    one.stop(patience=1)
    assert one.join(5)
    assert one.restarts == 0


def test_output_that_is_no_text_is_no_end() -> None:
    heard = Heard()
    one = keeper(heard, "import os\nos.write(1, b'\\xff\\xfe\\n')\nprint('on')")
    one.start()
    assert heard.until(2)[1] == "on"
    assert one.join(15)


# -- who runs here, and what is handed on ----------------------------------------------------

DOME = "pyros_agents.dome:Dome"


def settings(**given: Any) -> Settings:
    return Settings(**{"brokers": "mqtt://ops:se%2Fcret@broker:1884"} | given)


def names(one: Settings, host: str = "t60-control.example") -> list[str]:
    return list(Supervisor(one, host=host).keepers)


def test_the_host_selects_the_machine() -> None:
    tables = {
        "dome": {"class": DOME, "host": "t60-control"},
        "camera": {"class": DOME, "host": "other"},
        "safety": {"class": DOME},
        "weather": {"class": DOME, "enabled": False},
    }
    assert names(settings(agents=tables)) == ["dome", "safety"]


def test_a_short_name_is_the_same_host_and_another_domain_is_not() -> None:
    assert is_same_host("T60-Control", "t60-control.example.org")
    assert not is_same_host("t60.one.org", "t60.two.org")


def test_a_machine_without_agents_is_told() -> None:
    with pytest.raises(SettingsError, match="no agent is configured"):
        names(settings())
    away = {"camera": {"class": DOME, "host": "other"}}
    with pytest.raises(SettingsError, match="hosts that have some: other"):
        names(settings(agents=away))


def test_arguments_are_handed_on_as_arguments() -> None:
    tables = {"dome": {"class": DOME, "options": {"driver": "12", "site": {"height": 1}}}}
    one = settings(agents=tables, observatory={"sky": {"speed": 10.0}})
    assert command(one, "dome", one.agents["dome"])[3:] == [
        "run", DOME, "--name", "dome",
        "--shared", 'sky={"speed":10.0}',
        "--option", 'driver="12"', "--option", 'site={"height":1}',
    ]  # fmt: skip


def test_what_stands_in_files_is_left_to_the_agents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pyros.toml"
    file.write_text(f'[agents.dome]\nclass = "{DOME}"\noptions = {{password = "x"}}\n')
    monkeypatch.setenv("PYROS_CONFIG", str(file))
    one = settings(root="esp/t60")
    assert command(one, "dome", one.agents["dome"])[3:] == ["run", DOME, "--name", "dome"]
    variables = dict(_variables(one))
    assert variables == {
        "PYROS_BROKERS": "mqtt://ops:se%2Fcret@broker:1884",
        "PYROS_ROOT": "esp/t60",
    }
    assert Settings(brokers=variables["PYROS_BROKERS"]).brokers == one.brokers


def test_secrets_travel_in_the_environment_and_not_in_the_command() -> None:
    tables = {"dome": {"class": DOME}}
    one = settings(agents=tables, password="swordfish", beat=1.0)
    assert dict(_variables(one))["PYROS_PASSWORD"] == "swordfish"
    assert dict(_variables(one))["PYROS_BEAT"] == "1.0"
    assert "swordfish" not in " ".join(command(one, "dome", one.agents["dome"]))


def test_an_option_without_a_form_in_json_is_told() -> None:
    one = settings(agents={"dome": {"class": DOME, "options": {"driver": object()}}})
    with pytest.raises(SettingsError, match=r"agents\.dome\.options\.driver"):
        command(one, "dome", one.agents["dome"])
