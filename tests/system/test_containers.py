"""The image that deploy/Containerfile makes, and an agent in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import docker
import pytest
from docker.models.containers import Container

from pyros_mqtt import Fleet, Sender, Settings
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from tests.need import need
from tests.system import image_of_pyros, servers_image
from tests.system.compose_place import ComposePlace
from tests.system.image_of_pyros import BASE, IMAGE
from tests.system.pyros_command import until

pytestmark = [
    pytest.mark.container,
    pytest.mark.timeout(600),
]  # pip and compression at their slowest

SECOND = 10**9
ROOM = 200e6
"""Bytes; a base of 75 MB, Python packages of 72 MB, and some air."""


@pytest.fixture(scope="module")
def client(docker_host: tuple[str, str]) -> Iterator[docker.DockerClient]:
    """An engine that has the image."""
    client = docker.DockerClient(base_url=docker_host[0], timeout=300)
    try:
        image_of_pyros.build(client)
        yield client
    finally:
        client.close()


@pytest.fixture
def settings(mosquitto_url: BrokerUrl, topic_root: str) -> Settings:
    return Settings(brokers=[str(mosquitto_url)], root=topic_root)


@pytest.fixture
def agent(client: docker.DockerClient, settings: Settings) -> Iterator[Container]:
    """An agent as the compose file runs it, in the network of the tests' own broker."""
    container = client.containers.run(
        IMAGE,
        ["run", "pyros_agents.barebones:Barebones"],
        environment={
            "PYROS_BROKERS": str(settings.brokers[0]),
            "PYROS_ROOT": settings.root,
            "PYROS_BEAT": "1",
        },
        detach=True,
        network_mode="host",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        tmpfs={"/tmp": "mode=1777,size=16m"},  # noqa: S108 - the container's
        healthcheck={"test": ["CMD", "healthy"], "interval": SECOND, "retries": 1},
    )  # fmt: skip
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def test_the_image_is_small_and_nothing_in_it_is_ours_to_change(
    client: docker.DockerClient,
) -> None:
    image = client.images.get(IMAGE)
    config = image.attrs["Config"]
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"] == ["CMD", "healthy"]
    assert list(config["Volumes"]) == ["/var/lib/pyros"]
    assert image.attrs["Size"] < ROOM
    assert image.attrs["Size"] - client.images.get(BASE).attrs["Size"] < ROOM / 2
    sources = client.containers.run(IMAGE, ["-c", "ls /source || id"], entrypoint="sh", remove=True)
    assert sources.startswith(b"uid=10001 gid=10001")


def test_an_agent_in_a_closed_container_works_and_its_health_is_true(
    agent: Container, settings: Settings
) -> None:
    with Fleet(Brokers(settings), Topics(settings.root)) as fleet:
        assert fleet.wait_until(lambda: labelled(fleet, "ready"), 60), agent.logs().decode()
        until(lambda: health(agent) == "healthy", 60)
        with Sender("ops", settings=settings) as sender:
            assert sender.ask("barebones", "hello", timeout=30) == {"greeting": "hello world"}

        assert said(agent, "id -u; id -g") == "10001\n10001\n"
        assert "Read-only file system" in said(agent, "touch /opt/pyros/x /etc/pyros/x 2>&1")
        assert said(agent, "grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs' /proc/1/status | cut -f2") == (
            "0000000000000000\n0000000000000000\n0000000000000000\n1\n"
        )
        assert "barebones.sqlite" in said(agent, "ls -R /var/lib/pyros")

        agent.kill("SIGSTOP")  # it hangs: nothing comes any more, and a minute is over
        said(agent, "touch -d '2 minutes ago' /tmp/alive")
        until(lambda: health(agent) == "unhealthy", 60)
        assert agent.exec_run(["healthy", "alive"]).exit_code == 1
        agent.kill("SIGCONT")
        until(lambda: health(agent) == "healthy", 60)

        agent.stop(timeout=30)
        assert agent.wait(timeout=30)["StatusCode"] == 0
        assert fleet.wait_until(lambda: labelled(fleet, "stopped"), 30)


RUN = ("broker", "postgres", "recorder", "dashboard", "metrics", "dome")
"""Of compose.yaml's services; not Prometheus and Grafana, whose images would have to be pulled."""


@pytest.fixture
def compose(
    client: docker.DockerClient, docker_host: tuple[str, str], tmp_path: Path
) -> Iterator[ComposePlace]:
    need("docker-compose")
    address, network = docker_host
    if network == "host":
        pytest.skip("compose needs networks of its own, and this kernel has no bridges")
    servers_image.build(client)
    with ComposePlace(tmp_path, address) as place:
        yield place


def test_an_observatory_comes_up_by_compose_and_closes_its_doors(
    client: docker.DockerClient, compose: ComposePlace
) -> None:
    settings = compose.furnish()
    compose.said("up", "--detach", "--no-build", *RUN)
    until(lambda: set(compose.health(client).values()) == {"healthy"}, 180)
    assert set(compose.health(client)) == set(RUN)
    with Sender("ops", settings=settings) as sender:
        assert sender.ask("dome", "hello", timeout=30) == {"greeting": "hello world"}
    with urlopen(compose.dashboard, timeout=30) as page:  # noqa: S310 - our own
        assert page.status == 200
    query = ("exec", "-T", "recorder", "pyros", "query", "dome", "--kind", "outbox")
    until(lambda: "hello world" in compose.said(*query), 60)


def labelled(fleet: Fleet, state: str) -> bool:
    member = fleet.get("barebones")
    return member is not None and member.label.startswith(state)


def health(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


def said(container: Container, line: str) -> str:
    return str(container.exec_run(["sh", "-c", line]).output.decode())
