"""What system tests may ask for besides: a broker in a container, and the command `pyros`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from playwright.sync_api import Browser
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from pyros_agents.barebones import Barebones
from pyros_mqtt.broker.kinds import find_mosquitto
from pyros_mqtt.broker.ports import LOOPBACK, any_free_port
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics
from tests.need import need
from tests.system import mosquitto_image
from tests.system.dashboard_place import DESKTOP, DashboardPlace, Look, chromium
from tests.system.docker_engine import NoDocker, engine
from tests.system.greeting import until_welcome
from tests.system.puppets import Puppets
from tests.system.pyros_command import Pyros


@pytest.fixture(scope="module")
def docker_host() -> Iterator[tuple[str, str]]:
    """The address of a Docker engine, and the network of its containers; skips where none runs.

    It ends with its file, since another worker may be waiting for its turn.
    """
    try:
        with engine() as host:
            yield host
    except NoDocker as reason:
        pytest.skip(f"containers cannot run here: {reason}")


@pytest.fixture(scope="module")
def container_url(docker_host: tuple[str, str]) -> Iterator[BrokerUrl]:
    """A mosquitto in a container, its port published on the loopback; skips where none can run."""
    need("mosquitto")
    address, network = docker_host
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        # Its reaper is an image that would have to be pulled; our own `with` ends everything.
        patch.setattr(testcontainers_config, "ryuk_disabled", True)
        yield from _mosquitto(address, network)


def _mosquitto(address: str, network: str) -> Iterator[BrokerUrl]:
    program = find_mosquitto() or ""
    port = any_free_port()
    is_bridge = network == "bridge"
    client = docker.DockerClient(base_url=address)
    try:
        mosquitto_image.build(client, program, port, "0.0.0.0" if is_bridge else LOOPBACK)  # noqa: S104 - inside the container
    finally:
        client.close()
    container = DockerContainer(mosquitto_image.IMAGE)
    container.with_command(mosquitto_image.command(program))
    if is_bridge:
        # Its own call would publish the port on every address of this machine.
        container.ports[f"{port}/tcp"] = (LOOPBACK, port)  # type: ignore[assignment]
    else:
        container.with_kwargs(network_mode=network)
    try:
        with container:
            until_welcome(port)
            yield BrokerUrl("mqtt", LOOPBACK, port)
    finally:
        container.get_docker_client().client.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium for one file; tests open pages of their own in it.

    No longer than that: its driver keeps an event loop running in this thread, in which no other
    test could run one of its own.
    """
    need("chromium")
    with chromium() as browser:
        yield browser


@pytest.fixture
def puppets(mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[Puppets]:
    """Agents that do and say what a test wants, on a topic root of its own."""
    with Puppets(mosquitto_url, topic_root) as puppets:
        yield puppets


@pytest.fixture
def place(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Iterator[DashboardPlace]:
    """A dashboard that only shows."""
    with DashboardPlace(tmp_path, mosquitto_url, topic_root) as place:
        yield place


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """A page of its own, as large as a desk's screen; in the end the browser has no complaint."""
    look = Look(browser, DESKTOP)
    yield look
    look.close()
    assert look.complaints == []


@pytest.fixture
def pyros(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Pyros:
    """The command, on a mosquitto and a topic root of its own."""
    return Pyros(tmp_path, PYROS_BROKERS=str(mosquitto_url), PYROS_ROOT=topic_root)


@pytest.fixture
def barebones(mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[str]:
    """The template agent, ready on the same broker and root; gives its name."""
    settings = Settings(brokers=(mosquitto_url,), root=topic_root, beat=1.0)
    agent = Barebones(settings=settings)
    agent.start()
    try:
        with Fleet(Brokers(settings), Topics(topic_root)) as fleet:
            assert fleet.wait_until(lambda: is_ready(fleet, agent.name), 20)
        yield agent.name
    finally:
        agent.stop()
        agent.join(10)


def is_ready(fleet: Fleet, name: str) -> bool:
    member = fleet.get(name)
    return member is not None and member.label == "ready" and member.about is not None
