"""A gateway on a real broker, with one agent whose old socket is open."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from pyros_mqtt import Agent, Command, Settings, on
from pyros_mqtt.broker.ports import any_free_port, why_not_free
from pyros_mqtt.gateway import Gateway
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.testing import Rehearsal
from tests.system.old_pyros import OldSender


class Scheduler(Agent):
    """Keeps what it is told; the classic style."""

    MSG_OBS_FINISHED = "Observation finished"

    def __init__(self, **options: Any) -> None:
        super().__init__(Agent.SCHEDULER, **options)
        self.heard: list[Command] = []
        self.gate = threading.Event()
        self.actions_by_message[self.MSG_OBS_FINISHED] = self.observation_finished
        self.actions_by_message["wait"] = self.wait

    def observation_finished(self, message: Command) -> int:
        self.heard.append(message)
        return len(self.heard)

    def wait(self) -> None:
        while not self.gate.is_set():
            self.sleep(0.01)

    @on("goto")
    def goto(self, ra: float, dec: float) -> list[float]:
        return [ra, dec]

    @on("stop")
    def stop_all(self) -> str:
        return "stopped"


class Place:
    """A stage with a gateway and the scheduler, whose old socket is at `port`."""

    def __init__(self, stage: Rehearsal, port: int) -> None:
        self.stage = stage
        self.port = port
        self.old = OldSender("127.0.0.1", port)
        self.scheduler = Scheduler(bus=stage.bus, settings=stage.settings)

    @property
    def texts(self) -> list[str]:
        return [str(one) for one in self.scheduler.heard]

    def counted(self, kind: str) -> int:
        traffic = self.stage.latest("gateway", "traffic")
        found = traffic.get(kind, 0) if isinstance(traffic, dict) else 0
        assert isinstance(found, int)
        return found

    def until_counted(self, kind: str, count: int) -> None:
        self.stage.wait_until(lambda: self.counted(kind) >= count)

    @property
    def detail(self) -> str:
        return self.stage.status("gateway").detail

    def connected(self) -> socket.socket:
        """Come as an old sender does, once the socket is open: that may be after `ready`."""
        self.stage.wait_until(lambda: why_not_free(self.port), 30)
        return self.comes()

    def comes(self) -> socket.socket:
        """Come at once."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextlib.contextmanager
def a_place(
    url: BrokerUrl, root: str, *, with_agent: bool = True, table: dict[str, Any] | None = None,
    **section: Any,
) -> Iterator[Place]:  # fmt: skip
    port = any_free_port()
    agents = {"scheduler": {"receive_port": port, **section}}
    settings = Settings(
        brokers=(url,), root=root, beat=0.5, gateway={**(table or {}), "agents": agents}
    )
    with Rehearsal(bus=Brokers(settings), settings=settings) as stage:
        place = Place(stage, port)
        if with_agent:
            stage.start(place.scheduler)
        stage.start(Gateway(bus=stage.bus, settings=settings))
        yield place


def reads(sock: socket.socket) -> bytes:
    """Everything until the other side closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(4096):
            data += piece
    return data
