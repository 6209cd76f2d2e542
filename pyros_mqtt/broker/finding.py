"""Finding a broker: the configured one, or one that is started here and ends with its starter."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from pyros_mqtt.broker.guarded import GuardedProcess
from pyros_mqtt.broker.kinds import INSTALL, Kind, NoBroker, Recipe, recipe
from pyros_mqtt.broker.ports import LOOPBACK, answers, any_free_port, why_not_free
from pyros_mqtt.settings import BrokerUrl, Settings

USUAL_PORT = 1883

_log = logging.getLogger("pyros_mqtt.broker")
_START_TIMEOUT = 10.0
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker that can be connected to; leaving its `with` ends it if it was started here.

    Attributes:
        urls: where it is, or where the configured ones are, in the order to try them.
        kind: "configured", "mosquitto 2.0.11" or "embedded rumqttd".
        log: the file that takes what it prints; None for the configured or on standard error.
    """

    urls: tuple[BrokerUrl, ...]
    kind: str
    log: Path | None = None
    process: GuardedProcess | None = None

    @property
    def url(self) -> BrokerUrl:
        """The first address."""
        return self.urls[0]

    @property
    def is_running(self) -> bool:
        """The process runs. Of a configured broker only its own machine knows: True."""
        return self.process is None or self.process.is_running

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the broker's end and give its exit code; at once 0 for a configured one.

        Raises:
            TimeoutError: it runs on after `timeout` seconds.
        """
        return 0 if self.process is None else self.process.wait(timeout)

    def stop(self) -> None:
        """End it if it was started here; may be called again."""
        if self.process is not None:
            self.process.stop()

    def __enter__(self) -> Self:
        """Nothing to do: it runs already."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it if it was started here."""
        self.stop()


def find_or_start(
    settings: Settings,
    *,
    port: int | None = None,
    kind: Kind | None = None,
    to_stderr: bool = False,
) -> RunningBroker:
    """Give the configured brokers, else start one on this machine's loopback.

    Args:
        settings: its `brokers` are taken where it has any and no `kind` is asked for; its
            `state_dir` takes the log.
        port: to listen there; 0 for any free one; None for 1883 if that is free, else any.
        kind: start this kind, also where a broker is configured; None for mosquitto, or the
            embedded one where there is no mosquitto.
        to_stderr: what the broker prints goes there, not to the log.

    Raises:
        NoBroker: the port is taken, nothing is installed, or it did not come up.
    """
    if settings.brokers and kind is None:
        return RunningBroker(settings.brokers, "configured")
    folder = None if to_stderr else settings.state_dir
    if port and (reason := why_not_free(port)):
        raise NoBroker(f"port {port} of {LOOPBACK} {reason}; choose another, or 0 for any free one")
    if kind is not None:
        return _start(kind, port, folder)
    try:
        return _start("mosquitto", port, folder)
    except NoBroker as first:
        _log.info("%s; trying the embedded broker", first)
        try:
            return _start("embedded", port, folder)
        except NoBroker as second:
            either = f"{INSTALL['mosquitto']}, or {INSTALL['embedded']}"
            hint = f"{either}, or name a broker in PYROS_BROKERS"
            raise NoBroker(f"no broker: {first}; {second}. Mend it by: {hint}") from None


def _start(kind: Kind, port: int | None, folder: Path | None) -> RunningBroker:
    chosen = _choose(port)
    try:
        return _start_on(chosen, kind, folder)
    except NoBroker:
        # Between the choice and the start somebody else may have taken a port chosen by us.
        if port or not why_not_free(chosen):
            raise
        return _start_on(any_free_port(), kind, folder)


def _choose(port: int | None) -> int:
    if port is None:
        return any_free_port() if why_not_free(USUAL_PORT) else USUAL_PORT
    return port or any_free_port()


def _start_on(port: int, kind: Kind, folder: Path | None) -> RunningBroker:
    with tempfile.TemporaryDirectory(prefix="pyros-broker-") as scratch:
        todo = recipe(kind, port, Path(scratch))
        file = folder / f"broker-{port}.log" if folder else None
        with _opened(file) as log:
            process = GuardedProcess(todo.command, log)
        try:
            _wait_until_it_answers(process, port, todo, file)
        except BaseException:
            process.stop()
            raise
    url = BrokerUrl("mqtt", LOOPBACK, port)
    return RunningBroker((url,), todo.name, file, process)


@contextlib.contextmanager
def _opened(file: Path | None) -> Iterator[IO[str] | None]:
    if file is None:
        yield None
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        log = file.open("w", encoding="utf-8")
    except OSError as problem:
        hint = "set PYROS_STATE_DIR to a folder that can be written"
        raise NoBroker(f"{file}: {problem.strerror}; {hint}") from None
    with log:
        yield log


def _wait_until_it_answers(
    process: GuardedProcess, port: int, todo: Recipe, log: Path | None
) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        if not process.is_running:
            code = process.wait()
            raise NoBroker(f"{todo.name} ended at once with exit code {code}{_last_words(log)}")
        if answers(port):
            return
        time.sleep(_POLL)
    raise NoBroker(f"{todo.name} does not answer on port {port} after {_START_TIMEOUT:g} s")


def _last_words(log: Path | None) -> str:
    lines = log.read_text("utf-8", errors="replace").split("\n") if log else []
    said = [line for line in lines if line.strip()][-3:]
    return f": {' / '.join(said)}" if said else ""
