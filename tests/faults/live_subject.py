"""The processes under test of g6 to g9, forked by one server, so that a start takes no second.

The server is told in lines of JSON on its standard input whom to start. It and its children tell
what befalls them in lines of JSON on its standard output, each with `at`: seconds of the monotonic
clock, which is the same for every process of one machine.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyros_mqtt.agent.agent import Agent
from pyros_mqtt.agent.ownership import Sighting
from pyros_mqtt.agent.tenure import Tenure
from pyros_mqtt.dispatch import on
from pyros_mqtt.errors import NameTaken
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.inbox import Inbox
from pyros_mqtt.messages import Command, Report
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.transport import Delivery
from tests.faults.builds import become, put
from tests.system.raw_mqtt import RawClient

LEFT = 3
"""Exit code of an agent whose name is somebody else's."""

POISON = "log/poison"
"""Below its name: whatever comes there ends the agent's network thread by an exception."""

_PR_SET_PDEATHSIG = 1

_who = ""


def tell(event: str, **more: Any) -> None:
    """Say what has happened; short enough to be written in one piece by several processes."""
    line = json.dumps({"who": _who, "event": event, "at": time.monotonic(), **more})
    os.write(1, line.encode() + b"\n")


# -- the agent --------------------------------------------------------------------------------


class Subject(Agent):
    """Waits, works, hangs and counts as it is told."""

    @on("count")
    def count(self, number: int) -> int:
        """Be done at once."""
        if number >= 0:
            tell("ran", number=number)
        return number

    @on("wait")
    def wait(self, seconds: float = 60) -> None:
        """Wait in the way that actions should."""
        tell("waits")
        self.sleep(seconds)

    @on("work")
    def work_on(self, seconds: float) -> None:
        """Show no sign of life for a while, and then many."""
        time.sleep(seconds)
        self.sleep(60)

    @on("hang")
    def hang(self, seconds: float = 60) -> None:
        """Heed nothing."""
        time.sleep(seconds)


