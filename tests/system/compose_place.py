"""deploy/compose.yaml brought up: images of this machine, an authority and passwords of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self

import docker

from pyros_mqtt.access.bundle import pack
from pyros_mqtt.access.office import Office
from pyros_mqtt.access.register import Identity
from pyros_mqtt.access.rules import write_rules
from pyros_mqtt.access.unpacking import unpack
from pyros_mqtt.broker.ports import LOOPBACK, any_free_port
from pyros_mqtt.settings import BrokerUrl, Settings
from tests.system import image_of_pyros, servers_image

COMPOSE = image_of_pyros.REPOSITORY / "deploy" / "compose.yaml"

OURS, MOSQUITTO, POSTGRES = 10001, 1883, 999
"""The users of the containers, as numbers."""

IDENTITIES = {
    "dome": "agent", "recorder": "agent", "dashboard": "viewer", "metrics": "viewer",
    "ops": "operator",
}  # fmt: skip

FILES = {
    "pyros.toml": '[agents.dome]\nclass = "pyros_agents.barebones:Barebones"\n',
    "postgres-password": "as long as it is secret",
    "pgpass": "postgres:5432:pyros:pyros:as long as it is secret\n",
    "grafana-password": "not run here",
}


class ComposePlace:
    """An observatory's folder, and the services that are up; in the end all of it is gone."""

    def __init__(self, folder: Path, docker_host: str) -> None:
        self._folder = folder
        self.port, dashboard, prometheus, grafana = (any_free_port() for _ in range(4))
        self._project = f"pyros{self.port}"
        self._compose = ["docker-compose", "-p", self._project, "-f", str(COMPOSE)]
        self._environment = os.environ | {
            "DOCKER_HOST": docker_host,
            "OBSERVATORY": str(folder),
            "BROKER_PORT": str(self.port),
            "DASHBOARD_PORT": str(dashboard),
            "PROMETHEUS_PORT": str(prometheus),
            "GRAFANA_PORT": str(grafana),
            "PYROS_IMAGE": image_of_pyros.IMAGE,
            "MOSQUITTO_IMAGE": servers_image.IMAGE,
            "POSTGRES_IMAGE": servers_image.IMAGE,
        }
        self.dashboard = f"http://{LOOPBACK}:{dashboard}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.said("down", "--volumes", "--timeout", "5")

    def said(self, *words: str) -> str:
        """Run compose; gives what it prints.

        Raises:
            AssertionError: it failed.
        """
        done = subprocess.run(  # noqa: S603 - compose
            [*self._compose, *words],
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def furnish(self) -> Settings:
        """Make authority, identities, passwords and pyros.toml, as docs/how-to/containers.md does.

        Gives the settings of an operator on this machine.
        """
        office = Office.found(self._folder / "access", "T60", ["broker", LOOPBACK])
        for name, role in IDENTITIES.items():
            office.add(name, Identity(role=role), 30)
            unpack(pack(office, name, "mqtts://broker:8883", "pyros"), self._folder / name)
        write_rules(office.register, office.folder.broker, "pyros")
        office.folder.broker.rename(self._folder / "broker")
        for name, text in FILES.items():
            (self._folder / name).write_text(text)
        self._give()
        ops = self._folder / "ops"
        return Settings(
            brokers=(BrokerUrl("mqtts", LOOPBACK, self.port),),
            ca_file=ops / "ca.crt", cert_file=ops / "ops.crt", key_file=ops / "ops.key",
        )  # fmt: skip

    def _give(self) -> None:
        """Let each container's user read its own secrets; the folder's own stay root's."""
        owners = {"broker": MOSQUITTO, "postgres-password": POSTGRES, "pgpass": OURS}
        owners |= dict.fromkeys(IDENTITIES, OURS)
        for name, owner in owners.items():
            place = self._folder / name
            for one in (place, *place.rglob("*")):
                os.chown(one, owner, owner)
        (self._folder / "pgpass").chmod(0o400)

    def health(self, client: docker.DockerClient) -> dict[str, str]:
        """Give how each service's container is, by its own health check."""
        chosen = {"label": f"com.docker.compose.project={self._project}"}
        return {
            one.labels["com.docker.compose.service"]: one.attrs["State"]["Health"]["Status"]
            for one in client.containers.list(filters=chosen)
        }
