"""Many agents out of one process, and those who look at them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from bench import lane
from bench.job import PATIENCE, Job, Told
from bench.pace import Stopwatch, paced
from bench.peers.pyros.place import link_of, opened, settings_of, topics_of
from pyros_mqtt import Fleet, Follow, Sample, State, Status
from pyros_mqtt.link import Link
from pyros_mqtt.transport import Delivery, Parcel
from pyros_mqtt.wire import encode_sample, encode_status

SLICES = 20
"""In how many parts a second's work is spread over it."""


def name_of(number: int) -> str:
    """The name of a simulated agent."""
    return f"one-{number:05d}"


def status_of(number: int, seq: int, boot: int) -> bytes:
    """What an agent says of itself."""
    now = time.time()
    return encode_status(
        Status(
            agent=name_of(number), state=State.READY, session=f"s{number:015d}", boot=boot,
            seq=seq, beat=1.0, at=now, since=boot / 1000, host="t60-control", pid=number,
            version="1.0.0",
        )
    )  # fmt: skip


def crowd(job: Job) -> Told:
    """Be `count` agents at 1 s beats with so many channels at 1 Hz, until told to end."""
    link, ended = opened(link_of(job)), lane.end_as_event()
    topics, channels = topics_of(job), int(job.options.get("channels", 10))
    boot, began, turn, sent = int(time.time() * 1000), time.monotonic(), 0, 0
    while not ended.is_set():
        for number in range(turn % SLICES, job.count, SLICES):
            seq = turn // SLICES + 1
            topic = topics.status(name_of(number))
            link.publish(Parcel(topic, status_of(number, seq, boot), retain=True))
            for channel in range(channels):
                sample = encode_sample(Sample(time.time(), 20.0 + channel, seq=seq - 1))
                topic = topics.telemetry(name_of(number), f"channel-{channel}")
                link.publish(Parcel(topic, sample, qos=0))
            sent += 1
        turn += 1
        if turn == SLICES:
            lane.ready()  # everyone has spoken once
        ended.wait(max(0.0, began + turn / SLICES - time.monotonic()))
    seconds = time.monotonic() - began
    link.close()
    return {"beats": sent, "seconds": seconds, "wanted": job.count * seconds}


def view(job: Job) -> Told:
    """Show the fleet once a second for a while, with or without all channels; tells the cost."""
    heard: dict[str, int] = {"beats": 0, "samples": 0}
    fleet = Fleet(settings=settings_of(job))
    fleet.on_change(partial(_count, heard))
    fleet.open()
    follower = _follow_all(job, heard) if job.options.get("channels") else None
    if not fleet.wait_until(lambda: len(fleet.members()) >= job.count, PATIENCE):
        raise TimeoutError(f"{len(fleet.members())} of {job.count} agents are seen")
    heard.update(beats=0, samples=0)
    cpu, began = time.process_time(), time.monotonic()
    while (spent := time.monotonic() - began) < job.options["seconds"]:
        labels = [member.label for member in fleet.members()]
        time.sleep(1.0 - spent % 1.0)
    share = (time.process_time() - cpu) / (time.monotonic() - began)
    seconds = time.monotonic() - began
    fleet.close()
    if follower is not None:
        follower.close()
    return {"share": share, "seen": len(labels), "seconds": seconds, **heard}


def _count(heard: dict[str, int], _name: str) -> None:
    heard["beats"] += 1


def _follow_all(job: Job, heard: dict[str, int]) -> Link:
    topics, link = topics_of(job), link_of(job)
    follows: dict[str, Follow] = {}

    def hear(delivery: Delivery) -> None:
        follow = follows.get(delivery.topic)
        if follow is None:
            address = topics.parse(delivery.topic)
            if address is None:
                return
            follow = follows[delivery.topic] = Follow(address.agent, address.leaf)
        follow.hear(delivery)
        heard["samples"] += 1

    link.subscribe(topics.every("telemetry", "+"), hear)
    return opened(link)


def onlooker(job: Job) -> Told:
    """See everyone's status, and count each agent once."""
    fleet, seen = Fleet(settings=settings_of(job)), set[str]()

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        def look(name: str) -> None:
            if name not in seen:
                seen.add(name)
                take(int(name.rpartition("-")[2]))

        fleet.on_change(look)
        fleet.open()
        if not fleet.wait_until(lambda: fleet.is_up, PATIENCE):
            raise TimeoutError(f"no connection: {fleet.trouble}")
        return fleet.close

    return lane.reading(job, listen)


def storm(job: Job) -> Told:
    """Publish everyone's status at once, retained, as after a broker's restart."""
    link, watch, topics = opened(link_of(job)), Stopwatch(), topics_of(job)
    fates: list[int] = []
    boot = int(time.time() * 1000)
    for number in paced(job, watch):
        payload = status_of(number, 1, boot)
        parcel = Parcel(topics.status(name_of(number)), payload, retain=True)
        link.publish(parcel, lambda _fate: fates.append(time.perf_counter_ns()))
    told = watch.stop()
    link.close()
    return told | {"acknowledged": fates[-1], "fates": len(fates)}
