"""`manage.py runagent` and `manage.py agents`, and the agent's rows and log."""

from __future__ import annotations

import json

from pyros_mqtt import Sender
from pyros_mqtt.messages import State
from tests.contrib.web.web_process import Observer, Project


def test_the_agent_writes_a_row_for_each_alert(project: Project, observer: Observer) -> None:
    assert project.finished("migrate").wait() == 0
    agent = project.manage("runagent", "alert_manager")
    observer.until_ready()
    with Sender("tester", settings=project.settings) as sender:
        first = sender.ask("alert_manager", "alert", event="GRB 261122A", ra=83.6, dec=22.0)
        again = sender.ask("alert_manager", "alert", event="GRB 261122A", ra=83.7, dec=22.1)
        assert sender.ask("alert_manager", "alerts") == ["GRB 261122A"]
    assert first == again
    query = "from alert_manager.models import Alert; print(Alert.objects.get().right_ascension)"
    assert "83.7" in project.finished("shell", "-c", query).printed
    assert "INFO pyros.alert_manager: new alert GRB 261122A" in agent.printed  # Django's LOGGING
    assert agent.end() == 0
    assert observer.until_said_goodbye().state is State.STOPPED


def test_a_second_one_of_the_name_is_refused(project: Project, observer: Observer) -> None:
    first = project.manage("runagent", "alert_manager")
    observer.until_ready()
    second = project.manage("runagent", "alert_manager")
    assert second.wait() == 4
    assert "CommandError: the name 'alert_manager' is held by a live agent" in second.printed
    assert first.end() == 0


def test_an_unknown_application_is_told_with_the_nearest(project: Project) -> None:
    process = project.manage("runagent", "alert_manger")
    assert process.wait() == 2
    assert "did you mean 'alert_manager'?" in process.printed


def test_an_agent_that_cannot_be_made_is_told(project: Project) -> None:
    agent = project.folder / "alert_manager" / "agent.py"
    agent.write_text(agent.read_text().replace("Agent.ALERT_MANAGER", "'Alert Manager'"))
    process = project.manage("runagent", "alert_manager")
    assert process.wait() == 2
    assert "CommandError: agent 'Alert Manager' is not a valid name" in process.printed


def test_the_fleet_as_a_table_and_as_json(project: Project, observer: Observer) -> None:
    nobody = project.finished("agents")
    assert nobody.printed == "No agent has been seen on this broker\n"
    agent = project.manage("runagent", "alert_manager")
    status = observer.until_ready()
    table = project.finished("agents").printed.splitlines()
    assert table[0].split() == ["AGENT", "STATE", "TASK", "AGE", "HOST", "DETAIL"]
    assert table[1].split()[:2] == ["alert_manager", "ready"]
    (row,) = json.loads(project.finished("agents", "--json").printed)
    assert (row["agent"], row["state"], row["pid"]) == ("alert_manager", "ready", status.pid)

    agent.kill()
    observer.until_said_goodbye()
    lost = project.manage("agents")
    assert lost.wait() == 1
    assert "lost" in lost.printed


def test_a_broker_that_is_away_is_told(project: Project) -> None:
    project.environment["PYROS_BROKERS"] = "mqtt://127.0.0.1:1"
    process = project.manage("agents")
    assert process.wait() == 3
    assert "CommandError: no broker answers: mqtt://127.0.0.1:1" in process.printed
