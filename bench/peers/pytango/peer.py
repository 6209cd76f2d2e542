"""PyTango: a direct, synchronous command to a device server without a database (`-nodb`).

One proxy, that stays connected; the server's own thread runs the command.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

import tango
from tango.server import Device, command, run

from bench import lane
from bench.job import Job, Told, number_of
from bench.tally import Tally

DEVICE = "bench/echo/1"


def serve(job: Job) -> Told:
    """Be a device server with one device."""
    tally, host = Tally(job), job.place["host"]
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]

    class Echo(Device):  # type: ignore[misc]
        """Gives back what it is given."""

        @command(dtype_in=str, dtype_out=str)  # type: ignore[untyped-decorator]
        def echo(self, text: str) -> str:
            """Count it."""
            tally.take(number_of(text))
            return text

    words = ["Echo", "bench", "-nodb", "-dlist", DEVICE]
    words += ["-ORBendPoint", f"giop:tcp:{host}:{port}"]
    threading.Thread(
        target=run,
        args=((Echo,), words),
        kwargs={"post_init_callback": lambda: lane.ready(port=port)},
        daemon=True,
    ).start()
    lane.wait_for_end()
    return tally.told()


def ask(job: Job) -> Told:
    """One call after the other."""
    place: dict[str, Any] = job.place
    proxy = tango.DeviceProxy(f"tango://{place['host']}:{place['port']}/{DEVICE}#dbase=no")
    return lane.laps(job, lambda text: str(proxy.command_inout("echo", text)))


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask})
