"""A signature -> arguments that are checked, described, and refused in words.

Numbers are JSON numbers: neither `true` nor the text `"2"` passes for one, only `+22.014` and `.5`
do, which people write without quotes. A number passes for a
text, since `name=31` reads as a number where a person typed it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from pyros_mqtt.errors import AgentError, Refusal
from pyros_mqtt.messages import JSON, Command

MOST_PROBLEMS = 10
"""So many wrong arguments are named in one refusal."""

LONGEST = 80
"""Of a wrong value, so many characters are repeated."""


class Arguments:
    """The declared arguments of one message.

    Raises:
        AgentError: they cannot be had from a message, or cannot be described.
    """

    def __init__(self, message: str, parameters: Sequence[inspect.Parameter]) -> None:
        for one in parameters:
            _refuse_to_the_author(message, one)
        named = [p for p in parameters if p.kind not in {p.VAR_KEYWORD, p.VAR_POSITIONAL}]
        loose = any(p.kind is p.VAR_KEYWORD for p in parameters)
        # an alias, so that no argument's name can collide with the model's own attributes
        fields: dict[str, Any] = {f"a_{p.name}": (_kind(p), _declared(p)) for p in named}
        config = ConfigDict(
            extra="allow" if loose else "forbid",
            coerce_numbers_to_str=True,
            allow_inf_nan=False,
            arbitrary_types_allowed=True,
        )
        try:
            self._model: type[BaseModel] = create_model(
                f"{message} arguments", __config__=config, **fields
            )
            self.schema: dict[str, JSON] = self._model.model_json_schema()
        except (PydanticUserError, TypeError, ValueError, NameError) as error:
            what = error.message if isinstance(error, PydanticUserError) else error
            text = f"the arguments of {message!r} cannot be described: {what}"
            raise AgentError(text) from None
        self.schema.pop("title", None)

    def check(self, command: Command) -> dict[str, Any]:
        """Turn a command's arguments into the keyword arguments of the call.

        Raises:
            Refusal: `bad-arguments`, naming each wrong one and what would be right.
        """
        try:
            model = self._model.model_validate(command.args)
        except ValidationError as error:
            problems = error.errors(include_url=False)
            told = dict.fromkeys(_in_words(one, command.args) for one in problems[:MOST_PROBLEMS])
            more = len(problems) - MOST_PROBLEMS
            text = "; ".join(told) + (f"; and {more} more" if more > 0 else "")
            raise Refusal("bad-arguments", text, command) from None
        given = {name.removeprefix("a_"): getattr(model, name) for name in type(model).model_fields}
        return given | (model.model_extra or {})


def _refuse_to_the_author(message: str, parameter: inspect.Parameter) -> None:
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise AgentError(
            f"the action of {message!r} has positional-only parameters; arguments of messages "
            "come by name, so take the / out of its signature"
        )
    if isinstance(parameter.default, FieldInfo):
        raise AgentError(
            f"the action of {message!r} has Field(...) as the default of {parameter.name!r}; "
            f"write {parameter.name}: Annotated[..., Field(...)]"
        )


def _kind(parameter: inspect.Parameter) -> Any:
    if parameter.annotation is parameter.empty:
        return Any
    return Annotated[parameter.annotation, _NumbersAreNumbers()]


def _declared(parameter: inspect.Parameter) -> Any:
    default = ... if parameter.default is parameter.empty else parameter.default
    return Field(default, alias=parameter.name)


_WRITTEN = re.compile(r"\+\d{1,15}(\.\d*)?([eE][+-]?\d{1,2})?|[+-]?\.\d{1,15}", re.ASCII)

# -- numbers --------------------------------------------------------------------------------------


class _NumbersAreNumbers:
    """Puts a check in front of each number of an annotation, also within lists and the like.

    Classes with fields of their own, and what the author parses, are left as they are.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _guarded(handler(source))


_LEFT_ALONE = frozenset(
    {"model", "dataclass", "typed-dict", "definitions", "definition-ref", "literal", "enum"}
    | {"function-before", "function-wrap", "function-plain"}
)
_NOT_SCHEMAS = frozenset({"default", "metadata", "serialization", "keys_schema"})


def _guarded(schema: Any) -> Any:
    if isinstance(schema, (list, tuple)):
        return type(schema)(_guarded(one) for one in schema)
    if not isinstance(schema, dict) or schema.get("type") in _LEFT_ALONE:
        return schema
    if schema.get("type") in {"int", "float"}:
        check = {"type": "no-info", "function": _whole if schema["type"] == "int" else _number}
        return {"type": "function-before", "function": check, "schema": schema}
    return {key: one if key in _NOT_SCHEMAS else _guarded(one) for key, one in schema.items()}


def _number(value: object) -> object:
    value = _with_sign(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PydanticCustomError("number", "a number")
    return value


def _whole(value: object) -> object:
    value = _with_sign(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PydanticCustomError("number", "a whole number")
    return value


def _with_sign(value: object) -> object:
    """Read `+22.014` and `.5`, which astronomers write and JSON does not take for numbers."""
    if isinstance(value, str) and len(value) <= LONGEST and _WRITTEN.fullmatch(value):
        return float(value) if set(value) & set(".eE") else int(value)
    return value


# -- words ----------------------------------------------------------------------------------------

_WORDS = {
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_type": "a whole number",
    "float_type": "a number that is not too large",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "null",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "dataclass_type": "an object",
}
_SHOULD = re.compile(r"(?:\w+ )?(?:input )?should ", re.IGNORECASE)


def _in_words(problem: Any, args: dict[str, JSON]) -> str:
    where, kind, value = _place(problem, args), problem["type"], problem["input"]
    match kind:
        case "extra_forbidden":
            return f"{where}: there is no such argument"
        case "missing":
            return f"{where}: it is missing"
        case "number":
            return f"{where}: must be {problem['msg']}, not {_as_number(value)}"
    if kind in _WORDS:
        return f"{where}: must be {_WORDS[kind]}, not {_shown(value)}"
    return f"{where}: {_translated(str(problem['msg']), _shown(value))}"


def _translated(text: str, shown: str) -> str:
    """Pydantic's sentence as the end of one of ours; the author's own words as they are."""
    words = text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if words != text:
        return f"{words} (given: {shown})"
    should = _SHOULD.match(text)
    if should is None:
        return f"{text[:1].lower()}{text[1:]} (given: {shown})"
    return f"must {text[should.end() :].partition(' after validation')[0]}, not {shown}"


def _place(problem: Any, args: JSON) -> str:
    """Where the wrong value stands, without the branches that the annotation has tried."""
    steps: list[object] = []
    value: Any = args
    for step in problem["loc"]:
        try:
            value = value[step]
        except (LookupError, TypeError):
            continue
        steps.append(step)
    if problem["type"] == "missing":
        steps.append(problem["loc"][-1])
    return ".".join(str(step)[:LONGEST] for step in steps) or "arguments"


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(str(value)[:LONGEST])


def _as_number(value: object) -> str:
    """A value that is no number; one that looks like it comes with what to do."""
    if not isinstance(value, str):
        return _shown(value)
    looks = re.fullmatch(r"\s*[+-]?[\d.]+\s*", value[: LONGEST + 1])
    hint = ", which needs no quotes" if looks and len(value) <= LONGEST else ""
    return f"the text {_shown(value)}{hint}"