def _agent(spec: dict[str, Any]) -> int:
    """Run one agent to its end; gives the exit code."""
    _shift_clock(spec.get("clock", 0.0))
    threading.Event().wait(max(0.0, spec.get("begin", 0.0) - time.monotonic()))
    agent = Subject(spec["name"], settings=_settings(spec))
    if spec.get("is_watched"):
        _tell_of_aborts()
    if spec.get("enter"):
        _enter_at(spec["enter"])
    agent.start()
    life = agent._alive
    life.transport.on_state(lambda up: tell("up" if up else "down"))
    life.transport.subscribe(f"{spec['root']}/{spec['name']}/{POISON}", _die)
    tell("alive", session=life.session)
    threading.Thread(target=_tell_ready, args=(agent,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: agent.stop())
    try:
        while not agent.join(0.5):
            pass
    except NameTaken:
        tell("left")
        return LEFT
    return 0


def _settings(spec: dict[str, Any]) -> Settings:
    return Settings(
        brokers=tuple(map(BrokerUrl.parse, spec["url"].split())),
        root=spec["root"],
        beat=spec.get("beat", 1.0),
        keepalive=5,
        state_dir=Path(spec["folder"]),
        journal=spec.get("journal", "sqlite"),
    )


def _shift_clock(seconds: float) -> None:
    """Set the wall clock of this process forward or, below zero, back."""
    if seconds:
        wall, wall_ns = time.time, time.time_ns
        time.time = lambda: wall() + seconds
        time.time_ns = lambda: wall_ns() + int(seconds * 1e9)


def _tell_ready(agent: Agent) -> None:
    if agent.wait_ready(60):
        tell("ready", session=agent._alive.session, boot=agent._alive.outbox.boot)


def _enter_at(moment: float) -> None:
    """Stand still between the look at the name and its claim, as a busy machine may let us."""
    enter = Tenure._enter

    def late_enter(tenure: Tenure, finding: Sighting) -> None:
        threading.Event().wait(max(0.0, moment - time.monotonic()))
        enter(tenure, finding)

    put(Tenure, "_enter", late_enter)


def _die(_delivery: Delivery) -> None:
    raise SystemExit("the network thread is told to die")


def _tell_of_aborts() -> None:
    """Tell when an abort has arrived, and when its end and that of the one that ran went out."""
    receive, send = Inbox.receive, Outbox.send

    def told_receive(inbox: Inbox, delivery: Delivery) -> None:
        if b'"abort"' in delivery.payload:
            tell("arrived", id=json.loads(delivery.payload)["id"])
        receive(inbox, delivery)

    def told_send(outbox: Outbox, command: Command, report: Report, **how: bool) -> None:
        send(outbox, command, report, **how)
        if command.message in {"abort", "wait"} and report.state.is_terminal:
            tell("end", id=report.id, message=report.message, state=report.state.value)

    put(Inbox, "receive", told_receive)
    put(Outbox, "send", told_send)


# -- the others -------------------------------------------------------------------------------


def _reader(spec: dict[str, Any]) -> int:
    """Tell what a fleet sees, for ever."""
    fleet = Fleet(settings=_settings(spec | {"name": "reader"}))

    def changed(name: str) -> None:
        member = fleet.get(name)
        status = member.status if member else None
        tell(
            "seen",
            name=name,
            health=member.health.value if member else "removed",
            state=status.state.value if status else "",
            detail=status.detail if status else "",
            session=status.session if status else "",
        )

    fleet.on_change(changed)
    fleet.open()
    if fleet.wait_until(lambda: fleet.is_up, 20):
        tell("ready")
    threading.Event().wait()
    return 0


def _flooder(spec: dict[str, Any]) -> int:
    """Publish commands as fast as the broker takes them, or the agent answers them, for ever."""
    root, name, sender = spec["root"], spec["name"], f"flood-{os.getpid()}"
    with RawClient(BrokerUrl.parse(spec["url"])) as client:
        client.subscribe(f"{root}/{name}/outbox/{sender}" if spec["window"] else f"{root}/nothing")
        tell("ready")
        os.kill(os.getpid(), signal.SIGSTOP)  # until it is wanted
        unanswered = 0
        for number in itertools.count():
            body = {"message": "count", "args": {"number": -1}, "id": str(number), "from": sender}
            client.publish(f"{root}/{name}/inbox", body, qos=0 if spec["window"] else 1)
            unanswered += 1
            while spec["window"] and unanswered >= spec["window"]:
                unanswered -= client.next(60).body["state"] in {"accepted", "rejected"}
    return 0


ROLES: dict[str, Callable[[dict[str, Any]], int]] = {
    "agent": _agent,
    "reader": _reader,
    "flooder": _flooder,
}


# -- the server -------------------------------------------------------------------------------


def main() -> None:
    """Fork whom we are told to, and tell of each end, until our input is closed."""
    become()
    _end_with_our_parent()
    wake, waker = socket.socketpair()
    wake.settimeout(0)
    waker.settimeout(0)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    children: set[int] = set()
    rest = b""
    while True:
        ready, _, _ = select.select([0, wake.fileno()], [], [])
        if wake.fileno() in ready:
            wake.recv(4096)
            _reap(children)
        if 0 not in ready:
            continue
        data = os.read(0, 65536)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            children.add(_fork(json.loads(line)))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    while children:
        _reap(children, options=0)


def _reap(children: set[int], options: int = os.WNOHANG) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, options)
            if pid == 0:
                return
            children.discard(pid)
            tell("ended", pid=pid, code=os.waitstatus_to_exitcode(status))


def _fork(spec: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = _child(spec)
    except BaseException:
        logging.getLogger(__name__).exception("%s has failed", spec["who"])
    finally:
        os._exit(code)


def _child(spec: dict[str, Any]) -> int:
    global _who  # noqa: PLW0603 - a process is one of them
    _who = spec["who"]
    _end_with_our_parent()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    logging.basicConfig(
        stream=sys.stderr,
        level=spec.get("log", "INFO"),
        format=f"%(asctime)s.%(msecs)03d {_who} %(threadName)s %(message)s",
    )
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, spec.get("nice", 0))
    tell("begun", pid=os.getpid())
    return ROLES[spec["role"]](spec)


def _end_with_our_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
