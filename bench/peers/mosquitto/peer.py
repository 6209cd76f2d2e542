"""mosquitto_pub and mosquitto_sub, in C: the limit of this broker and machine.

`mosquitto_pub -l` sends a line as a message, over one connection. A small Python process feeds it,
and another one counts what `mosquitto_sub` prints; their CPU time is not that of the C tools.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

from bench import lane
from bench.job import Job, Told, number_of
from bench.pace import Stopwatch, paced

TOPIC = "bench/mosquitto/there"
LINES = 50
"""How many lines are handed to the pipe at once."""


def read(job: Job) -> Told:
    """Count the lines of mosquitto_sub."""

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        process = subprocess.Popen(
            ["mosquitto_sub", *where(job)], stdout=subprocess.PIPE, bufsize=1 << 20
        )
        subscribed = threading.Event()

        def count() -> None:
            for line in process.stdout or ():
                if line[:1].isdigit():
                    take(number_of(line))
                else:
                    subscribed.set()

        threading.Thread(target=count, daemon=True).start()
        while not subscribed.wait(0.2):  # it does not tell by itself when it has subscribed
            subprocess.run(["mosquitto_pub", *where(job), "-m", "heard?"], check=True)
        return process.terminate

    return lane.reading(job, listen)


def write(job: Job) -> Told:
    """Feed mosquitto_pub."""
    watch = Stopwatch()
    process = subprocess.Popen(["mosquitto_pub", *where(job), "-l"], stdin=subprocess.PIPE)
    if process.stdin is None:
        raise OSError("mosquitto_pub has no input")
    waiting = []
    for number in paced(job, watch):
        waiting.append(job.payload(number) + b"\n")
        if len(waiting) == LINES or number + 1 in {job.warmup, job.total}:
            process.stdin.write(b"".join(waiting))
            process.stdin.flush()
            waiting.clear()
    told = watch.stop()
    process.stdin.close()
    process.wait()
    return told


def where(job: Job) -> list[str]:
    """Broker, topic and quality of service, as both take them."""
    place = job.place
    return ["-h", place["host"], "-p", str(place["port"]), "-t", TOPIC, "-q", str(job.qos)]


if __name__ == "__main__":
    lane.main({"read": read, "write": write})
