"""Runs a cluster of three brokers on the loopback of this machine, from the files of this folder.

For trying out: the nodes share the machine whose end a cluster is to survive. The tests kill and
restart its nodes; people say `deploy/cluster/start nats`.
"""
# ruff: noqa: INP001 - configuration files and a script, no package

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from pyros_mqtt.settings import BrokerUrl

HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"
NODES = 3

START = 120.0
"""Seconds in which nodes that share two slow cores are there."""

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's own program; the one on the path first becomes another user."""

_CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01?"
_WELCOME = b"\x20\x02\x00\x00"


class Node:
    """One process with all of its children, which can be killed and started again."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], port: int, log: Path
    ) -> None:
        self.name = name
        self.url = BrokerUrl("mqtt", LOOPBACK, port)
        self.log = log
        self._command = command
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a broker
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it without a goodbye, whatever it has started with it."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def until_ready(self) -> None:
        """Wait until it lets an MQTT client in.

        Raises:
            TimeoutError: it does not; says where its log is.
        """
        deadline, pause = time.monotonic() + START, threading.Event()
        while not _is_welcome(self.url):
            has_ended = self._process is None or self._process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} takes no client: see {self.log}")
            pause.wait(0.2)


class Cluster:
    """Three nodes, and whatever else has to run beside them.

    Args:
        nodes: in the order of their start.
        beside: started before them, and not killed with them.
        in_turn: each is started when the one before it takes clients. RabbitMQ's nodes join its
            register of client ids one at a time: of two at once, one may wait for ever.
    """

    def __init__(
        self, nodes: list[Node], beside: tuple[Node, ...] = (), *, in_turn: bool = False
    ) -> None:
        self.nodes = nodes
        self._beside = beside
        self._in_turn = in_turn

    @property
    def urls(self) -> tuple[BrokerUrl, ...]:
        """Where agents find its nodes."""
        return tuple(node.url for node in self.nodes)

    def __enter__(self) -> Self:
        """Start everything, and wait until every node takes clients."""
        try:
            for node in (*self._beside, *self.nodes):
                node.start()
                if self._in_turn and node in self.nodes:
                    node.until_ready()
            for node in self.nodes:
                node.until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        for node in (*self.nodes, *self._beside):
            node.kill()


def nats_server() -> str:
    """Find the program; Debian has it where users other than root do not look."""
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"
    return shutil.which("nats-server", path=path) or "nats-server"


def nats(folder: Path, next_port: Callable[[], int]) -> Cluster:
    """Make a cluster of NATS servers with JetStream; it keeps its files in `folder`."""
    routes = [next_port() for _ in range(NODES)]
    places = json.dumps([f"nats://{LOOPBACK}:{port}" for port in routes])
    nodes = []
    for name, route in zip(_names(), routes, strict=True):
        port = next_port()
        environment = {
            "NODE": name,
            "ADDRESS": LOOPBACK,
            "CLIENT_PORT": str(next_port()),
            "ROUTE_PORT": str(route),
            "ROUTES": places,
            "MQTT_PORT": str(port),
            "STORE": str(folder / name),
        }
        command = [nats_server(), "-c", str(HERE / "nats.conf")]
        nodes.append(Node(name, command, environment, port, folder / f"{name}.log"))
    return Cluster(nodes)


def rabbitmq(folder: Path, next_port: Callable[[], int]) -> Cluster:
    """Make a cluster of RabbitMQ with its MQTT plug-in; it keeps its files in `folder`.

    Its nodes find each other through a daemon of their own, so that none on this machine is met.
    """
    cookie = folder / ".erlang.cookie"
    cookie.write_text("of this folder alone")
    cookie.chmod(0o400)
    plugins = folder / "enabled_plugins"
    plugins.write_text("[rabbitmq_mqtt].\n")
    names = next_port()
    shared = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        # three nodes on two cores: each has one thread, and none waits by spinning
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
    nodes = [_rabbit(name, folder, shared, next_port) for name in _names()]
    daemon = ["epmd", "-address", LOOPBACK, "-port", str(names)]
    beside = Node("epmd", daemon, shared, names, folder / "epmd.log")
    return Cluster(nodes, (beside,), in_turn=True)


def _rabbit(
    name: str, folder: Path, shared: Mapping[str, str], next_port: Callable[[], int]
) -> Node:
    port = next_port()
    file = folder / f"{name}.conf"
    text = (HERE / "rabbitmq.conf").read_text()
    for here, there in (
        ("listeners.tcp.default = 5672", f"listeners.tcp.local = {LOOPBACK}:{next_port()}"),
        ("mqtt.listeners.tcp.default = 1883", f"mqtt.listeners.tcp.local = {LOOPBACK}:{port}"),
    ):
        text = text.replace(f"\n{here}\n", f"\n{there}\n")
    for number in range(1, NODES + 1):
        text = text.replace(f"rabbit@node{number}", f"node{number}@localhost")
    file.write_text(text)
    own = {
        "RABBITMQ_NODENAME": f"{name}@localhost",
        "RABBITMQ_CONFIG_FILE": str(file),
        "RABBITMQ_DIST_PORT": str(next_port()),
    }
    return Node(name, [RABBITMQ], {**shared, **own}, port, folder / f"{name}.log")


KINDS: dict[str, Callable[[Path, Callable[[], int]], Cluster]] = {
    "nats": nats,
    "rabbitmq": rabbitmq,
}


def _names() -> Iterator[str]:
    return (f"node{number}" for number in range(1, NODES + 1))


def _is_welcome(url: BrokerUrl) -> bool:
    """Tell whether an MQTT client is let in there."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((url.host, url.port), timeout=10) as client,
    ):
        client.sendall(_CONNECT)
        if client.recv(4) == _WELCOME:
            client.sendall(b"\xe0\x00")
            return True
    return False


def main() -> None:
    """Run a cluster until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="deploy/cluster/start", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS), help="which broker")
    parser.add_argument("--first-port", type=int, default=21_883, help="and those behind it")
    parser.add_argument("--folder", type=Path, help="where it keeps its files; else a passing one")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with tempfile.TemporaryDirectory(prefix="pyros-cluster-") as passing:
        folder = options.folder or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        ports = itertools.count(options.first_port)
        with KINDS[options.kind](folder.resolve(), lambda: next(ports)) as cluster:
            print(f"PYROS_BROKERS={','.join(map(str, cluster.urls))}", flush=True)  # noqa: T201 - what people wait for
            for node in cluster.nodes:
                print(f"{node.name}: log {node.log}", flush=True)  # noqa: T201
            ended.wait()


if __name__ == "__main__":
    main()
