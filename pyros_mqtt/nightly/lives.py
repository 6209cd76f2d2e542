"""Claims of agents about themselves -> spans of time in which they were so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyros_mqtt import wire
from pyros_mqtt.archive import Event
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import State, Status

SILENT = "silent"
"""Said of an agent that has said nothing for so long that it is not believed."""

BEATS = 3
"""So many beats without a word make an agent silent, as for everybody who watches."""


@dataclass(slots=True)
class Span:
    """A state that lasted: `state` one of the protocol's, or `silent`. POSIX seconds.

    `detail` is the last that was told meanwhile.
    """

    state: str
    start: float
    stop: float
    detail: str = ""


def lives(events: Iterable[Event], start: float, stop: float) -> dict[str, list[Span]]:
    """Give each agent's spans from `start` to `stop`, in order of time.

    Args:
        events: of the branch `status`, in order of time; those from before `start` tell how each
            agent was then.
        start: POSIX seconds.
        stop: the end of the span, or now.
    """
    told: dict[str, list[Span]] = {}
    beats: dict[str, float] = {}
    for event in events:
        try:
            status = wire.decode_status(event.payload, event.agent)
        except BadPayload:
            continue
        spans = told.setdefault(event.agent, [])
        _close(spans, event.time, beats.get(event.agent, 0.0))
        beats[event.agent] = status.beat
        _claim(spans, status, event.time)
    for agent, spans in told.items():
        _close(spans, stop, beats.get(agent, 0.0))
    return {agent: _within(spans, start, stop) for agent, spans in sorted(told.items())}


def _claim(spans: list[Span], status: Status, moment: float) -> None:
    if spans and spans[-1].state == status.state.value:
        spans[-1].detail = status.detail or spans[-1].detail
    else:
        spans.append(Span(status.state.value, moment, moment, status.detail))


def _close(spans: list[Span], moment: float, beat: float) -> None:
    """Let the last claim last until `moment`, as long as it could be believed."""
    if not spans:
        return
    last = spans[-1]
    alive = last.state != SILENT and State(last.state).is_alive
    believed = last.stop + BEATS * beat
    if alive and beat and moment > believed:
        last.stop = believed
        spans.append(Span(SILENT, believed, moment))
    else:
        last.stop = max(last.stop, moment)


def _within(spans: list[Span], start: float, stop: float) -> list[Span]:
    return [
        Span(one.state, max(one.start, start), min(one.stop, stop), one.detail)
        for one in spans
        if one.stop > start and one.start < stop
    ]
