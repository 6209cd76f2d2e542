"""Agents and senders in processes of their own, in any build; what an agent starts is written down.

`python -m tests.faults.witness CAST` plays a cast, given as JSON: agents, which write each start
into their history, and senders, which take orders line by line and say what they were told.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyros_mqtt import Agent, PyrosError, Receipt, Sender, Settings, on
from pyros_mqtt.link import Brokers, Link
from tests.faults.builds import become


class Witness(Agent):
    """Writes down whatever it starts."""

    def __init__(self, name: str, history: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._history = Path(history)

    @on("note")
    def note(self, n: int, more: Any = None, nap: float = 0.0) -> int:
        del more
        with self._history.open("a") as history:
            history.write(f"{self.name} {n}\n")
        if nap:
            self.sleep(nap)
        return n


def play_agents(agents: Iterable[dict[str, Any]]) -> None:
    """Start the agents of a cast, and say so once all are ready."""
    started = []
    for one in agents:
        settings = Settings(**one["settings"])
        agent = Witness(one["name"], one["history"], settings=settings)
        agent.start()
        started.append(agent)
    say({"ready": all(list(map(Agent.wait_ready, started)))})
    for agent in started:
        agent.join()


def play_senders(senders: dict[str, dict[str, Any]]) -> None:
    """Take orders from the standard input until it ends."""
    voices = {}
    for name, one in senders.items():
        if "backlog" in one:
            _narrow_backlog(one["backlog"])
        settings = Settings(**one["settings"])
        bus = OldBrokers(settings) if one.get("old") else Brokers(settings)
        voices[name] = Sender(name, bus=bus, settings=settings)
    say({"ready": True})
    for line in sys.stdin:
        obey(voices, json.loads(line))


class OldBrokers(Brokers):
    """The same brokers, as if they spoke MQTT 3.1.1 only."""

    def transport(self, client_id: str) -> Link:
        link = super().transport(client_id)
        link._dialler._old_brokers.update(self._settings.brokers)
        return link


def _narrow_backlog(room: int) -> None:
    """Make the backlogs of this process small enough to be filled."""
    from pyros_mqtt.link.backlog import Backlog

    Backlog.__init__.__defaults__ = (room, room)


def obey(voices: dict[str, Sender], order: dict[str, Any]) -> None:
    """Send one command, and tell what becomes of it, each time that there is news."""
    voice, n = voices[order["via"]], order["n"]
    options = {key: order[key] for key in ("ttl",) if key in order}
    args = {"n": n} | order.get("args", {})
    try:
        if order.get("durable"):
            receipt = voice.send_to(order["agent"], "note", durable=True, args=args, **options)
            say({"n": n, "told": "written"})
        else:
            receipt = voice.post(order["agent"], "note", args, **options)
    except Exception as error:  # noqa: BLE001 - whatever a user would see
        say({"n": n, "told": "error", "kind": type(error).__name__, "text": str(error)})
        return
    receipt.watch(lambda news: say({"n": n} | heard(news)))


def heard(receipt: Receipt) -> dict[str, str]:
    """What a sender is told at this moment."""
    try:
        receipt.wait_accepted(0)
        if receipt.is_ended:
            receipt.outcome()
    except PyrosError as error:
        return {"told": "error", "kind": type(error).__name__, "text": str(error)}
    return {"told": "done" if receipt.is_ended else "accepted"}


def say(words: dict[str, Any]) -> None:
    """One line, whole, whichever thread says it."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Play the cast of the command line."""
    become()
    from pyros_mqtt.agent import ownership
    from pyros_mqtt.link import backoff

    ownership.NO_CLAIM = 0.15
    backoff.BASE, backoff.CAP = 0.05, 0.2  # back at once: more faults in the same time
    cast = json.loads(sys.argv[1])
    if "agents" in cast:
        play_agents(cast["agents"])
    else:
        play_senders(cast["senders"])


if __name__ == "__main__":
    main()
