"""TCP ports of this machine's loopback: which are free, and who has one that is not."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"

_QUIET = range(12_000, 32_000)
"""Ports below those that Linux, macOS and Windows give to outgoing connections."""

_TRIES = 20

_LISTENING = "0A"  # the state's number in /proc/net/tcp
_V4 = 8  # digits of its addresses
_OWN_V6 = {"00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


def any_free_port() -> int:
    """Find a port that nobody uses, and that no outgoing connection is given meanwhile."""
    for port in random.sample(_QUIET, _TRIES):
        if not why_not_free(port):
            return port
    with socket.socket() as trial:
        trial.bind((LOOPBACK, 0))
        return int(trial.getsockname()[1])


def why_not_free(port: int) -> str:
    """Say what keeps a port from being listened on; empty where nothing does."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except PermissionError:
            return "needs root's rights"
        except OSError:
            return f"is taken by {_holder(port) or 'another process'}"
    return ""


def answers(port: int) -> bool:
    """Tell whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=0.5):
        return True
    return False


def is_open_to_the_network(port: int) -> bool:
    """Tell whether somebody on this machine listens there for others, too; False: not, or unknown.

    Linux alone tells. An address is written there as hexadecimal words of the machine's own order.
    """
    return any(not _is_loopback(address) for address, _ in _listening(port))


def _is_loopback(address: str) -> bool:
    return address.endswith("7F") if len(address) == _V4 else address in _OWN_V6


def _holder(port: int) -> str:
    """Name the process that listens there; empty where the system does not tell (or us)."""
    wanted = {f"socket:[{inode}]" for _, inode in _listening(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # processes come and go, and others' are not shown
            if str(descriptor.readlink()) in wanted:
                process = descriptor.parents[1]
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _listening(port: int) -> Iterator[tuple[str, str]]:
    """Address and inode of each socket that listens there."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                address, _, at = local.rpartition(":")
                if state == _LISTENING and int(at, 16) == port:
                    yield address, inode
