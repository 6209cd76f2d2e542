"""Spans of a command, from its sender to its report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from pyros_mqtt import Agent, Command, Failed, Rejected, on
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.tracing import tracing
from pyros_mqtt.wire import decode_command, encode_command

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Dome(Agent):
    @on("open")
    def open(self) -> str:
        return "open"

    @on("jam")
    def jam(self) -> None:
        raise RuntimeError("the motor is hot")


class Night(Agent):
    @on("begin")
    def begin(self) -> str:
        return str(self.ask("dome", "open"))


class Kept:
    """The spans that have ended."""

    def __init__(self, stage: Rehearsal, exporter: InMemorySpanExporter) -> None:
        self._stage = stage
        self._exporter = exporter

    def named(self, *names: str) -> list[ReadableSpan]:
        """Wait for one span of each name."""
        self._stage.wait_until(lambda: set(names) <= {one.name for one in self.all})
        found = {one.name: one for one in self.all}
        return [found[name] for name in names]

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", provider.get_tracer)
    with Rehearsal(settings=Settings(journal="memory", brokers=(), traces=True)) as stage:
        stage.exporter = exporter  # type: ignore[attr-defined]
        yield stage
    tracing.switch_off()
    provider.shutdown()


@pytest.fixture
def kept(stage: Rehearsal) -> Kept:
    stage.start(Dome("dome", bus=stage.bus, settings=stage.settings))
    return Kept(stage, stage.exporter)  # type: ignore[attr-defined]


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_a_command_is_one_trace_from_its_sender_to_its_report(stage: Rehearsal, kept: Kept) -> None:
    assert stage.ask("dome", "open") == "open"
    send, wait, run = kept.named("send dome open", "wait dome open", "run dome open")
    assert send.parent is None
    assert parent_of(wait) == parent_of(run) == send.context.span_id
    assert {one.context.trace_id for one in (send, wait, run)} == {send.context.trace_id}
    assert send.attributes is not None
    assert send.attributes["pyros.outcome"] == "done"
    assert send.attributes["pyros.agent"] == "dome"
    assert (send.start_time or 0) <= (run.start_time or 0) <= (run.end_time or 0)


def test_what_an_action_asks_of_others_hangs_below_it(stage: Rehearsal, kept: Kept) -> None:
    stage.start(Night("night", bus=stage.bus, settings=stage.settings))
    assert stage.ask("night", "begin") == "open"
    run, asked, inner = kept.named("run night begin", "send dome open", "run dome open")
    assert parent_of(asked) == run.context.span_id
    assert parent_of(inner) == asked.context.span_id


def test_a_failure_is_shown_with_its_reason(stage: Rehearsal, kept: Kept) -> None:
    with pytest.raises(Failed):
        stage.ask("dome", "jam")
    send, run = kept.named("send dome jam", "run dome jam")
    assert send.status.status_code is run.status.status_code is StatusCode.ERROR
    assert run.status.description == "the motor is hot"


def test_a_command_that_never_ran_has_only_its_senders_span(stage: Rehearsal, kept: Kept) -> None:
    with pytest.raises(Rejected):
        stage.ask("dome", "nonsense")
    (send,) = kept.named("send dome nonsense")
    assert send.attributes is not None
    assert send.attributes["pyros.outcome"] == "rejected"
    assert [one.name for one in kept.all] == ["send dome nonsense"]


def test_without_tracing_nothing_is_made_or_sent(stage: Rehearsal, kept: Kept) -> None:
    tracing.switch_off()
    stage.ask("dome", "open")
    assert kept.all == ()
    assert tracing.sending(Command("dome", "open")) == (Command("dome", "open"), None)


def test_nothing_is_imported_while_it_is_off() -> None:
    code = "import sys, pyros_mqtt.sender, pyros_mqtt.agent; print('opentelemetry' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=40
    )
    assert done.stdout.strip() == "False"


def test_a_trace_travels_in_a_field_of_its_own() -> None:
    command = Command("dome", "open", trace=PARENT)
    payload = encode_command(command)
    assert b'"x-traceparent":"' in payload.replace(b" ", b"")
    heard = decode_command(payload, "dome", arrived=0.0)
    assert heard is not None
    assert heard.trace == PARENT
    assert b"x-traceparent" not in encode_command(replace(command, trace=None))


@pytest.mark.parametrize(
    "given", ['"no trace"', "7", "null", f'"{PARENT}\\n"', '"' + "0" * 99 + '"']
)
def test_what_is_no_trace_is_passed_over(given: str) -> None:
    payload = f'{{"message": "open", "x-traceparent": {given}}}'.encode()
    heard = decode_command(payload, "dome", arrived=0.0)
    assert heard is not None
    assert heard.trace is None
