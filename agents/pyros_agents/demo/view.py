"""What the audience sees: everyone's state, what passes on the bus, and what it means."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.demo.chronicle import Chronicle
from pyros_agents.demo.glances import Glances
from pyros_mqtt import Command, Fleet, Member, Report
from pyros_mqtt.traffic import Passing

LINES = 14
"""Most commands and reports that are shown; on a low terminal fewer."""

STORY, LOG = 4, 3
"""Sentences of the narration, and lines that the agents print, that are shown at most."""

FRAME = 2
"""Lines that a panel takes for its edges."""

COLUMNS = (("agent", 0, 0), ("state", 2, 0), ("measures", 8, 0), ("task", 5, 96), ("", 4, 112),
           ("age", 1, 76))  # fmt: skip
"""Title, share of the width (0: as wide as the longest name), and the least width to show it."""

STYLES = {
    "starting": "yellow", "ready": "green", "busy": "bold cyan", "degraded": "yellow",
    "fault": "bold red", "stopping": "magenta", "stopped": "dim", "lost": "bold red",
    "silent": "red", "done": "green", "failed": "bold red", "rejected": "red",
    "cancelled": "yellow", "running": "cyan", "accepted": "dim", "expired": "red",
}  # fmt: skip


class Narration:
    """Tells the night in lines, for a terminal that cannot be redrawn, or for a log."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Speak through `say`."""
        self._say = say
        self._start = time.monotonic()

    def narrate(self, sentence: str) -> None:
        """Tell what happens."""
        self._say(f"[{time.monotonic() - self._start:5.1f} s] {sentence}")

    def overhear(self, name: str, line: str) -> None:
        """Hand on a line that an agent has printed, on standard error."""
        print(f"{name} | {line}", file=sys.stderr, flush=True)  # noqa: T201 - the logs' way out

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear away."""


class LiveView:
    """Redraws the night in place, eight times a second, in a thread of rich's."""

    def __init__(
        self,
        console: Console,
        fleet: Fleet,
        chronicle: Chronicle,
        glances: Glances,
        clock: SkyClock,
    ) -> None:
        """Prepare the stage; it is drawn within `with`."""
        self._fleet = fleet
        self._chronicle = chronicle
        self._glances = glances
        self._clock = clock
        self._console = console
        self._printed: deque[str] = deque(maxlen=LOG)
        self._lock = threading.Lock()
        self._sentences: list[str] = []
        self._live = Live(
            console=console, get_renderable=self.draw, refresh_per_second=8, screen=False
        )

    def narrate(self, sentence: str) -> None:
        """Tell what happens, below the table."""
        with self._lock:
            self._sentences.append(sentence)

    def overhear(self, name: str, line: str) -> None:
        """Show a line that an agent has printed."""
        with self._lock:
            self._printed.append(f"{name} | {line}")

    def __enter__(self) -> Self:
        """Start to draw."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture standing."""
        self._live.stop()

    def draw(self) -> Group:
        """The whole picture, as it is now, in as many lines and columns as there are."""
        sky = datetime.fromtimestamp(self._clock.now(), UTC)
        title = f"PyROS over MQTT · sky {sky:%Y-%m-%d %H:%M:%S} UTC · {self._clock.speed:g} x"
        with self._lock:
            story = [Text(f"• {one}", "bold") for one in self._sentences[-STORY:]]
            printed = [Text(line, "dim") for line in self._printed]
        members = self._fleet.members()
        room = self._console.height - len(members) - 1 - 2 * FRAME - STORY - len(printed) - 1
        panels = [Panel(self._table(members), title=title, border_style="blue")]
        if room > 0:
            traffic = self._traffic(min(room, LINES))
            panels.append(Panel(traffic, title="commands and reports", border_style="blue"))
        words = Text("\n", no_wrap=True, overflow="ellipsis").join([*printed, *story])
        return Group(*panels, words)

    def _table(self, members: Sequence[Member]) -> Table:
        table = Table(expand=True, box=None, pad_edge=False)
        wide = [self._console.width >= at_least for _, _, at_least in COLUMNS]
        longest = max((len(member.name) for member in members), default=0)
        for (column, ratio, _), is_shown in zip(COLUMNS, wide, strict=True):
            if is_shown:
                width = longest if column == "agent" else None
                table.add_column(column, ratio=ratio or None, width=width, no_wrap=True)
        for member in members:
            cells = _cells(member, self._glances.words(member.name))
            table.add_row(*itertools.compress(cells, wide))
        return table

    def _traffic(self, lines: int) -> Text:
        worth = [passing for passing in self._chronicle.passed if _is_worth_it(passing)]
        between = Text("\n", no_wrap=True, overflow="ellipsis")
        return between.join(line_of(passing) for passing in worth[-lines:])


def view_for(
    console: Console, live: Callable[[], LiveView], *, headless: bool
) -> LiveView | Narration:
    """Choose how the night is shown: redrawn in place on a terminal, else told line by line."""
    if headless or not console.is_terminal:
        return Narration(lambda line: print(line, file=console.file, flush=True))
    return live()


def complain(problems: Sequence[str]) -> None:
    """Say on standard error what went wrong, however the night was shown."""
    console = Console(stderr=True, highlight=False, markup=False)
    for problem in problems:
        console.print(f"did not go as it should: {problem}", style="red", soft_wrap=True)


def line_of(passing: Passing) -> Text:
    """One command or report as a line."""
    moment = datetime.fromtimestamp(passing.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    text = Text(f"{moment}  ", style="dim")
    what = passing.what
    if isinstance(what, Command):
        text.append(f"{passing.sender} → {passing.agent}  ", style="white")
        text.append(str(what), style="bold")
    elif isinstance(what, Report):
        text.append(f"{passing.sender} ← {passing.agent}  {what.message}  ", style="white")
        text.append(what.state.value, style=STYLES.get(what.state.value, ""))
        text.append(f"  {what.error.text if what.error else ''}", style="dim")
    else:
        text.append(f"{passing.agent}  {what}", style="red")
    return text


def _is_worth_it(passing: Passing) -> bool:
    what = passing.what
    return not (isinstance(what, Report) and what.state.value in {"accepted", "running"})


def _cells(member: Member, measures: str) -> list[Text | ProgressBar | str]:
    status = member.status
    state = member.health.value if member.health.value != "live" or not status else status.state
    task = status.task if status else None
    words = member.label.partition(": ")[2]
    shown: Text | ProgressBar = Text("")
    if task is not None:
        words = f"{task.message}"
        if task.progress is not None:
            words += f"  {task.progress.text}"
            if task.progress.fraction is not None:
                shown = ProgressBar(total=1.0, completed=task.progress.fraction)
    age = f"{member.age:.0f} s" if member.age < 1e6 else "-"  # noqa: PLR2004 - or never heard of
    styled = Text(state, style=STYLES.get(state, ""))
    return [member.name, styled, measures, words, shown, Text(age)]
