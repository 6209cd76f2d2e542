"""A command's way as OpenTelemetry's spans: sent, waiting, running. Off unless it is switched on.

While it is off, nothing of OpenTelemetry is imported, and a command costs a look at one variable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from pyros_mqtt.messages import Command, Report

if TYPE_CHECKING:
    from pyros_mqtt.tracing.spans import Spans

log = logging.getLogger(__name__)

OnReport = Callable[[Report], None]


class Fate(Protocol):
    """What a sender knows of its command."""

    @property
    def is_ended(self) -> bool:
        """Nothing more will come."""

    @property
    def state(self) -> str:
        """The latest reported state, or that it is unknown."""


class Tracing:
    """The spans of this process, or nothing. For any thread."""

    def __init__(self) -> None:
        self._spans: Spans | None = None

    def switch_on(self) -> None:
        """Make spans from now on, for the tracer provider that the program has set up.

        Traces are no reason not to work: where the extra is not installed, the log says so.
        """
        if self._spans is not None:
            return
        try:
            from pyros_mqtt.tracing.spans import Spans
        except ImportError:
            log.error("traces need OpenTelemetry: pip install 'pyros-mqtt[otel]'")  # noqa: TRY400 - it says all
            return
        self._spans = Spans()

    def switch_off(self) -> None:
        """Make none from now on."""
        self._spans = None

    def sending(self, command: Command) -> tuple[Command, Callable[[Fate], None] | None]:
        """A command is sent: give it its trace, and whom to tell what becomes of it."""
        return self._spans.sending(command) if self._spans else (command, None)

    def performing(self, command: Command, arrived: float) -> AbstractContextManager[OnReport]:
        """A command that has waited since `arrived` (monotonic seconds) runs; tell how it ended."""
        return self._spans.performing(command, arrived) if self._spans else nullcontext(_ignore)


def _ignore(report: Report) -> None:
    """Nobody wants to know."""


tracing = Tracing()
