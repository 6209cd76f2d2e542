"""The table message -> action: both styles, its rules, and arguments in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BeforeValidator, Field

from pyros_mqtt.dispatch import (
    Action,
    ActionTable,
    Rules,
    every,
    marked_actions,
    marked_chores,
    on,
    plain,
)
from pyros_mqtt.errors import AgentError, Refusal
from pyros_mqtt.messages import JSON, Command


def command(message: str = "x", **args: JSON) -> Command:
    return Command("dome", message, args, id="1")


def refusal(call: Any, **args: JSON) -> str:
    with pytest.raises(Refusal) as caught:
        Action("x", call).check(command(**args))
    assert caught.value.code == "bad-arguments"
    return caught.value.text


class Dome:
    @on("open", ttl=10)
    def open(self, side: Literal["east", "west"] = "west") -> str:
        """Open the slit."""
        return side

    @on("close")
    @on("shut", urgent=True)
    def close(self) -> None: ...

    @on("stop", urgent=False)
    def stop(self) -> None: ...

    @every(seconds=2)
    def measure(self) -> None: ...

    def unmarked(self) -> None: ...


class BigDome(Dome):
    def open(self, side: Literal["east", "west"] = "east") -> str:
        return "big " + side

    @on("close", ttl=3)
    def close(self) -> None: ...

    def measure(self) -> None: ...


def table(owner: object) -> ActionTable:
    actions = ActionTable()
    for action in marked_actions(owner):
        actions.bind(action)
    return actions


def rules(actions: ActionTable, message: str) -> Rules:
    action = actions.action(message)
    assert action is not None
    return action.rules


# -- both styles, one table ---------------------------------------------------------------------


def test_marks_are_bound_to_their_object() -> None:
    actions = table(Dome())
    assert set(actions) == {"open", "close", "shut", "stop"}
    assert actions["open"]("east") == "east"


def test_a_classic_assignment_lands_in_the_same_table_and_overrides_a_mark() -> None:
    actions = table(Dome())
    actions["open"] = lambda: "classic"
    actions["Observation finished"] = lambda: "done"
    action = actions.action("open")
    assert action is not None
    assert action.call() == "classic"
    assert action.rules == Rules()
    assert actions.action("Observation finished") is not None


def test_every_way_to_fill_a_dictionary_binds() -> None:
    actions = ActionTable()
    actions.update({"a": print}, b=print)
    actions |= {"c": print}
    actions.setdefault("d", print)
    assert all(actions.action(name) is not None for name in "abcd")
    del actions["a"]
    actions.pop("b")
    assert [actions.action(name) for name in "ab"] == [None, None]


def test_a_mark_carries_its_rules() -> None:
    actions = table(Dome())
    assert rules(actions, "open") == Rules(ttl=10)
    assert rules(actions, "shut") == Rules(urgent=True, idempotent=True)


def test_the_names_that_are_always_urgent_are_so_in_both_styles() -> None:
    assert rules(table(Dome()), "close").urgent
    assert not rules(table(Dome()), "stop").urgent, "unless the agent says otherwise"
    actions = ActionTable()
    for name in ("abort", "stop", "close", "park", "shutdown"):
        actions[name] = print
        assert rules(actions, name) == Rules(urgent=True, idempotent=True)
    actions["goto"] = print
    assert not rules(actions, "goto").urgent


def test_a_subclass_that_overrides_without_a_mark_keeps_the_message() -> None:
    actions = table(BigDome())
    assert actions["open"]() == "big east"
    assert rules(actions, "open") == Rules(ttl=10)


def test_a_subclass_that_marks_again_gives_its_own_rules() -> None:
    assert rules(table(BigDome()), "close").ttl == 3


def test_an_attribute_that_overrides_a_method_is_no_action() -> None:
    class Odd(Dome):
        open = None  # type: ignore[assignment]

    assert "open" not in table(Odd())


def test_chores_are_found_and_an_override_without_a_mark_keeps_the_period() -> None:
    assert marked_chores(Dome())["measure"][0].when == 2
    big = BigDome()
    chore, call = marked_chores(big)["measure"]
    assert chore.when == 2
    assert call == big.measure


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_chore_needs_a_period(seconds: float) -> None:
    with pytest.raises(ValueError, match="positive period"):
        every(seconds)


@pytest.mark.parametrize("message", ["", "  ", None, 5])
def test_a_message_is_a_text(message: Any) -> None:
    with pytest.raises(AgentError, match="a message is a text"):
        ActionTable()[message] = print


def test_an_action_that_cannot_be_called_is_refused_with_its_message() -> None:
    with pytest.raises(AgentError, match="'open' cannot be called: 5"):
        ActionTable()["open"] = 5  # type: ignore[assignment]


def test_an_unknown_message_suggests_the_nearest() -> None:
    actions = table(Dome())
    assert "did you mean 'close'" in actions.unknown(command("closed")).text
    assert "did you mean 'close'" in actions.unknown(command("CLOSE")).text
    assert "known are 'close', 'open', 'shut', 'stop'" in actions.unknown(command("xyz")).text
    assert actions.unknown(command("xyz")).code == "unknown-message"


def test_arguments_within_the_message_are_told_where_they_belong() -> None:
    text = table(Dome()).unknown(command("open side=west")).text
    assert "did you mean 'open'; arguments go behind the message, outside the quotes" in text
    assert "arguments" not in table(Dome()).unknown(command("a = b")).text


# -- what the author of an agent got wrong --------------------------------------------------------


async def later() -> None: ...


async def rows_later() -> AsyncIterator[int]:
    yield 1


def rows() -> Iterator[int]:
    yield 1


class Awaited:
    async def __call__(self) -> None: ...


@pytest.mark.parametrize("call", [later, rows_later, rows, Awaited(), partial(later)])
def test_an_action_is_an_ordinary_function(call: Any) -> None:
    with pytest.raises(AgentError, match=r"the action of 'go' is .* ordinary functions"):
        ActionTable()["go"] = call


def test_an_action_that_wraps_an_async_function_is_ordinary() -> None:
    @wraps(later)
    def go() -> None: ...

    ActionTable()["go"] = go


def test_two_methods_of_one_class_cannot_have_one_message() -> None:
    class Twice:
        @on("go")
        def first(self) -> None: ...

        @on("go")
        def second(self) -> None: ...

    class Once:
        @on("go")
        def first(self) -> int:
            return 1

    class Other(Once):
        @on("go")
        def second(self) -> int:
            return 2

    with pytest.raises(AgentError, match=r"Twice.first and Twice.second both have @on\('go'\)"):
        table(Twice())
    assert table(Other())["go"]() == 2


def test_a_mark_within_a_property_is_found() -> None:
    class Hidden:
        @property
        @on("go")
        def go(self) -> int:
            return 1

    class Kept:
        @cached_property
        @every(seconds=1)
        def look(self) -> int:
            return 1

    with pytest.raises(AgentError, match=r"Hidden.go is a property, which hides its @on"):
        table(Hidden())
    with pytest.raises(AgentError, match=r"Kept.look is a cached_property, which hides"):
        marked_chores(Kept())


def test_a_mark_stands_above_a_method_and_has_its_brackets() -> None:
    with pytest.raises(AgentError, match=r"@on\('go'\) stands above a property"):
        on("go")(property(lambda _: 1))  # type: ignore[type-var]
    with pytest.raises(AgentError, match=r'write @on\("MESSAGE"\)'):
        on(rows)  # type: ignore[arg-type]
    with pytest.raises(AgentError, match=r"write @every\(seconds=1\)"):
        every(rows)  # type: ignore[call-overload]


def test_a_chore_is_called_without_arguments() -> None:
    class Wants:
        @every(seconds=1)
        def measure(self, channel: str) -> None: ...

    class Async:
        @every(seconds=1)
        async def measure(self) -> None: ...

    class Fine:
        @every(seconds=1)
        def measure(self, channel: str = "azimuth", **more: Any) -> None: ...

    with pytest.raises(AgentError, match=r"Wants.measure wants 'channel'.*give 'channel' a def"):
        marked_chores(Wants())
    with pytest.raises(AgentError, match=r"chore Async.measure is an async function"):
        marked_chores(Async())
    assert "measure" in marked_chores(Fine())


def test_a_chore_that_a_subclass_takes_out_is_none() -> None:
    class Quiet(Dome):
        measure = None  # type: ignore[assignment]

    assert marked_chores(Quiet()) == {}


def test_a_signature_is_judged_when_it_is_bound() -> None:
    def unknown(side: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    def by_place(side: str, /) -> None: ...

    def misplaced(side: int = Field(ge=0)) -> None: ...

    for call, words in (
        (unknown, "name 'Nowhere' is not defined"),
        (by_place, "positional-only parameters"),
        (misplaced, r"write side: Annotated\["),
    ):
        with pytest.raises(AgentError, match=words):
            ActionTable()["go"] = call


# -- arguments ------------------------------------------------------------------------------------


def goto(
    ra: Annotated[float, Field(ge=0, lt=360)],
    dec: Annotated[float, Field(ge=-90, le=90)],
    name: str = "",
    *,
    quick: bool = False,
) -> None:
    """Point the telescope.

    More about it.
    """


def test_arguments_are_checked_and_turned_into_what_is_declared() -> None:
    checked = Action("goto", goto).check(command(ra=83.6, dec=22, name=31))
    assert checked == {"ra": 83.6, "dec": 22.0, "name": "31", "quick": False}
    assert isinstance(checked["dec"], float)


def test_an_action_without_parameters_is_called_bare() -> None:
    assert Action("x", lambda: None).check(command()) == {}
    assert refusal(lambda: None, side="west") == "side: there is no such argument"


def test_one_parameter_named_message_gets_the_whole_command() -> None:
    def act(message: Command) -> None: ...

    asked = command(anything=[1, 2])
    assert Action("x", act).check(asked) == {"message": asked}


def test_message_among_others_is_an_ordinary_argument() -> None:
    def say(message: str, loud: bool = False) -> None: ...  # noqa: FBT001, FBT002

    assert Action("x", say).check(Command("dome", "x", {"message": "hi"})) == {
        "message": "hi",
        "loud": False,
    }


def test_open_ended_arguments_are_passed_on() -> None:
    def act(first: int, **more: Any) -> None: ...

    assert Action("x", act).check(command(first=1, second=[2])) == {"first": 1, "second": [2]}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"dec": 1}, "ra: it is missing"),
        ({"ra": 1, "dec": 91}, "dec: must be less than or equal to 90, not '91'"),
        ({"ra": "west", "dec": 1}, "ra: must be a number, not the text 'west'"),
        ({"ra": "2", "dec": 1}, "ra: must be a number, not the text '2', which needs no quotes"),
        ({"ra": "nan", "dec": 1}, "ra: must be a number, not the text 'nan'"),
        ({"ra": "9" * 5000, "dec": 1}, "ra: must be a number, not the text '999"),
        ({"ra": 10**400, "dec": 1}, "ra: must be a number that is not too large, not '1000"),
        ({"ra": True, "dec": 1}, "ra: must be a number, not true"),
        ({"ra": None, "dec": 1}, "ra: must be a number, not null"),
        ({"ra": 1, "dec": 1, "speed": 5}, "speed: there is no such argument"),
        ({"ra": 1, "dec": 1, "quick": "maybe"}, "quick: must be true or false, not 'maybe'"),
        ({"ra": 1, "dec": 1, "name": []}, "name: must be a text, not '[]'"),
    ],
)
def test_a_wrong_argument_is_named_in_words(args: dict[str, JSON], words: str) -> None:
    assert words in refusal(goto, **args)


def test_every_wrong_argument_is_named_but_not_thousands() -> None:
    text = refusal(goto, ra=-1, dec=91)
    assert "ra:" in text
    assert "dec:" in text
    many = refusal(goto, **{f"k{i}": 1 for i in range(5000)})
    assert many.endswith("more")
    assert len(many) < 2000


def test_a_long_value_is_not_repeated_in_full() -> None:
    assert len(refusal(goto, ra="x" * 100_000, dec=1)) < 300


def test_a_choice_is_told_with_what_can_be_chosen() -> None:
    def act(side: Literal["east", "west"]) -> None: ...

    assert "'east' or 'west'" in refusal(act, side="up")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    assert "finite" in refusal(goto, ra=value, dec=1)


def test_awkward_names_of_arguments_collide_with_nothing() -> None:
    def act(schema: int, model_config: int, self_: int, copy: int, _private: int = 0) -> None: ...

    args: dict[str, JSON] = {"schema": 1, "model_config": 2, "self_": 3, "copy": 4, "_private": 5}
    assert Action("x", act).check(command(**args)) == args


def test_positional_only_parameters_are_refused_to_the_author() -> None:
    def act(side: str, /) -> None: ...

    with pytest.raises(AgentError, match="positional-only"):
        Action("x", act).check(command())


def describe_odd(call: Any) -> str:
    with pytest.raises(AgentError) as caught:
        Action("odd", call).info()
    return str(caught.value)


def test_an_action_that_cannot_be_described_is_told_to_its_author() -> None:
    def unknown(side: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    class Opaque: ...

    def opaque(side: Opaque) -> None: ...

    opaque.__annotations__["side"] = Opaque
    for call in (unknown, opaque, dict):
        assert "'odd'" in describe_odd(call)


# -- what the about document says -----------------------------------------------------------------


def test_a_message_is_described_by_its_docstring_and_a_schema() -> None:
    info = Action("goto", goto, Rules(ttl=30)).info()
    assert info.description.startswith("Point the telescope.")
    assert info.ttl == 30
    assert info.args["required"] == ["ra", "dec"]
    assert info.args["properties"]["dec"]["minimum"] == -90
    assert info.args["additionalProperties"] is False
    assert info.states == ("ready", "busy", "degraded", "fault")


def test_an_urgent_message_is_taken_in_every_state() -> None:
    info = Action("close", lambda: None, Rules(urgent=True, idempotent=True)).info()
    assert (info.urgent, info.idempotent) == (True, True)
    assert {"starting", "stopping"} < set(info.states)


def test_a_message_that_gets_the_whole_command_takes_everything() -> None:
    def act(message: Command) -> None: ...

    assert Action("x", act).info().args == {"type": "object", "additionalProperties": True}


def test_a_validator_of_the_author_is_heard() -> None:
    def even(value: int) -> int:
        if value % 2:
            raise ValueError("only even numbers turn this wheel")
        return value

    def act(step: Annotated[int, AfterValidator(even)]) -> None: ...

    act.__annotations__["step"] = Annotated[int, AfterValidator(even)]
    assert refusal(act, step=3) == "step: only even numbers turn this wheel (given: '3')"


def test_numbers_are_json_numbers_also_within_lists() -> None:
    def act(
        steps: list[float] | None = None, to: int = 0, some: dict[int, str] | None = None
    ) -> None: ...

    assert "steps.1: must be a number, not true" in refusal(act, steps=[1, True])
    assert "to: must be a whole number, not true" in refusal(act, to=True)
    assert "to: must be a whole number, not '2.5'" in refusal(act, to=2.5)
    checked = Action("x", act).check(command(steps=[1], to=2.0, some={"2": "two"}))
    assert checked == {"steps": [1.0], "to": 2, "some": {2: "two"}}


def test_what_the_author_parses_is_not_judged_before() -> None:
    def act(ra: float) -> None: ...

    act.__annotations__["ra"] = Annotated[float, BeforeValidator(lambda text: text.strip("h"))]
    assert Action("x", act).check(command(ra="5.5h")) == {"ra": 5.5}


def test_no_words_of_the_checking_library_show() -> None:
    def act(
        name: Annotated[str, Field(min_length=3)] = "abc",
        place: tuple[float, float] = (0, 0),
        both: int | str = 0,
    ) -> None: ...

    act.__annotations__["name"] = Annotated[str, Field(min_length=3)]
    assert refusal(act, name="x") == "name: must have at least 3 characters, not 'x'"
    assert refusal(act, place=[1]) == "place.1: it is missing"
    assert refusal(act, both=[]) == (
        "both: must be a whole number, not '[]'; both: must be a text, not '[]'"
    )


# -- results --------------------------------------------------------------------------------------


class Side(StrEnum):
    WEST = "west"


@dataclass
class Pointing:
    ra: float
    sides: tuple[Side, ...]


class Array:
    def tolist(self) -> list[int]:
        return [1, 2]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        ("x", "x"),
        (float("nan"), None),
        ([1.5, float("inf")], [1.5, None]),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        (Pointing(1.0, (Side.WEST,)), {"ra": 1.0, "sides": ["west"]}),
        (Array(), [1, 2]),
        ({"a": Array()}, {"a": [1, 2]}),
        (Path("/a/b"), "/a/b"),
        (datetime(2026, 11, 22, tzinfo=UTC), "2026-11-22T00:00:00Z"),
        ({3}, [3]),
    ],
)
def test_a_result_becomes_what_json_can_say(value: Any, expected: JSON) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize("value", [object(), [print], {"a": object()}])
def test_a_result_without_a_plain_form_is_told(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        plain(value)


def test_a_result_that_holds_itself_is_told() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match=r"."):
        plain(value)
