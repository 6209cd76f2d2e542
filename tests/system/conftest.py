"""What system tests may ask for besides: a broker in a container."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from pyros_mqtt.broker.kinds import find_mosquitto
from pyros_mqtt.broker.ports import LOOPBACK, any_free_port
from pyros_mqtt.settings import BrokerUrl
from tests.need import need
from tests.system import mosquitto_image
from tests.system.docker_engine import NoDocker, engine
from tests.system.greeting import until_welcome


@pytest.fixture(scope="session")
def container_url() -> Iterator[BrokerUrl]:
    """A mosquitto in a container, its port published on the loopback; skips where none can run."""
    need("mosquitto")
    try:
        with engine() as (address, network), pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            # Its reaper is an image that would have to be pulled; our own `with` ends everything.
            patch.setattr(testcontainers_config, "ryuk_disabled", True)
            yield from _mosquitto(address, network)
    except NoDocker as reason:
        pytest.skip(f"containers cannot run here: {reason}")


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
