"""G10: commands of one sender start in the order sent, over repeats and reconnections.

A round sends a hundred commands while the connections of the sender and of the agent are cut five
times, or the broker dies; the agent's own history tells in which order they started.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator

from tests.faults.company import Company, settings_of, starts
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.tcp_proxy import TcpProxy, wait_out

COMMANDS = 100
CUTS = 5
PACE = 0.02
"""Seconds between two commands."""

SWALLOW = 6
"""Commands that a connection takes and does not pass on before it is cut."""

Act = Callable[[], None]
Cut = tuple[Act, Act]
"""How a cut begins, and how it ends, `SWALLOW` commands later."""

TTL = 90.0
BROKER_ROUNDS = 4
"""Every so many rounds, one of the cuts is the broker's death."""


class Site:
    """A broker, an agent and a sender, each behind a proxy of its own."""

    def __init__(self, stack: contextlib.ExitStack, setting: Setting) -> None:
        folder = setting.folder
        self.history = folder / "history"
        self.broker = stack.enter_context(OwnMosquitto(folder))
        self.to_agent = stack.enter_context(TcpProxy(self.broker.url))
        self.to_sender = stack.enter_context(TcpProxy(self.broker.url))
        agent = {
            "name": "steady",
            "settings": settings_of(self.to_agent.url, folder / "a"),
            "history": str(self.history),
        }
        sender = {"ops": {"settings": settings_of(self.to_sender.url, folder / "b")}}
        company = [
            stack.enter_context(Company(folder, setting.build, agents=[agent])),
            stack.enter_context(Company(folder, setting.build, senders=sender)),
        ]
        _, self.sender = (one.wait_ready() for one in company)
        self._numbers = itertools.count(1)

    def round(self, number: int) -> Trial:
        """Send a hundred commands through five cuts, and look at what has started."""
        chance = random.Random(number)  # noqa: S311 - a game of chance that can be played again
        cuts = self._cuts(chance, number)
        begins = sorted(chance.sample(range(5, COMMANDS - SWALLOW, SWALLOW + 1), CUTS))
        acts = {at: begin for at, (begin, _) in zip(begins, cuts, strict=True)}
        acts |= {at + SWALLOW: end for at, (_, end) in zip(begins, cuts, strict=True)}
        numbers = [next(self._numbers) for _ in range(COMMANDS)]
        for place, n in enumerate(numbers):
            acts.get(place, _nothing)()
            self.sender.send("ops", "steady", n, ttl=TTL)
            wait_out(PACE)
        broken = self._unaccounted(numbers)
        started = [n for n in starts(self.history, "steady") if n in set(numbers)]
        inversions = sum(later < earlier for earlier, later in itertools.pairwise(started))
        if inversions:
            broken.append(f"round {number}: {inversions} commands started after a newer one")
        return Trial(1, broken, {"inversions": inversions})

    def _cuts(self, chance: random.Random, number: int) -> list[Cut]:
        """Five cuts; the agent loses something in at least three of them."""
        cuts = [self._swallow(self.to_agent) for _ in range(3)]
        ways = [
            (self.to_agent.cut, _nothing),
            (self.to_sender.cut, _nothing),
            self._swallow(self.to_sender),
        ]
        cuts += [chance.choice(ways) for _ in range(CUTS - len(cuts))]
        if number % BROKER_ROUNDS == BROKER_ROUNDS - 1:
            cuts[-1] = (self.broker.kill, self.broker.start)
        chance.shuffle(cuts)
        return cuts

    def _swallow(self, proxy: TcpProxy) -> Cut:
        """What passes in the last moments before the cut comes to nobody."""

        def begin() -> None:
            proxy.is_mute = True

        def end() -> None:
            proxy.cut()
            proxy.is_mute = False

        return begin, end

    def _unaccounted(self, numbers: list[int]) -> list[str]:
        """Wait until every command has its end."""
        return [
            f"command {n} has no end"
            for n in numbers
            if self.sender.await_word(n, TTL + 5, wanted=lambda heard: heard.is_final) is None
        ]


def _nothing() -> None:
    """A cut that begins and ends at once."""


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """One site for all rounds."""
    with contextlib.ExitStack() as stack:
        yield Site(stack, setting).round


G10 = Harness(
    name="g10-order",
    promise="G10",
    title="commands of one sender start in the order sent",
    full=100,
    gate=4,
    mutants=("no-x-after", "repeats-backwards"),
    open=opened,
)
