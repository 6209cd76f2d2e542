"""Pyro5: a direct call of a remote object.

Its best settings, after its "Tips & Tricks": the serialiser `marshal`, the fastest; one proxy that
stays connected; no name server on the way.
"""

from __future__ import annotations

import threading
from typing import Any

import Pyro5
import Pyro5.api

from bench import lane
from bench.job import Job, Told, number_of
from bench.tally import Tally

NAME = "bench.echo"


def serve(job: Job) -> Told:
    """Be a daemon with one object."""
    tally = Tally(job)

    @Pyro5.api.expose
    class Echo:
        """Gives back what it is given."""

        def echo(self, text: str) -> str:
            """Count it."""
            tally.take(number_of(text))
            return text

    daemon = Pyro5.api.Daemon(job.place["host"], 0)
    daemon.register(Echo(), NAME)
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    lane.ready(port=int(daemon.locationStr.rpartition(":")[2]))
    lane.wait_for_end()
    return tally.told()


def ask(job: Job) -> Told:
    """One call after the other."""
    Pyro5.config.SERIALIZER = "marshal"
    place: dict[str, Any] = job.place
    with Pyro5.api.Proxy(f"PYRO:{NAME}@{place['host']}:{place['port']}") as proxy:
        return lane.laps(job, proxy.echo)


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask})
