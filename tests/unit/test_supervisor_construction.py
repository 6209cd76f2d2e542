"""From a class path and options to an agent, and the words for what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from pyros_mqtt.agent import Agent
from pyros_mqtt.errors import AgentError
from pyros_mqtt.settings import Settings
from pyros_mqtt.supervisor.construction import build, load, parameters, problems
from pyros_mqtt.supervisor.option_words import from_words, to_word

HERE = __name__


class Dome(Agent):
    def __init__(
        self, name: str = "dome", *, site: Any = None, speed: float = 1.0, **options: Any
    ) -> None:
        super().__init__(name, **options)
        self.given = (site, speed)


class BigDome(Dome):
    def __init__(self, name: str = "big-dome", *, doors: int, **options: Any) -> None:
        super().__init__(name, **options)
        self.doors = doors


class Classic(Agent):
    def __init__(self) -> None:
        super().__init__(Agent.SCHEDULER)


class Picky(Agent):
    def __init__(self, name: str = "picky", *, speed: float, **options: Any) -> None:
        super().__init__(name, **options)
        raise ValueError(f"speed {speed} is too much")


class Forgetful(Agent):
    def __init__(self) -> None:
        self.log.info("nobody has called super().__init__()")


def settings(**given: Any) -> Settings:
    return Settings(brokers="mqtt://localhost", **given)


def test_the_options_of_the_table_go_to_the_constructor() -> None:
    table = {"class": f"{HERE}:Dome", "options": {"speed": 3}}
    agent = build(f"{HERE}:Dome", settings(agents={"east": table}), name="east")
    assert isinstance(agent, Dome)
    assert (agent.name, agent.given) == ("east", (None, 3))


def test_the_shared_table_goes_to_whoever_names_the_parameter() -> None:
    shared = settings(observatory={"site": "here", "images": "/data"})
    agent = build(f"{HERE}:Dome", shared)
    assert isinstance(agent, Dome)
    assert agent.given == ("here", 1.0)


def test_the_own_option_is_stronger_than_the_shared_and_the_given_is_the_strongest() -> None:
    table = {"class": f"{HERE}:Dome", "options": {"site": "own", "speed": 2}}
    both = settings(observatory={"site": "shared"}, agents={"dome": table})
    agent = build(f"{HERE}:Dome", both, options={"speed": 9}, shared={"site": "stronger"})
    assert isinstance(agent, Dome)
    assert agent.given == ("own", 9)


def test_options_reach_through_to_the_class_above() -> None:
    shared = settings(observatory={"site": "here"})
    agent = build(f"{HERE}:BigDome", shared, options={"doors": 2, "speed": 4})
    assert isinstance(agent, BigDome)
    assert (agent.doors, agent.given) == (2, ("here", 4))
    assert list(parameters(BigDome))[:4] == ["name", "doors", "site", "speed"]


def test_an_agent_of_the_classic_style_takes_nothing() -> None:
    shared = settings(observatory={"site": "here"})
    assert build(f"{HERE}:Classic", shared).name == "scheduler"
    assert build(f"{HERE}:Classic", shared, name="scheduler").name == "scheduler"
    with pytest.raises(AgentError, match="calls itself 'scheduler'"):
        build(f"{HERE}:Classic", shared, name="other")


@pytest.mark.parametrize(
    ("path", "options", "text"),
    [
        ("dome", {}, "is not of the form MODULE:CLASS"),
        (f"{HERE}:", {}, "is not of the form MODULE:CLASS"),
        ("pyros_mqtt.agnt:Agent", {}, "there is no module 'pyros_mqtt.agnt'; did you mean"),
        (f"{HERE}:Domes", {}, "has no class 'Domes'; did you mean 'Dome'?"),
        (f"{HERE}:settings", {}, "is not a subclass of pyros_mqtt.Agent"),
        (f"{HERE}:Dome", {"sped": 1}, "unknown option 'sped'; did you mean 'speed'?"),
        (f"{HERE}:Dome", {"bus": 1}, "'bus' cannot be given as an option"),
        (f"{HERE}:BigDome", {}, "the option 'doors' is missing"),
        (f"{HERE}:Picky", {"speed": 9}, "could not be made: ValueError: speed 9 is too much"),
        (f"{HERE}:Forgetful", {}, "has to call super"),
    ],
)
def test_what_is_wrong_is_told_in_words(path: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(AgentError) as caught:
        build(path, settings(), options=options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("./bad1.py:Late", "write bad1:Late, without ./ and .py"),
        ("bad1.py:Late", "write bad1:Late, without"),
        ("./bad1.py", "write bad1:CLASS, without"),
        ("agents/bad1.py:Late", "write agents.bad1:Late, without"),
        ("/srv/agents/bad1.py:Late", "change to the folder /srv/agents and write bad1:Late"),
        ("../bad1.py:Late", "change to the folder .. and write bad1:Late"),
    ],
)
def test_the_path_of_a_file_is_turned_into_what_to_write(path: str, words: str) -> None:
    with pytest.raises(AgentError) as caught:
        load(path)
    assert words in str(caught.value)


def test_a_module_that_breaks_at_its_import_is_told(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "breaks_at_import.py").write_text("1 / 0\n")
    (tmp_path / "needs_more.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AgentError, match="cannot be imported: ZeroDivisionError"):
        load("breaks_at_import:Dome")
    with pytest.raises(AgentError, match=r"needs 'nothing_of_this_name'.*pip install"):
        load("needs_more:Dome")


def test_problems_show_without_making_the_agent() -> None:
    table = {"class": f"{HERE}:Picky", "options": {"sped": 1}}
    found = problems(f"{HERE}:Picky", settings(agents={"picky": table}), "picky")
    assert [one.split(";")[0] for one in found] == [
        "unknown option 'sped'",
        "the option 'speed' is missing: give it in the agent's options, or as -o",
    ]


@pytest.mark.parametrize(
    "value", [1, 0.5, True, None, "simulator", "12", "true", "{", "", "a=b", [1, "x"], {"a": {}}]
)
def test_an_option_survives_its_way_over_a_command_line(value: object) -> None:
    assert from_words([to_word("key", value)]) == {"key": value}


def test_options_are_typed_as_people_mean_them() -> None:
    words = ["driver=simulator", "speed=2.5", "on=true", 'site={"height": 991}', "when=2026-11-22"]
    assert from_words(words) == {
        "driver": "simulator",
        "speed": 2.5,
        "on": True,
        "site": {"height": 991},
        "when": "2026-11-22",
    }
