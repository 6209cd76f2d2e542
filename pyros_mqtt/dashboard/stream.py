"""What one browser is told: everything at first, then changes, one frame under way at a time.

A browser says when it has drawn a frame; until then the next one is not made. So a slow telephone
gets the newest state at its own pace, and nothing ever waits for it in a queue.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.dashboard.board import Delta
from pyros_mqtt.dashboard.history import Key, thinned
from pyros_mqtt.dashboard.watch import Watch

TICK = 0.25
"""Seconds between two looks for changes."""

PULSE = 1.0
"""Seconds after which a frame goes out though nothing has changed: the browser hears us live."""

DEAF = 60.0
"""Seconds for which a browser may leave a frame unacknowledged; then it is hung up on."""

MOST_SERIES = 64
MOST_POINTS = 2_000
"""Of one series, in one frame."""

Part = dict[str, Any]


class BadWish(ValueError):
    """A browser said something that it should not say."""


class Pages:
    """Writes the part of a frame that is the same for all browsers of one version, once."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._from = -1
        self._delta: Delta | None = None
        self._text = ""

    def since(self, version: int) -> tuple[Delta, str]:
        """The changes after `version`, and the same as JSON."""
        board = self._watch.board
        delta = board.since(version)
        known = self._delta
        if known is None or self._from != version or known.version != delta.version:
            self._from, self._delta, self._text = version, delta, _written(delta)
        return delta, self._text


def _written(delta: Delta) -> str:
    part: Part = {"version": delta.version, "sections": delta.sections, "passings": delta.passings}
    if delta.is_whole:
        part["whole"] = True
    if delta.missed:
        part["missed"] = delta.missed
    return wire.compact(part)


@dataclass(slots=True)
class Wishes:
    """What one browser wants besides the board: plotted series, and one agent's last words."""

    series: dict[str, tuple[Key, int]] = field(default_factory=dict)
    agent: str = ""
    agent_version: int = 0


class Viewer:
    """One browser, in the event loop.

    Args:
        watch: what it is told of.
        pages: shared by all viewers.
        hello: what the first frame says besides.
    """

    def __init__(self, watch: Watch, pages: Pages, hello: Part) -> None:
        self._watch = watch
        self._pages = pages
        self._hello: Part | None = hello
        self._wishes = Wishes()
        self._version = 0
        self._number = 0
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()
        self._spoke = 0.0
        self._broker: Part = {}

    def hear(self, text: str) -> None:
        """Take in what the browser says: `{"ack": 3}`, `{"plots": [...]}`, `{"agent": "dome"}`.

        Raises:
            BadWish: it is none of these.
        """
        try:
            wish = wire.strict(text)
            if not isinstance(wish, dict):
                raise BadWish("a JSON object, please")
            if "ack" in wish:
                if wish["ack"] == self._number:
                    self._acknowledged.set()
            elif "plots" in wish:
                self._plot(wish["plots"])
            elif "agent" in wish:
                self._wishes.agent, self._wishes.agent_version = str(wish["agent"])[:63], 0
        except (TypeError, ValueError) as error:
            raise BadWish(str(error)) from None

    def _plot(self, names: Any) -> None:
        if not isinstance(names, list) or len(names) > MOST_SERIES:
            raise BadWish(f"plots are a list of at most {MOST_SERIES}")
        before = self._wishes.series
        series: dict[str, tuple[Key, int]] = {}
        for name in map(str, names):
            key = series_key(name)
            series[name] = before.get(name) or (key, self._watch.memory.mark(key))
        self._wishes.series = series

    async def next_frame(self) -> str:
        """Wait until there is something to say and the browser can take it; a JSON text.

        Raises:
            TimeoutError: the browser does not acknowledge.
        """
        async with asyncio.timeout(DEAF):
            await self._acknowledged.wait()
        while True:
            frame = self._frame(is_due=time.monotonic() - self._spoke >= PULSE)
            if frame is not None:
                self._acknowledged.clear()
                self._spoke = time.monotonic()
                return frame
            await asyncio.sleep(TICK)

    def _frame(self, *, is_due: bool) -> str | None:
        delta, text = self._pages.since(self._version)
        own = self._own()
        if delta.is_empty and not own and not is_due:
            return None
        self._version = delta.version
        self._number += 1
        head: Part = {
            "n": self._number,
            "mono": round(time.monotonic(), 3),
            "wall": round(time.time(), 3),
        }
        own_text = wire.compact(head | own)
        return own_text if delta.is_empty else f'{own_text[:-1]},"board":{text}}}'

    def _own(self) -> Part:
        """What only this browser is told."""
        part: Part = {}
        if self._hello is not None:
            part["hello"], self._hello = self._hello, None
        broker = self._watch.broker()
        if broker != self._broker:
            self._broker = part["broker"] = broker
        if samples := self._samples():
            part["samples"] = samples
        wishes = self._wishes
        if wishes.agent:
            version, values = self._watch.ear.values(wishes.agent, wishes.agent_version)
            wishes.agent_version = version
            if values:
                part["values"] = {"agent": wishes.agent, "channels": values}
        return part

    def _samples(self) -> dict[str, list[list[float]]]:
        fresh = {}
        for name, (key, mark) in list(self._wishes.series.items()):
            new_mark, times, values = self._watch.memory.after(key, mark)
            if new_mark != mark:
                self._wishes.series[name] = (key, new_mark)
                fresh[name] = list(thinned(times, values, MOST_POINTS))
        return fresh


def series_key(name: str) -> Key:
    """Read `weather/conditions.wind`, or `camera/temperature` where a channel has no fields.

    Raises:
        BadWish: it is none.
    """
    agent, slash, rest = name.partition("/")
    channel, _, field_name = rest.partition(".")
    if not (agent and slash and channel) or len(name) > 200:  # noqa: PLR2004 - three names
        raise BadWish(f"{name[:80]!r} is no series; right is AGENT/CHANNEL or AGENT/CHANNEL.FIELD")
    return agent, channel, field_name
