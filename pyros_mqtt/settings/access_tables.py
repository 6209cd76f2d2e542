"""The files that say who may do what: read whole, or told what is wrong with them, line by line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pyros_mqtt.errors import AccessError
from pyros_mqtt.settings import problems

AFile = TypeVar("AFile", bound=BaseModel)

Known = Callable[[tuple[str, ...]], Iterable[str]]
"""Lists the keys of a path's table."""


def read(file: Path, model: type[AFile], known: Known) -> AFile:
    """Read a file of TOML; a byte-order mark is read over.

    Raises:
        AccessError: it cannot be read, or says something wrong; a line each.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError as problem:
        raise AccessError(f"{file}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise AccessError(f"{file}: is not valid TOML: {problem}") from None
    return parse(text, str(file), model, known)


def parse(text: str, place: str, model: type[AFile], known: Known) -> AFile:
    """Read what stands in such a file; `place` names it for people.

    Raises:
        AccessError: it says something wrong; a line each.
    """
    try:
        return model.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise AccessError(f"{place}: is not valid TOML: {problem}") from None
    except ValidationError as error:
        raise AccessError("\n".join(problems.in_words(error, lambda _: place, known))) from None
