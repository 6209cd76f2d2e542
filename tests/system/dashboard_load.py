"""200 agents with 10 channels at 1 Hz: what the dashboard costs, and how smooth it is in Chromium.

`python -m tests.system.dashboard_load --agents 200 --seconds 30` prints what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.system.busy_fleet import BusyFleet
from tests.system.dashboard_place import DESKTOP, DashboardPlace, Look, chromium
from tests.system.own_mosquitto import OwnMosquitto

FIRST_VIEW = """
    const look = () => {
        const rows = document.querySelectorAll("#fleet tbody tr").length;
        if (rows < WANTED) return requestAnimationFrame(look);
        requestAnimationFrame(() => { window.firstView = performance.now(); });
    };
    requestAnimationFrame(look);
"""

SEEN = """() => new Promise((done) => {
    const look = () => window.firstView ? done(window.firstView) : requestAnimationFrame(look);
    look();
})"""

FRAMES = """(seconds) => new Promise((done) => {
    const gaps = [];
    let last = performance.now();
    const end = last + seconds * 1000;
    const step = (now) => {
        gaps.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(step); else done(gaps);
    };
    requestAnimationFrame(step);
})"""


def main() -> None:
    """Measure, and print."""
    given = _arguments()
    with (
        tempfile.TemporaryDirectory() as name,
        OwnMosquitto(Path(name)) as broker,
        DashboardPlace(Path(name), broker.url, "load", PYROS_STATE_DIR=name) as place,
        BusyFleet(broker.url, "load", given.agents, given.channels) as fleet,
        chromium() as browser,
    ):
        time.sleep(5)
        assert place.process is not None
        pid = place.process.process.pid
        _tell("telemetry and status", f"{_rate(fleet, given.seconds / 3):.0f} messages/s")
        _tell("server, nobody looks", f"{_share(pid, given.seconds / 3):.1%} of a core")
        views = [_first_view(browser, place.url, given.agents) for _ in range(5)]
        told = ", ".join(f"{one:.0f}" for one in views)
        _tell("first view, all rows drawn", f"median {statistics.median(views):.0f} ms ({told})")
        look = Look(browser, DESKTOP)
        page = look.at(place.url)
        page.wait_for_selector("#plots figure")
        _tell("server, one browser", f"{_share(pid, given.seconds):.1%} of a core")
        _frames(page, given.seconds)
        with IdleViewers(place.url, 4):
            _tell("server, and four telephones", f"{_share(pid, given.seconds / 2):.1%} of a core")
        _tell("server's memory", f"{_memory(pid) / 1e6:.0f} MB")
        _tell("browser's complaints", str(look.complaints))
        look.close()


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--channels", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30.0)
    return parser.parse_args()


def _first_view(browser: Any, url: str, agents: int) -> float:
    """Milliseconds from the navigation until every agent's row is on the screen."""
    look = Look(browser, DESKTOP)
    look.page.add_init_script(FIRST_VIEW.replace("WANTED", str(agents)))
    look.page.goto(url)
    found = float(look.page.evaluate(SEEN))
    look.close()
    return found


def _frames(page: Page, seconds: float) -> None:
    gaps = sorted(page.evaluate(FRAMES, seconds))
    long = sum(gap > 50 for gap in gaps)
    _tell("frames", f"{len(gaps) / seconds:.0f}/s, {long} of {len(gaps)} longer than 50 ms")
    _tell(
        "a frame", f"median {gaps[len(gaps) // 2]:.1f} ms, p99 {gaps[len(gaps) * 99 // 100]:.1f} ms"
    )


class IdleViewers:
    """Browsers that acknowledge what they get, and draw nothing."""

    def __init__(self, url: str, count: int) -> None:
        live = url.replace("http", "ws") + "api/live"
        self._sockets = [connect(live, origin=Origin(url.rstrip("/"))) for _ in range(count)]

    def __enter__(self) -> None:
        def read(socket: Any) -> None:
            for text in socket:
                socket.send(json.dumps({"ack": json.loads(text)["n"]}))

        for socket in self._sockets:
            threading.Thread(target=read, args=(socket,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        for socket in self._sockets:
            socket.close()


def _share(pid: int, seconds: float) -> float:
    before, start = _cpu(pid), time.monotonic()
    time.sleep(seconds)
    return (_cpu(pid) - before) / (time.monotonic() - start)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    line = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split("\n")[0]
    return float(line.split()[0]) * 1024


def _rate(fleet: BusyFleet, seconds: float) -> float:
    before, start = fleet.sent, time.monotonic()
    time.sleep(seconds)
    return (fleet.sent - before) / (time.monotonic() - start)


def _tell(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:>28}: {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
