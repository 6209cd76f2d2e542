"""deploy/kubernetes: what kustomize makes of it, against published schemas and our own rules."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from pyros_mqtt.access.office import Office
from pyros_mqtt.settings import Settings
from tests.need import need

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "deploy" / "kubernetes"
OVERLAYS = ("site", "cluster")
VERSION = "1.34"
"""Of Kubernetes, whose schemas are asked; ours needs nothing newer than 1.25."""

Manifest = dict[str, Any]

_ANYWHERE = ("--load-restrictor", "LoadRestrictionsNone")
"""Files from outside of its folder are read, too: mosquitto's."""


@functools.cache
def composed(overlay: str) -> list[Manifest]:
    """What an overlay applies; skips where kubectl is missing, or older than today's kustomize."""
    if shutil.which("kubectl") is None:
        pytest.skip("kustomize was not run: kubectl is missing")
    done = subprocess.run(  # noqa: S603 - it reads files
        ["kubectl", "kustomize", *_ANYWHERE, FOLDER / "overlays" / overlay],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unknown flag" in done.stderr:
        pytest.skip("kustomize was not run: this kubectl is too old")
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def written() -> list[Manifest]:
    """Every manifest as it is written, before kustomize."""
    files = [one for one in sorted(FOLDER.rglob("*.yaml")) if one.name != "kustomization.yaml"]
    return [each for one in files for each in yaml.safe_load_all(one.read_text("utf-8"))]


def check(manifests: list[Manifest]) -> None:
    """Refuse unknown fields, too."""
    for one in manifests:
        kubernetes_validate.validate(one, VERSION, strict=True)


def of(manifests: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] in kinds}


def test_every_manifest_is_valid_as_it_is_written() -> None:
    manifests = written()
    assert len(manifests) > 10
    check(manifests)


def test_a_field_that_kubernetes_does_not_know_would_be_found() -> None:
    wrong = of(written(), "Deployment")["agent"]
    wrong["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFilesytem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        check([wrong])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_kustomize_makes_is_valid(overlay: str) -> None:
    check(composed(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_closed(overlay: str) -> None:
    pods = of(composed(overlay), "Deployment", "StatefulSet")
    assert {"dashboard", "dome-agent", "recorder-agent"} < set(pods)
    for one in pods.values():
        spec = one["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"livenessProbe", "readinessProbe"} < container.keys()
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_agent_is_one_and_finds_its_own_name_identity_and_journal(overlay: str) -> None:
    manifests = composed(overlay)
    claims = of(manifests, "PersistentVolumeClaim")
    for name in ("dome", "recorder"):
        spec = of(manifests, "Deployment")[f"{name}-agent"]["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
        assert spec["template"]["metadata"]["labels"]["agent"] == name
        assert spec["selector"]["matchLabels"]["agent"] == name
        volumes = {one["name"]: one for one in spec["template"]["spec"]["volumes"]}
        assert volumes["identity"]["secret"]["secretName"] == f"{name}-identity"
        assert volumes["state"]["persistentVolumeClaim"]["claimName"] in claims
        settings = of(manifests, "ConfigMap")[volumes["observatory"]["configMap"]["name"]]
        assert name == "recorder" or f"[agents.{name}]" in settings["data"]["pyros.toml"]


def test_the_two_overlays_differ_by_their_broker_alone() -> None:
    site, cluster = (
        {(one["kind"], one["metadata"]["name"].partition("-agent")[0]) for one in composed(overlay)}
        for overlay in OVERLAYS
    )
    brokers = {"broker", "mosquitto", "nats", "between", "bus"}
    assert {name.partition("-")[0] for _, name in site ^ cluster} <= brokers
    for name in ("dome-agent", "recorder-agent", "dashboard"):
        ours, theirs = (of(composed(overlay), "Deployment")[name] for overlay in OVERLAYS)
        for one in (ours, theirs):  # the hash of what it reads is in the name of `bus`
            one["spec"]["template"]["spec"]["containers"][0]["envFrom"] = []
        assert ours == theirs


@pytest.mark.parametrize(
    ("overlay", "hosts"),
    [("site", ["broker"]), ("cluster", ["nats-0.nats", "nats-1.nats", "nats-2.nats"])],
)
def test_the_addresses_are_those_of_the_brokers_services(overlay: str, hosts: list[str]) -> None:
    manifests = composed(overlay)
    (bus,) = [one["data"] for name, one in of(manifests, "ConfigMap").items() if name[:3] == "bus"]
    urls = Settings(brokers=bus["PYROS_BROKERS"]).brokers
    assert [(one.scheme, one.host, one.port) for one in urls] == [
        ("mqtts", host, 8883) for host in hosts
    ]
    (broker,) = of(manifests, "StatefulSet").values()
    service = of(manifests, "Service")[broker["spec"]["serviceName"]]
    assert {host.rpartition(".")[2] for host in hosts} == {service["metadata"]["name"]}
    labels = broker["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert labels["kind"] == "broker"  # whom the policies let through
    assert bus["PYROS_CONFIG"] == "/etc/pyros/pyros.toml"


def test_nats_takes_its_configuration(tmp_path: Path) -> None:
    need("nats-server")
    program = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin") or ""
    access = Office.found(tmp_path / "access", "T60", ["nats-0.nats"]).folder.broker
    written = (FOLDER / "overlays" / "cluster" / "nats.conf").read_text("utf-8")
    (tmp_path / "nats.conf").write_text(written.replace("/tls/", f"{access}/"))
    done = subprocess.run(  # noqa: S603 - it reads the file
        [program, "-t", "-c", tmp_path / "nats.conf"],
        env={"NODE": "nats-0"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
