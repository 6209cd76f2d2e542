"""What an action returns, as JSON can say it."""

from __future__ import annotations

from typing import Any

from pyros_mqtt.messages import JSON


def plain(value: Any) -> JSON:
    """Turn an action's result into what JSON can say.

    Dataclasses, pydantic models, enumerations, dates, paths, sets, and what has a `tolist()`
    (NumPy) become their plain forms; a number that is not finite becomes None.

    Raises:
        ValueError: there is no plain form.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return to_jsonable_python(value, inf_nan_mode="null", fallback=_listed)
    except (PydanticSerializationError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None


def _listed(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
