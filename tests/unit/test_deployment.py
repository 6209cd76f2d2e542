"""The plan of who runs what, from one file."""

from __future__ import annotations

from typing import Any

import pytest

from pyros_mqtt.deployment import Plan, plan
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import Settings

HERE = "laptop"


def agent(host: str | None = None, **more: Any) -> dict[str, Any]:
    return {"class": "pyros_agents.dome:Dome", "host": host, **more}


def planned(**tables: Any) -> Plan:
    return plan(Settings(**tables), HERE)


def agents_of(found: Plan) -> dict[str, list[str]]:
    return {one.name: one.agents for one in found.machines}


def test_each_machine_gets_the_agents_that_name_it_also_by_its_long_name() -> None:
    found = planned(
        machines={"t60-control": {}, "t60-dome": {}},
        agents={"dome": agent("t60-dome.example.org"), "safety": agent("t60-control")},
    )
    assert agents_of(found) == {"t60-control": ["safety"], "t60-dome": ["dome"]}
    assert found.unplaced == ()


def test_services_start_before_agents() -> None:
    (machine,) = planned(
        machines={"t60-control": {"services": ["broker", "recorder"]}}, agents={"dome": agent()}
    ).machines
    assert machine.units == [
        "pyros-broker.service",
        "pyros-recorder.service",
        "pyros-agent@dome.service",
    ]
    assert machine.command == f"systemctl enable --now {' '.join(machine.units)}"


def test_without_the_table_the_machines_are_those_that_agents_name() -> None:
    found = planned(agents={"a": agent("one"), "b": agent("two"), "c": agent("one.example.org")})
    assert agents_of(found) == {"one": ["a", "c"], "two": ["b"]}


def test_where_nobody_names_a_machine_all_run_on_the_one_that_reads_the_file() -> None:
    assert agents_of(planned(agents={"a": agent(), "b": agent()})) == {HERE: ["a", "b"]}


def test_an_agent_without_a_host_is_in_nobodys_hands_where_there_are_several_machines() -> None:
    (lost,) = planned(machines={"one": {}, "two": {}}, agents={"a": agent()}).unplaced
    assert lost.agent == "a"
    assert lost.why == "it names no host, and there are 2 machines: one, two"


def test_a_misspelt_host_is_told_with_the_nearest_machine() -> None:
    (lost,) = planned(machines={"t60-dome": {}}, agents={"dome": agent("t60-dmoe")}).unplaced
    assert lost.host == "t60-dmoe"
    assert "did you mean 't60-dome'?" in lost.why


def test_who_is_not_enabled_needs_no_machine() -> None:
    found = planned(machines={"one": {}}, agents={"a": agent("elsewhere", enabled=False)})
    assert found.disabled == ("a",)
    assert found.unplaced == ()


def test_the_gateway_and_the_watchman_run_where_their_tables_say() -> None:
    found = planned(
        machines={"one": {}, "two": {}},
        gateway={"enabled": True, "host": "one"},
        alarms={
            "host": "two",
            "rules": {"wind": {"about": "weather/wind", "above": 15, "severity": "serious"}},
        },
    )
    assert {one.name: one.units for one in found.machines} == {
        "one": ["pyros-gateway.service"],
        "two": ["pyros-agent@alarms.service"],
    }


@pytest.mark.parametrize(
    ("machines", "told"),
    [
        ({"one": {"services": ["brokre"]}}, "'broker', 'recorder', 'dashboard' or 'metrics'"),
        ({"one; rm -r /": {}}, "must be the name of a machine"),
        ({"one": {"service": []}}, "did you mean 'services'?"),
    ],
)
def test_what_is_wrong_with_the_table_is_told(machines: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("?", r"\?")):
        planned(machines=machines)
