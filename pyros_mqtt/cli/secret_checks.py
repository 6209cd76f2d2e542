"""What the doctor looks at on this machine for its security: secrets, and who listens here."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyros_mqtt.cli.finding import Finding, bad, ok, warn
from pyros_mqtt.cli.reach import USUAL_PORT

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

DAY = 86_400

_PASSWORD_IN_URL = re.compile(r"\b(?:mqtts?|wss?|postgresql)://[^\s/@:]*:[^\s/@]+@")
_CLIENTS = re.compile(r"(?:^|/)mosquitto_(?:pub|sub|rr)$")


def here(settings: Settings, processes: Path = Path("/proc")) -> Iterator[Finding]:
    """Look at certificate, files, processes and listeners of this machine."""
    yield from certificate(settings)
    yield from files(settings)
    yield from process_list(processes)
    yield from listeners(settings)


def certificate(settings: Settings) -> Iterator[Finding]:
    """Look when our certificate ends."""
    from pyros_mqtt.access.expiry import end_of, severity_of
    from pyros_mqtt.errors import AccessError

    file = settings.cert_file
    if file is None:
        return
    try:
        end = end_of(file)
    except AccessError as problem:
        yield bad(str(problem), "take the certificate from the bundle again")
        return
    left, day = end - time.time(), f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d}"
    renew = f"`pyros access rotate {file.stem}` where the authority is, and carry the bundle here"
    if left <= 0:
        yield bad(f"the certificate {file} has ended on {day}", renew)
    elif severity_of(left) is not None:
        yield warn(f"the certificate {file} ends on {day}, in {left / DAY:.0f} d", renew)
    else:
        yield ok(f"the certificate {file} is good until {day}")


def files(settings: Settings) -> Iterator[Finding]:
    """Look whether others of this machine can read what is secret."""
    for file in dict.fromkeys([*_secret_files(settings), *sorted(_with_secrets(settings))]):
        try:
            mode = file.stat().st_mode
        except OSError as problem:
            yield bad(f"{file}: {problem.strerror}", "check its name and its folder")
            continue
        if mode & 0o007:
            yield bad(f"{file} holds a secret, and everybody here can read it", f"chmod o= {file}")
        else:
            yield ok(f"{file}: kept from others")


def _secret_files(settings: Settings) -> Iterator[Path]:
    """Keys and passwords of all identities of this machine, and of its people."""
    from pyros_mqtt.access.people import people_path
    from pyros_mqtt.access.place import access_folder

    named = [settings.password_file]
    for own in (settings, *map(settings.of_agent, settings.identities)):
        named += [own.key_file, own.signing_key_file]
    there = (people_path(settings.state_dir), access_folder(settings) / "authority" / "ca.key")
    yield from (one for one in named if one is not None)
    yield from (one for one in there if os.path.exists(one))  # noqa: PTH110 - never raises


def _with_secrets(settings: Settings) -> set[Path]:
    """The settings files in which something stands that is not shown."""
    from pyros_mqtt.settings.broker_url import HIDDEN

    in_urls = {"brokers"} if any(one.password for one in settings.brokers) else set()
    places = {one.place for one in settings.sources() if HIDDEN in one.shown or one.key in in_urls}
    return {file for file in settings.files if str(file) in places}


def process_list(processes: Path = Path("/proc")) -> Iterator[Finding]:
    """Look for passwords in command lines, which everybody on a machine can read."""
    count = 0
    for place in sorted(processes.glob("[0-9]*/cmdline")):
        with contextlib.suppress(OSError):  # processes come and go
            words = place.read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
            if _tells_a_password(words):
                count += 1
                name = words[0].rpartition("/")[2]
                yield bad(
                    f"process {place.parent.name} ({name}) has a password in its command line",
                    "give it a file: PYROS_PASSWORD_FILE, or ~/.config/mosquitto_pub",
                )
    if not count:
        yield ok("no password stands in a process's command line")


def _tells_a_password(words: list[str]) -> bool:
    is_client = bool(words and _CLIENTS.search(words[0]))
    return any(_PASSWORD_IN_URL.search(one) for one in words) or (
        is_client and any(one.startswith(("-P", "--pw")) for one in words)
    )


def listeners(settings: Settings) -> Iterator[Finding]:
    """Look who serves the network from here without TLS."""
    from pyros_mqtt.broker.ports import is_open_to_the_network

    ports = {USUAL_PORT} | {one.port for one in settings.brokers if not one.is_tls}
    for port in sorted(ports):
        if is_open_to_the_network(port):
            text = f"port {port} of this machine serves the whole network without TLS"
            yield bad(text, "bind that listener to 127.0.0.1; docs/how-to/security.md")
    wide = {
        "the dashboard": settings.dashboard_host,
        "metrics are": settings.metrics_address if settings.metrics_port else "",
    }
    for who, host in wide.items():
        if host and not host.startswith(("127.", "::1", "localhost")):
            served = who if who.endswith("are") else f"{who} is"
            text = f"{served} served at {host}, without TLS of its own"
            yield warn(text, "put a proxy with TLS before it, and let it listen at 127.0.0.1")
