"""The servers behind the systems, on free ports of the loopback, ended with the measurement."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.environments import NotInstalled
from bench.systems import ServerKind
from pyros_mqtt.broker import Kind, find_or_start
from pyros_mqtt.broker.guarded import GuardedProcess
from pyros_mqtt.broker.kinds import NoBroker
from pyros_mqtt.broker.ports import LOOPBACK, answers, any_free_port
from pyros_mqtt.settings import Settings

PATIENCE = 90.0
"""Seconds for a server to come up: RabbitMQ takes ten on a machine that has nothing else to do."""

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The script behind Debian's wrapper, which would change the user."""

_SETUP = Path(__file__).parents[1] / "scripts" / "setup"
_MOSQUITTO: Kind = "mosquitto"


@dataclass(frozen=True)
class Server:
    """Where a server listens, and what it is."""

    port: int
    version: str


@contextlib.contextmanager
def running(kind: ServerKind) -> Iterator[Server]:
    """Run a server for a block.

    Raises:
        NotInstalled: it is not here and cannot be installed, or does not come up.
    """
    start = {"mosquitto": _mosquitto, "redis": _redis, "rabbitmq": _rabbitmq}[kind]
    with tempfile.TemporaryDirectory(prefix="pyros-bench-") as folder, start(Path(folder)) as one:
        yield one


@contextlib.contextmanager
def _mosquitto(folder: Path) -> Iterator[Server]:
    """With the project's own configuration."""
    try:
        broker = find_or_start(Settings(state_dir=folder, brokers=()), kind=_MOSQUITTO, port=0)
    except NoBroker as error:
        raise NotInstalled(str(error)) from None
    with broker:
        yield Server(broker.url.port, broker.kind)


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[Server]:
    """In memory alone, its fastest: nothing is written to the disk."""
    program, port = _installed("redis-server"), any_free_port()
    command = [program, "--port", str(port), "--bind", LOOPBACK, "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no"]
    with _until_it_answers(GuardedProcess(command), port, "redis-server"):
        yield Server(port, _version(program, "--version"))


@contextlib.contextmanager
def _rabbitmq(folder: Path) -> Iterator[Server]:
    """A node of its own, with a port mapper of its own: one that it started would outlive it."""
    if not RABBITMQ.exists():
        _installed("rabbitmq-server")
    port, mapper = any_free_port(), any_free_port()
    environment = {
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(any_free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "HOME": str(folder),
    }
    with (
        (folder / "epmd.log").open("w", encoding="utf-8") as log,
        _until_it_answers(
            GuardedProcess(["epmd", "-port", str(mapper), "-address", LOOPBACK], log),
            mapper,
            "epmd",
        ),
        _until_it_answers(
            GuardedProcess([str(RABBITMQ)], environment=environment), port, "rabbitmq-server"
        ),
    ):
        yield Server(port, f"rabbitmq {_package_version('rabbitmq-server')}")


@contextlib.contextmanager
def _until_it_answers(process: GuardedProcess, port: int, name: str) -> Iterator[None]:
    """Keep a server for a block that begins when it accepts connections."""
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            if not process.is_running or time.monotonic() > deadline:
                raise NotInstalled(f"{name} does not come up on port {port}")
            time.sleep(0.1)
        yield
    finally:
        process.stop(timeout=20)


def _installed(program: str) -> str:
    """Find a server's program; install it where this machine allows that."""
    if (found := shutil.which(program)) is None:
        subprocess.run([_SETUP, "server", program], check=False)  # noqa: S603 - our own script
        found = shutil.which(program)
    if found is None:
        raise NotInstalled(f"{program} is not installed: apt-get install {program}")
    return found


def _version(program: str, option: str) -> str:
    said = subprocess.run([program, option], capture_output=True, text=True, check=False)  # noqa: S603
    return said.stdout.strip().split("\n")[0][:60]


def _package_version(package: str) -> str:
    words = ["dpkg-query", "--show", "--showformat=${Version}", package]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return ""
