"""G4: an id is remembered for its expiry and twice the allowed skew, however many there are."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from pyros_mqtt.messages import Outcome
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.wire import to_rfc3339
from tests.faults import mutants
from tests.faults.checker import check
from tests.faults.clock import Clock
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.journal_load import LOOK_UP, LOOK_UP_WAIT, PURGE, PURGE_WAIT, STEP
from tests.faults.processes import Process, environment
from tests.faults.site import PATIENCE, Site
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient

ROOT, AGENT, SENDER = "g4", "dome", "ops"

NOWHERE = BrokerUrl("mqtt", "127.0.0.1", 1)
"""A journal needs no broker."""

IDS = 20
TTL = 40.0
SKEW = 60.0
"""Seconds by which clocks may differ here."""

LATER = TTL + 2 * SKEW - 30.0
"""Seconds for which an agent still has to remember what has just been sent; 30 are to spare."""


class Memory:
    """An agent whose clock is set forward, and who is started again; its ids are sent once more."""

    def __init__(self, setting: Setting, broker: OwnMosquitto) -> None:
        self._broker = broker
        self.site = Site(setting, broker.url, ROOT, AGENT, PYROS_MAX_CLOCK_SKEW=str(SKEW))
        self._clock = Clock(self.site.folder / "clock")

    def run(self, number: int) -> Trial:
        """Send some ids, and again as late as possible, before and after a crash."""
        ids = [f"{number}-{index}" for index in range(IDS)]
        self._clock.set_to(0)
        self._restart()
        told = self._send(ids, 0.0)
        self._clock.set_to(LATER)
        for life in range(2):
            # time passes and something is written, so that a journal looks what it may forget
            time.sleep(1.1)
            told += self._send([f"{number}-new-{life}"], LATER)
            told += self._send(ids, LATER)
            if life == 0:
                self._restart()
        events = [event for event in self.site.notes.news() if event.key.startswith(f"{number}-")]
        return Trial(IDS, [*told, *check(events, settled=False)])

    def _restart(self) -> None:
        self.site.kill()
        self.site.start_ready(fresh=True, **self._clock.environment)

    def _send(self, ids: list[str], ahead: float) -> list[str]:
        """Send commands under a clock; the ends that are not "done"."""
        ends: dict[str, str] = {}
        with RawClient(self._broker.url) as client:
            client.subscribe(f"{ROOT}/{AGENT}/outbox/{SENDER}")
            for id_ in ids:
                client.publish(f"{ROOT}/{AGENT}/inbox", _command(id_, time.time() + ahead), qos=1)
            deadline = time.monotonic() + PATIENCE
            with contextlib.suppress(TimeoutError):
                while len(ends) < len(ids):
                    body = client.next(max(0.001, deadline - time.monotonic())).body
                    if Outcome(body["state"]).is_terminal:
                        ends[body["id"]] = body["state"]
        return [f"{id_} is {ends.get(id_)}" for id_ in ids if ends.get(id_) != "done"]


def _command(id_: str, now: float) -> dict[str, Any]:
    sent = {"from": SENDER, "id": id_, "sent_at": to_rfc3339(now), "ttl": TTL}
    return sent | {"message": "move", "args": {"key": id_}}


@contextlib.contextmanager
def _open_memory(setting: Setting) -> Iterator[RunTrial]:
    with OwnMosquitto(setting.folder) as broker:
        memory = Memory(setting, broker)
        with memory.site:
            yield memory.run


@contextlib.contextmanager
def _open_journal(setting: Setting) -> Iterator[RunTrial]:
    journal, result = setting.folder / "journal.sqlite", setting.folder / "figures.json"

    def run(number: int) -> Trial:
        variables = environment(setting, NOWHERE, ROOT, setting.folder / "state")
        process = Process(variables, "journal", str(journal), str(number), str(result))
        code = process.wait(600)
        assert code == 0, f"it ended with {code}: see {setting.folder}"
        return Trial(STEP, [], json.loads(result.read_text()))

    yield run


RESTARTS = Harness(
    name="g4-restarts",
    promise="G4",
    title="An id is remembered for its expiry and twice the allowed skew, across restarts",
    full=400,
    gate=IDS,
    mutants=(mutants.FORGETS_AT_DEADLINE,),
    open=_open_memory,
    needs=("mosquitto", "faketime"),
)

MILLION = Harness(
    name="g4-million",
    promise="G4",
    title="Among a million ids one is found within 1 ms, and a purge blocks for less than 50 ms",
    full=1_000_000,
    gate=2 * STEP,
    mutants=(mutants.LOOKS_UP_BY_READING_ALL, mutants.PURGES_ALL_AT_ONCE),
    open=_open_journal,
    limits={
        LOOK_UP: (100, 0.001),
        LOOK_UP_WAIT: (100, 0.001),
        PURGE: (100, 0.02),
        PURGE_WAIT: (100, 0.05),
    },
    needs=(),
)
