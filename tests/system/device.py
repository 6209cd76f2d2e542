"""The agent that system tests talk to, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from pyros_mqtt import ActionFailed, Agent, Channel, Settings, State, every, on
from pyros_mqtt.settings import BrokerUrl
from tests.system.raw_mqtt import Message, RawClient

END_STATES = {"done", "failed", "cancelled", "interrupted", "rejected", "expired"}


class Device(Agent):
    """One of each kind of action."""

    channels = (Channel("temperature", unit="deg_C"),)

    def __init__(self, name: str = "device", **options: Any) -> None:
        super().__init__(name, **options)
        self.ran: list[Any] = []
        self.go = threading.Event()

    @on("goto", ttl=30)
    def goto(self, ra: float = 0.0, dec: Annotated[float, Field(ge=-90, le=90)] = 0.0) -> list[Any]:
        """Point somewhere."""
        self.ran.append(("goto", ra, dec))
        return [ra, dec]

    @on("count")
    def count(self, number: int) -> int:
        self.ran.append(number)
        return number

    @on("wait")
    def wait(self, seconds: float = 60) -> str:
        self.sleep(seconds)
        return "waited"

    @on("block")
    def block(self, seconds: float = 60) -> bool:
        """Hold the agent's thread without a sign of life."""
        return self.go.wait(seconds)

    @on("close")
    def close(self) -> str:
        return "closed"

    @on("large")
    def large(self, size: int) -> str:
        return "x" * size

    @on("fail")
    def fail(self) -> None:
        raise ActionFailed("stuck")

    @on("pid")
    def pid(self) -> str:
        return str(self.command.reply_to if self.command else None)

    @every(seconds=0.2)
    def measure(self) -> None:
        self.telemetry("temperature", 20.5)


def settings_for(url: BrokerUrl, root: str, **more: Any) -> Settings:
    """Settings of an agent on one broker under one root."""
    return Settings(**({"brokers": (url,), "root": root, "beat": 1.0, "keepalive": 5} | more))


@contextlib.contextmanager
def running(url: BrokerUrl, root: str, name: str = "device", **more: Any) -> Iterator[Device]:
    """A device in this process, ready; it is stopped in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyros_mqtt.agent.ownership.NO_CLAIM", 0.15)
        with started(Device(name, settings=settings_for(url, root, **more))) as agent:
            life = agent._alive
            until(lambda: life.condition.life is State.READY and life.transport.is_up)
            yield agent


@contextlib.contextmanager
def started(agent: Device) -> Iterator[Device]:
    """An agent that has just been started; whatever becomes of it, it is stopped in the end."""
    agent.start()
    try:
        yield agent
    finally:
        agent.go.set()
        agent.stop()
        with contextlib.suppress(Exception):
            agent.join(10)


@contextlib.contextmanager
def process(url: BrokerUrl, root: str, name: str = "device") -> Iterator[subprocess.Popen[str]]:
    """A device in a process of its own; it is killed in the end, if it still runs."""
    program = (
        "import sys; from tests.system.device import Device, settings_for; "
        "from pyros_mqtt.settings import BrokerUrl; "
        "url = BrokerUrl.parse(sys.argv[1]); "
        "Device(sys.argv[3], settings=settings_for(url, sys.argv[2])).run()"
    )
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", program, str(url), root, name], stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def until(is_true: Callable[[], Any], timeout: float = 45.0) -> None:
    """Wait until something is true that no event tells of."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.01)


def end_of(client: RawClient, command_id: str, timeout: float = 10.0) -> dict[str, Any]:
    """Wait for the terminal report of one command."""
    return client.until(
        lambda m: m.body.get("id") == command_id and m.body["state"] in END_STATES, timeout
    ).body


def claim(client: RawClient, state: str, timeout: float = 15.0) -> dict[str, Any]:
    """Wait for a status document that claims a state."""

    def is_it(message: Message) -> bool:
        return message.topic.endswith("/status") and message.body["state"] == state

    return client.until(is_it, timeout).body
