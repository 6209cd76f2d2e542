"""Several machines on one: Linux network namespaces on a switch of their own, made by root.

Nothing outside can be reached from in there, nor seen. A host can be unplugged, put on a thin and
lossy line, or vanish with all that runs on it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self

from tests.need import in_ci, need

PROGRAMS = ("ip", "iptables", "tc", "unshare")
NETWORK = "10.77.0"
CLONE_NEWNET = 0x40000000


def can_be_had() -> bool:
    """Tell whether this machine gives us one; in CI a missing program is a failure."""
    if in_ci():
        for program in PROGRAMS:
            need(program)
    if os.geteuid() or not all(shutil.which(program) for program in PROGRAMS):
        return False
    try:
        with Lan("probe") as lan:
            lan["probe"].spoil("200kbit", 0.01)
    except subprocess.CalledProcessError:
        return False
    return True


class Host:
    """One machine: a name, an address, and processes that see nothing but its network."""

    def __init__(self, name: str, number: int, prefix: str) -> None:
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.space, self._switch = f"{prefix}-{name}", f"{prefix}-switch"
        self._port = f"port{number}"
        self._running: list[subprocess.Popen[str]] = []

    def build(self) -> None:
        """Make it, and plug it in."""
        _run("ip", "netns", "add", self.space)
        ends = ("type", "veth", "peer", "name", "lan0", "netns", self.space)
        _run("ip", "-n", self._switch, "link", "add", self._port, *ends)
        _run("ip", "-n", self._switch, "link", "set", self._port, "master", "switch", "up")
        _run("ip", "-n", self.space, "address", "add", f"{self.address}/24", "dev", "lan0")
        for device in ("lo", "lan0"):
            _run("ip", "-n", self.space, "link", "set", device, "up")

    def tear_down(self) -> None:
        """End what runs on it, and take it away."""
        self.kill_all()
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "delete", self.space)

    def start(
        self, *words: str, cwd: Path, log: IO[str], env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a program on it; `hostname` says our name there."""
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name, *words]
        process = subprocess.Popen(  # noqa: S603 - the test's own words
            ["ip", "netns", "exec", self.space, *named],  # noqa: S607
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
        )
        self._running.append(process)
        return process

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Be on this host for a while: so are the threads for good that are started here."""
        with Path("/proc/thread-self/ns/net").open("rb") as home:
            with Path("/run/netns", self.space).open("rb") as here:
                _enter(here)
            try:
                yield
            finally:
                _enter(home)

    def unplug(self) -> None:
        """Pull its plug out of the switch: nobody is told."""
        _run("ip", "-n", self._switch, "link", "set", self._port, "down")

    def plug_in(self) -> None:
        """Put it back."""
        _run("ip", "-n", self._switch, "link", "set", self._port, "up")

    def spoil(self, rate: str, loss: float) -> None:
        """Put it on a line that is thin (such as `200kbit`) and loses a share of the packets."""
        thin = ("tbf", "rate", rate, "burst", "4kb", "latency", "500ms")
        _run("ip", "netns", "exec", self.space, "tc", "qdisc", "add", "dev", "lan0", "root", *thin)
        match = ("-m", "statistic", "--mode", "random", "--probability", str(loss))
        rule = ("iptables", "-w", "-A", "INPUT", "-i", "lan0", *match, "-j", "DROP")
        _run("ip", "netns", "exec", self.space, *rule)

    def vanish(self) -> None:
        """Lose its power: no process on it says another word."""
        self.unplug()
        self.kill_all()

    def kill_all(self) -> None:
        """Kill every process that was started on it, and their children with them."""
        said = subprocess.run(  # noqa: S603
            ["ip", "netns", "pids", self.space],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in said.stdout.split():
            if int(pid) != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), 9)
        for process in self._running:
            process.wait()
        self._running.clear()


class Lan:
    """Hosts on one switch, gone at the end with all that runs on them."""

    def __init__(self, *names: str) -> None:
        self._prefix = f"pyros-{secrets.token_hex(3)}"
        self._switch = f"{self._prefix}-switch"
        self._hosts = {name: Host(name, i, self._prefix) for i, name in enumerate(names, 1)}

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __enter__(self) -> Self:
        try:
            _run("ip", "netns", "add", self._switch)
            _run("ip", "-n", self._switch, "link", "add", "switch", "type", "bridge")
            _run("ip", "-n", self._switch, "link", "set", "switch", "up")
            for host in self._hosts.values():
                host.build()
        except subprocess.CalledProcessError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for host in self._hosts.values():
            host.tear_down()
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "delete", self._switch)


def _enter(space: IO[bytes]) -> None:
    """Move the calling thread into a network."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(space.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "this network cannot be entered")


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - our own words
