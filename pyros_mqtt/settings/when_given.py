"""Tables of pyros.toml that most machines say nothing in."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class WhenGiven:
    """Marks a table whose checks are made ready where something is said in it, not at each start.

    Its class defers its build, and its default is made by `model_construct`.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check by the table's own checks; whatever is wrong keeps its place."""
        del handler

        def check(value: Any) -> Any:
            return value if isinstance(value, source) else source.model_validate(value)

        return core_schema.no_info_plain_validator_function(check)
