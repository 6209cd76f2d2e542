"""What a start loads: what is used, so that a line of the shell is fast and an agent small."""

from __future__ import annotations

import ssl
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
import typer
import typer.main

from pyros_mqtt.cli.app import root
from pyros_mqtt.cli.commands import COMMANDS, asked_for
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import AlarmsTable, GatewayTable, HomeAssistantTable, Settings

EXTRAS = {"argon2", "astropy", "celery", "cryptography", "django", "numpy", "opentelemetry",
          "prometheus_client", "psutil", "starlette"}  # fmt: skip
"""Packages of extras; `click` was once taken for granted, and comes with nobody."""


def loaded(code: str) -> set[str]:
    """Run this in a new process; the modules that it has loaded."""
    told = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", told], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_the_import_of_an_agent_and_a_sender_loads_no_settings_and_no_connection() -> None:
    modules = loaded("from pyros_mqtt import Agent, Sender")
    assert {"pyros_mqtt.agent.agent", "pyros_mqtt.sender.sender"} <= modules
    assert not modules & EXTRAS
    assert not modules & {"asyncio", "click", "email", "http", "importlib.metadata", "ssl"}
    assert not modules & {"paho", "pydantic", "pydantic_settings", "rich", "typer"}
    assert not modules & {"pyros_mqtt.alarm_board", "pyros_mqtt.fleet", "pyros_mqtt.settings"}
    assert not modules & {"pyros_mqtt.agent.life", "pyros_mqtt.alarms", "sqlite3"}


def test_the_import_of_a_sender_loads_nothing_of_agents_and_no_spool() -> None:
    modules = loaded("from pyros_mqtt import Sender")
    assert not modules & {"pyros_mqtt.agent", "pyros_mqtt.dispatch", "pyros_mqtt.telemetry"}
    assert not modules & {"pyros_mqtt.sender.courier", "pyros_mqtt.spool", "sqlite3"}


def test_what_an_agent_needs_for_an_alarm_is_loaded_when_it_starts() -> None:
    code = """
from pyros_mqtt import Agent
from pyros_mqtt.testing import Rehearsal
with Rehearsal() as stage:
    dome = stage.start(Agent("dome", bus=stage.bus, settings=stage.settings))
    before = set(sys.modules)
    dome.alarm("stuck", "serious", "It does not move.")
    dome.clear_alarm("stuck")
    assert not set(sys.modules) - before
    assert "pyros_mqtt.alarms.engine" not in before
"""
    loaded(code)


def test_the_checks_of_a_table_are_not_made_ready_where_nothing_is_said_in_it() -> None:
    tables = "AgentTable AlarmRule AlarmsTable GatewayTable HomeAssistantTable OldSocket"
    ready = f"[one for one in {tables.split()} if getattr(s, one).__pydantic_complete__]"
    code = "import pyros_mqtt.settings as s; s.Settings(brokers='mqtt://localhost')"
    modules = loaded(f"{code}\nassert not {ready}, {ready}")
    assert not modules & (EXTRAS | {"click", "paho", "rich", "typer"})


def test_a_table_in_which_nothing_is_said_is_as_its_checks_would_have_left_it() -> None:
    settings = Settings()
    assert settings.alarms == AlarmsTable()
    assert settings.gateway == GatewayTable()
    assert settings.home_assistant == HomeAssistantTable()


def test_a_command_makes_ready_itself_alone() -> None:
    call = "sys.argv = ['pyros', 'send', '--help']\ntry: main()\nexcept SystemExit: pass"
    modules = loaded(f"from pyros_mqtt.cli import main\n{call}")
    rooms = {f"pyros_mqtt.cli.{one}" for one in ("alarms", "bench", "dashboard", "doctor", "run")}
    assert "pyros_mqtt.cli.send" in modules
    assert not modules & (rooms | EXTRAS | {"click", "rich", "pyros_mqtt.settings"})


def test_the_whole_command_line_takes_nothing_for_granted_that_may_be_absent() -> None:
    modules = loaded("from pyros_mqtt.cli.commands import complete\ncomplete()")
    assert "pyros_mqtt.cli.doctor" in modules
    assert not modules & (EXTRAS | {"click"})


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["send", "dome", "open"], ("send",)),
        (["--broker", "run", "--root=esp", "home-assistant"], ("home-assistant",)),
        (["--help"], COMMANDS),
        (["home_assistant"], COMMANDS),
        (["--broker"], COMMANDS),
        ([], COMMANDS),
    ],
)
def test_the_command_that_is_called_is_found(words: list[str], found: tuple[str, ...]) -> None:
    assert asked_for(words) == found


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_in_the_file_of_its_name(name: str) -> None:
    app = typer.Typer(callback=root)
    import_module(f"pyros_mqtt.cli.{name.replace('-', '_')}").register(app)
    assert list(typer.main.get_command(app).commands) == [name]  # type: ignore[attr-defined]


def test_no_certificate_is_loaded_where_no_broker_speaks_tls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []
    whole = ssl.create_default_context

    def make(**how: Any) -> ssl.SSLContext:
        made.append(how)
        return whole(**how)

    monkeypatch.setattr(ssl, "create_default_context", make)
    Brokers(Settings(brokers="mqtt://localhost")).transport("plain").close()
    assert not made
    Brokers(Settings(brokers="mqtt://localhost, mqtts://localhost")).transport("tls").close()
    assert made
