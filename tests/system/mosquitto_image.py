"""An image with nothing but this machine's own mosquitto: no image can be pulled everywhere."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

import docker

from pyros_mqtt.broker import configuration

IMAGE = "pyros-mosquitto:tests"
_CONFIGURATION = "/mosquitto.conf"


def command(program: str) -> list[str]:
    """What the container runs."""
    return [program, "-c", _CONFIGURATION]


def build(client: docker.DockerClient, program: str, port: int, host: str) -> None:
    """Make the image out of the program, the libraries that it is linked with, and our settings."""
    client.api.import_image_from_data(
        _archive(program, configuration(port, host)), *IMAGE.split(":")
    )


def _archive(program: str, conf: str) -> bytes:
    # mosquitto gives up root's rights, and for that looks up its own name.
    texts = {
        _CONFIGURATION: conf,
        "/etc/passwd": "root:x:0:0::/:\nmosquitto:x:1883:1883::/:\n",
        "/etc/group": "root:x:0:\nmosquitto:x:1883:\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        for file in (program, *_libraries(program)):
            archive.add(Path(file).resolve(), arcname=file)
        for name, text in texts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _libraries(program: str) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)  # noqa: S603, S607 - prints paths
    return re.findall(r"(/\S+) \(0x", listed.stdout)
