"""pyros-mqtt with its defaults: the journal on the disk, or in memory (`pyros-memory`).

Commands go from a `Sender` to an `Agent` by the whole protocol: checked, journalled, accepted, run,
reported. One-way messages go from one `link` to another, on which the rest of the library stands.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bench import lane
from bench.job import PATIENCE, Job, Told, number_of
from bench.pace import Stopwatch, Window, paced
from bench.peers.pyros import crowd, measuring
from bench.peers.pyros.place import link_of, opened, settings_of, topics_of
from bench.tally import Tally
from pyros_mqtt import Agent, Receipt, Sender, on
from pyros_mqtt.transport import Delivery, Parcel

ECHO, SENDER = "echo", "bench"
TEXT_TTL = 120.0


class Echo(Agent):
    """Gives back what it is given."""

    tally: Tally

    @on("echo")
    def echo(self, text: str) -> str:
        """Count it."""
        self.tally.take(number_of(text))
        return text


def serve(job: Job) -> Told:
    """Be the agent."""
    agent = Echo(ECHO, settings=settings_of(job))
    agent.tally = Tally(job)
    agent.start()
    if not agent.wait_ready(PATIENCE):
        raise TimeoutError("the agent is not ready")
    lane.ready()
    lane.wait_for_end()
    memory = _resident()
    agent.stop()
    agent.join(10)
    return agent.tally.told() | {"memory": memory}


def ask(job: Job) -> Told:
    """One command at a time."""
    with Sender(SENDER, settings=settings_of(job)) as sender:
        return lane.laps(job, lambda text: str(sender.ask(ECHO, "echo", text=text)))


def commands(job: Job) -> Told:
    """Many at a time, one sender."""
    watch, wrong = Stopwatch(), 0
    waiting: deque[tuple[str, Receipt]] = deque()
    with Sender(SENDER, settings=settings_of(job)) as sender:
        for number in range(job.total):
            if number == job.warmup:
                wrong += _finish(waiting, 0)
                watch.start()
            wrong += _finish(waiting, job.window - 1)
            text = job.text(number)
            receipt = sender.post(ECHO, "echo", {"text": text}, ttl=TEXT_TTL)
            waiting.append((text, receipt))
        wrong += _finish(waiting, 0)
        return watch.stop() | {"wrong": wrong}


def _finish(waiting: deque[tuple[str, Receipt]], left: int) -> int:
    """Wait until only so many are under way; how many went wrong."""
    wrong = 0
    while len(waiting) > left:
        text, receipt = waiting.popleft()
        wrong += receipt.result(PATIENCE) != text
    return wrong


def read(job: Job) -> Told:
    """Count what comes over a link."""
    link = link_of(job)

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        def hear(delivery: Delivery) -> None:
            take(number_of(delivery.payload))

        link.subscribe(topics_of(job).log(ECHO, "debug"), hear)
        opened(link)
        return link.close

    return lane.reading(job, listen)


def write(job: Job) -> Told:
    """Publish over a link, one after the other."""
    link, watch, window = opened(link_of(job)), Stopwatch(), Window(job.window)
    topic = topics_of(job).log(ECHO, "debug")
    for number in paced(job, watch):
        window.enter()
        link.publish(Parcel(topic, job.payload(number), qos=job.qos), window.leave)
    told = watch.stop()
    link.close()
    return told


def _resident() -> int:
    """Bytes of memory that this process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    lane.main(
        {
            "serve": serve,
            "ask": ask,
            "commands": commands,
            "read": read,
            "write": write,
            "measure": measuring.measure,
            "gauge": measuring.gauge,
            "crowd": crowd.crowd,
            "view": crowd.view,
            "storm": crowd.storm,
            "onlooker": crowd.onlooker,
        }
    )
