"""G11: telemetry published at QoS 1 is what is recorded and what is known to be missing.

A trial measures two new channels, a thousand times a second each, and strikes in the middle: the
agent is cut off for longer than its buffer lasts, or the recorder or the broker is killed. The
measuring agent itself counts what it has measured, without the library.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator

from pyros_mqtt.archive import Account
from pyros_mqtt.errors import PyrosError
from tests.faults.company import await_true
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.record_site import PATIENCE, Site
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.tcp_proxy import TcpProxy, wait_out

CHANNELS = ("single", "batched")

ROOM = 400
"""Samples that the agent keeps over an outage."""

OUTAGE = 0.5
"""Seconds for which it is cut off: more than there is room for."""

LAG = 0.02
"""Seconds on the way to the broker before a cut, so that acknowledgements are lost by it."""


class Place:
    """A broker, a recorder and a meter, with a proxy before the meter."""

    def __init__(self, stack: contextlib.ExitStack, setting: Setting) -> None:
        self.broker = stack.enter_context(OwnMosquitto(setting.folder))
        self.proxy = stack.enter_context(TcpProxy(self.broker.url))
        self.site = stack.enter_context(Site(setting, self.broker.url, "g11", setting.folder))
        self.site.begin()
        self.site.fork(self.proxy.url, "meter", PYROS_OUTAGE_SAMPLES=str(ROOM))
        self.site.until_listening()
        self._told_dropped = 0
        self._strikes = (self.cut_off, self.kill_recorder, self.kill_broker)

    # -- the strikes ------------------------------------------------------------------------------

    def cut_off(self, chance: random.Random) -> None:
        """Cut the meter off; some of what it has said has come, and it does not know."""
        self.proxy.lag = LAG
        wait_out(10 * LAG)
        self.proxy.is_closed = True
        self.proxy.cut()
        self.proxy.lag = 0.0
        wait_out(OUTAGE + chance.uniform(0, 0.3))
        self.proxy.is_closed = False

    def kill_recorder(self, chance: random.Random) -> None:
        """Kill the recorder, and start it again."""
        self.site.recorder.kill()
        wait_out(chance.uniform(0, 0.3))
        self.site.begin()

    def kill_broker(self, chance: random.Random) -> None:
        """Kill the broker, and start it again."""
        self.broker.kill()
        wait_out(chance.uniform(0, 0.5))
        self.broker.start()

    # -- one trial --------------------------------------------------------------------------------

    def trial(self, number: int) -> Trial:
        """Strike while it measures, and draw the balance."""
        chance = random.Random(number)  # noqa: S311 - a game of chance that can be played again
        strike = self._strikes[number % len(self._strikes)]
        self._insist("begin", number=number)
        self._until_recorded(number)
        wait_out(chance.uniform(0, 0.3))
        strike(chance)
        self.site.until_listening()  # what it had in memory is no sign of that
        self._until_recorded(number)
        wait_out(chance.uniform(0, 0.1))
        told = self._insist("end")
        self.site.until_listening()
        accounts = {name: self._account(name, number) for name in CHANNELS}
        broken = [text for name in CHANNELS for text in unbalanced(name, accounts[name], told)]
        missing = sum(_missing(one) for one in accounts.values())
        broken += self._dropped(told["dropped"], missing, exactly=strike == self.cut_off)
        kind = strike.__name__
        figures: Figures = {f"{kind}: samples missing": float(missing)}
        if told["seconds"]:
            figures["samples a second of a channel"] = told["made"] / told["seconds"]
        return Trial(1, [f"{kind}: {text}" for text in broken], figures)

    def _account(self, name: str, number: int) -> Account:
        return self.site.account("meter", f"{name}-{number}")

    def _until_recorded(self, number: int) -> None:
        """Wait until something new of both channels is in the archive."""
        before = [self._account(name, number).messages for name in CHANNELS]

        def is_there() -> bool:
            now = (self._account(name, number).messages for name in CHANNELS)
            return all(itertools.starmap(int.__gt__, zip(now, before, strict=True)))

        assert await_true(is_there, PATIENCE), f"nothing new is recorded: {self.site.folder}"

    def _insist(self, message: str, **args: int) -> dict[str, float]:
        """Let the meter do something, over connections that come back little by little."""
        answers: list[dict[str, float]] = []

        def has_answered() -> bool:
            with contextlib.suppress(PyrosError):
                answers.append(self.site.ask("meter", message, **args) or {})
            return bool(answers)

        assert await_true(has_answered, PATIENCE), f"the meter does not answer: {self.site.folder}"
        return answers[0]

    def _dropped(self, counted: float, missing: int, *, exactly: bool) -> list[str]:
        """Compare what is missing with what the meter's status says that it has dropped."""
        if not await_true(lambda: self._says_dropped() == counted, PATIENCE):
            return [f"the status tells of {self._says_dropped()} dropped samples, not {counted}"]
        before, self._told_dropped = self._told_dropped, self._says_dropped()
        dropped = self._told_dropped - before
        if dropped == missing if exactly else dropped <= missing:
            return []
        return [f"{missing} samples are missing, and the status tells of {dropped} dropped"]

    def _says_dropped(self) -> int:
        return int(self.site.status("meter").get("dropped", 0))


def unbalanced(name: str, account: Account, told: dict[str, float]) -> list[str]:
    """Say how a channel's account does not add up; empty where it does."""
    missing, broken = _missing(account), []
    if account.samples + missing != told["made"]:
        broken.append(
            f"{name}: {told['made']} samples were published, {account.samples} are recorded and "
            f"{missing} known to be missing"
        )
    if name == "single" and (twice := account.samples - account.messages):
        broken.append(f"{name}: {twice} messages have the number of another one")
    return broken


def _missing(account: Account) -> int:
    return sum(gap.samples for gap in account.gaps)


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """One place for all strikes."""
    with contextlib.ExitStack() as stack:
        yield Place(stack, setting).trial


G11 = Harness(
    name="g11-accounting",
    promise="G11",
    title="telemetry published at QoS 1 = recorded + known to be missing, exactly",
    full=150,  # a hundred kills, and fifty outages
    gate=3,
    mutants=(
        "drops-are-not-counted",
        "doubt-is-delivery",
        "records-repeats-twice",
        "numbers-begin-anew",
        "counts-messages-for-samples",
    ),
    open=opened,
)
