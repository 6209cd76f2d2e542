"""A Docker engine for the tests: the one that runs, else one of our own that ends with them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker

_START_TIMEOUT = 30.0
_POLL = 0.2
_IMAGES = 2 * 1024**3
"""Bytes of all images and containers of a run, with room to spare."""

_NETWORKS = {
    # Where the kernel has bridges and packet filters, a container gets a port of its own,
    "bridge": (),
    # and else it shares the machine's network; vfs works on every file system.
    "host": ("--bridge=none", "--iptables=false", "--storage-driver=vfs"),
}


class NoDocker(Exception):
    """Containers cannot run here; the text says why."""


@contextlib.contextmanager
def engine() -> Iterator[tuple[str, str]]:
    """Give the address of an engine, and the network that its containers use.

    Raises:
        NoDocker: none runs and none can be started.
    """
    running = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if _answers(running):
        yield running, "bridge"
        return
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise NoDocker("no Docker engine runs, and dockerd is not installed")
    if os.geteuid() != 0:
        raise NoDocker("no Docker engine runs, and only root may start one")
    with _alone(), _own_engine(program) as started:
        yield started


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait for the engine of another worker to end: two would share docker0 and packet filters."""
    with Path(tempfile.gettempdir(), "pyros-tests-docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _own_engine(program: str) -> Iterator[tuple[str, str]]:
    words = ""
    for network, options in _NETWORKS.items():
        # Not pytest's own folder: the path of a socket may have 107 characters.
        with (
            tempfile.TemporaryDirectory(prefix="docker-", ignore_cleanup_errors=True) as folder,
            _in_memory(Path(folder, "data")),
        ):
            process = _launch(program, Path(folder), options)
            try:
                address = f"unix://{folder}/socket"
                if _comes_up(process, address):
                    yield address, network
                    return
            finally:
                process.terminate()
                process.wait(_START_TIMEOUT)
                _unmount(Path(folder, "exec", "netns", "default"))  # of containers that share ours
            words = _last_words(Path(folder, "log"))
    raise NoDocker(f"dockerd does not start: {words}")


@contextlib.contextmanager
def _in_memory(folder: Path) -> Iterator[None]:
    """Keep images in memory where there is enough: they are written, synced and deleted at once."""
    folder.mkdir()
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_IMAGES},mode=711", "tmpfs", str(folder)]
    is_mounted = free > 2 * _IMAGES and not subprocess.call(mount)  # noqa: S603
    try:
        yield
    finally:
        if is_mounted:
            _unmount(folder)


def _unmount(place: Path) -> None:
    if place.exists():
        subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)  # noqa: S603, S607


def _launch(program: str, folder: Path, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    own = [f"--{option}={folder / name}" for option, name in places.items()]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - Docker's own daemon
            [program, f"--host=unix://{folder}/socket", *own, *options], stdout=log, stderr=log
        )


def _comes_up(process: subprocess.Popen[bytes], address: str) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(address):
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL)
    return False


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8").strip().split("\n")
    telling = [line for line in lines if "fail" in line or line.startswith("panic")]
    return (telling or lines)[-1]


def _answers(address: str) -> bool:
    if not _is_open(address):
        return False
    try:
        client = docker.DockerClient(base_url=address, timeout=5)
    except docker.errors.DockerException:  # it opens its socket before it finds out what it lacks
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


def _is_open(address: str) -> bool:
    """Try the socket first: Docker's client leaves one unclosed where it cannot connect."""
    with socket.socket(socket.AF_UNIX) as trial:
        is_elsewhere = not address.startswith("unix://")
        return is_elsewhere or trial.connect_ex(address.removeprefix("unix://")) == 0
