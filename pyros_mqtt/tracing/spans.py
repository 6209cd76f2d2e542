"""Spans by OpenTelemetry's own API; parents travel as W3C Trace Context, in `x-traceparent`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pyros_mqtt.messages import Command, Outcome, Report
from pyros_mqtt.tracing import Fate, OnReport
from pyros_mqtt.version import __version__

FIELD = "traceparent"


class Spans:
    """Makes the spans of one process."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("pyros_mqtt", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def sending(self, command: Command) -> tuple[Command, Callable[[Fate], None]]:
        """From the first try to the last word of the agent, or to the sender's giving up."""
        span = self._tracer.start_span(
            f"send {command.agent} {command.message}", kind=SpanKind.CLIENT, attributes=_of(command)
        )
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, trace.set_span_in_context(span))

        def told(fate: Fate) -> None:
            if fate.is_ended:
                _close(span, fate.state)
                span.end()

        return replace(command, trace=carrier.get(FIELD)), told

    @contextmanager
    def performing(self, command: Command, arrived: float) -> Iterator[OnReport]:
        """The time in the queue, and the action; what it sends itself hangs below it."""
        parent = Context()
        if command.trace:
            parent = self._propagator.extract({FIELD: command.trace}, parent)
            self._tell_wait(command, arrived, parent)
        with self._tracer.start_as_current_span(
            f"run {command.agent} {command.message}",
            context=parent,
            kind=SpanKind.SERVER,
            attributes=_of(command),
        ) as span:
            yield lambda report: _note(span, report)

    def _tell_wait(self, command: Command, arrived: float, parent: Context) -> None:
        now = time.time_ns()
        since = now - int(max(0.0, time.monotonic() - arrived) * 1e9)
        name = f"wait {command.agent} {command.message}"
        self._tracer.start_span(name, context=parent, start_time=since).end(now)


def _of(command: Command) -> dict[str, str]:
    return {
        "messaging.system": "mqtt",
        "pyros.agent": command.agent,
        "pyros.message": command.message,
        "pyros.sender": command.sender,
        "pyros.id": command.id,
    }


def _note(span: Span, report: Report) -> None:
    _close(span, report.state.value, report.error.text if report.error else "")


def _close(span: Span, state: str, text: str = "") -> None:
    span.set_attribute("pyros.outcome", state)
    if state != Outcome.DONE:
        span.set_status(Status(StatusCode.ERROR, text or state))
