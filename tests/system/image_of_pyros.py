"""The image of deploy/Containerfile, built of this machine's Debian packages and wheels."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import docker
import pytest
from docker.utils.build import exclude_paths

from tests.need import in_ci
from tests.system import debian_image, wheelhouse

REPOSITORY = Path(__file__).parents[2]
CONTAINERFILE = "deploy/Containerfile"

IMAGE = "pyros-mqtt:tests"
BASE = "pyros-base:tests"
EXTRAS = "dashboard,metrics,postgresql"
PACKAGES = ("ca-certificates", "python3-pip", "python3-venv")
"""What BASE has to bring: the packages of docs/how-to/containers.md."""


def need_packages(*packages: str) -> None:
    """Skip where an image cannot be made of them; with CI=true that is a failure."""
    if debian_image.are_here(packages):
        return
    told = f"an image is made of Debian's packages: apt-get install {' '.join(packages)}"
    (pytest.fail if in_ci() else pytest.skip)(told)


def build(client: docker.DockerClient) -> None:
    """Make the base, then the image as the Containerfile says; nothing is fetched."""
    need_packages(*PACKAGES)
    _need_same_python()
    debian_image.build(client, BASE, debian_image.Content(PACKAGES))
    arguments = {
        "BASE": BASE, "EXTRAS": EXTRAS, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/source/wheels",
    }  # fmt: skip
    client.images.build(
        fileobj=_context(),
        custom_context=True,
        dockerfile=CONTAINERFILE,
        tag=IMAGE,
        buildargs=arguments,
        network_mode="none",
        rm=True,
    )


def _need_same_python() -> None:
    """The wheels are this Python's; the image has Debian's."""
    asked = ["/usr/bin/python3", "-c", "import sys; print(*sys.version_info[:2])"]
    theirs = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603 - Debian's
    ours = [str(number) for number in sys.version_info[:2]]
    if theirs != ours:
        pytest.skip(f"wheels of Python {'.'.join(ours)} do not fit Debian's {'.'.join(theirs)}")


def _context() -> io.BytesIO:
    """Pack what .dockerignore lets through, and wheels/ as the Containerfile asks for them."""
    ignored = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive, tempfile.TemporaryDirectory() as wheels:
        for name in sorted(exclude_paths(str(REPOSITORY), ignored, CONTAINERFILE)):
            archive.add(REPOSITORY / name, name, recursive=False)
        wheelhouse.fill(Path(wheels), ["hatchling", f"pyros-mqtt[{EXTRAS}]"])
        for one in Path(wheels).glob("*.whl"):
            if not one.name.startswith("pyros_mqtt-"):
                archive.add(one, f"wheels/{one.name}")
    buffer.seek(0)
    return buffer
