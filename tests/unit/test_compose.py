"""deploy/compose.yaml and deploy/observatory.env, as text: what no engine would complain of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]


def test_every_service_is_closed() -> None:
    assert len(SERVICES) == 8
    for one in SERVICES.values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert one["restart"] == "unless-stopped"
        assert not {"privileged", "cap_add", "devices"} & one.keys()


def test_only_the_loopback_reaches_a_port() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_a_variable() -> None:
    for one in SERVICES.values():
        for name, value in one.get("environment", {}).items():
            is_secret = re.search("PASSWORD|TOKEN|SECRET|KEY", name)
            assert not is_secret or str(value).startswith("/run/"), name
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), name


def test_the_example_names_each_variable_with_its_default() -> None:
    asked = dict(re.findall(r"\$\{([A-Z_]+):-([^}]+)\}", COMPOSE))
    example = (DEPLOY / "observatory.env").read_text("utf-8")
    told = dict(re.findall(r"(?m)^#?([A-Z_]+)=(.+)$", example))
    assert told.keys() == asked.keys()
    assert {name: told[name] for name in told if name != "PYROS_BASE"} == {
        name: asked[name] for name in told if name != "PYROS_BASE"
    }


def test_what_is_mounted_from_the_repository_is_there() -> None:
    mounts = [mount for one in SERVICES.values() for mount in one.get("volumes", [])]
    ours = [mount.partition(":")[0] for mount in mounts if mount.startswith(".")]
    assert len(ours) == 4
    assert [one for one in ours if not (DEPLOY / one).exists()] == []
