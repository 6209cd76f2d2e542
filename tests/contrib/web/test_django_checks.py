"""What `manage.py check` finds before anything is started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TO_SETTINGS = [
    pytest.param({"brokerz": "x"}, "E002", "did you mean 'brokers'?", id="misspelt"),
    pytest.param({"beat": -1}, "E002", "PYROS: beat = '-1': must be", id="out of bounds"),
    pytest.param({"brokers": "http://x"}, "E002", "PYROS: brokers = ", id="no broker's URL"),
    pytest.param({"root": "a b"}, "E002", "PYROS: root = ", id="no root"),
    pytest.param({"brokers": None}, "W001", "No MQTT broker is configured", id="no broker"),
    pytest.param("mqtt://x", "E001", "has to be a dict, and is a str", id="no dict"),
]

TO_AGENTS = [
    pytest.param("alert_manager.agent.AlertManagerAgent", "", id="right"),
    pytest.param("alert_manager.agent.AlertManager", "E005", id="no such class"),
    pytest.param("alert_manager.agnet.AlertManager", "E005", id="no such module"),
    pytest.param("AlertManagerAgent", "E005", id="no path"),
    pytest.param("alert_manager.models.Alert", "E004", id="no agent"),
    pytest.param("tests.contrib.web.raises.Agent", "E005", id="raises"),
    pytest.param(None, "E003", id="none"),
]


@contextmanager
def told(value: object) -> Iterator[None]:
    from django.test import override_settings

    with override_settings(PYROS=value):
        yield


def found() -> list[Any]:
    from django.core.checks import run_checks

    return list(run_checks(tags=["pyros"]))


def test_nothing_is_wrong_with_the_example(pyros: dict[str, Any]) -> None:
    del pyros
    assert found() == []


@pytest.mark.parametrize(("value", "code", "words"), TO_SETTINGS)
def test_wrong_settings_are_told(
    pyros: dict[str, Any], value: object, code: str, words: str
) -> None:
    with told(pyros | value if isinstance(value, dict) else value):
        problems = found()
    assert [one.id for one in problems] == [f"pyros.{code}"]
    assert words in problems[0].msg


def test_all_that_is_wrong_is_told_at_once(pyros: dict[str, Any]) -> None:
    with told(pyros | {"beat": 0, "rooot": "x", "password": "hunter2", "keepalive": 1}):
        problems = found()
    assert len(problems) == 3
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize(("path", "code"), TO_AGENTS)
def test_a_wrong_agent_is_told(
    pyros: dict[str, Any], monkeypatch: pytest.MonkeyPatch, path: str | None, code: str
) -> None:
    from django.apps import apps

    del pyros
    monkeypatch.setattr(type(apps.get_app_config("alert_manager")), "agent", path)
    assert [one.id for one in found()] == ([f"pyros.{code}"] if code else [])


def test_keys_may_be_written_in_capitals(
    pyros: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyros_mqtt import Settings

    monkeypatch.setenv("PYROS_ROOT", "environment")
    with told({"BROKERS": pyros["brokers"], "ROOT": "told"}):
        assert found() == []
        assert Settings().root == "told"


def test_the_settings_reach_everyone_in_the_process(pyros: dict[str, Any]) -> None:
    from pyros_mqtt import Agent, Settings

    assert Settings().root == pyros["root"]
    assert Agent("dome")._settings.root == pyros["root"]
