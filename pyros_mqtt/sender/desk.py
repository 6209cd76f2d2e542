"""Where a process hands in its durable commands; the courier behind it comes when needed."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyros_mqtt.errors import SpoolError

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command
    from pyros_mqtt.sender.courier import Courier
    from pyros_mqtt.sender.receipt import Receipt
    from pyros_mqtt.signing import Signer
    from pyros_mqtt.topics import Topics
    from pyros_mqtt.transport import Bus

log = logging.getLogger(__name__)


class SpoolDesk:
    """The spool of one machine and root, as one process uses it. For any thread.

    Args:
        bus: where to connect.
        topics: the tree.
        path: the spool's file.
        signer: signs what this process posts.
    """

    def __init__(self, bus: Bus, topics: Topics, path: Path, signer: Signer | None = None) -> None:
        self._bus = bus
        self._topics = topics
        self._path = path
        self._signer = signer
        self._lock = threading.Lock()
        self._courier: Courier | None = None

    def post(self, command: Command, due: float | None) -> Receipt:
        """Write a command to the disk; it is sent at `due` (POSIX seconds), or now.

        Raises:
            SpoolError: the disk does not take it.
        """
        return self._at_work().post(command, due)

    def deliver_what_is_left(self, sender: str = "") -> None:
        """Begin to deliver, if an earlier process has left anything.

        A spool that cannot be used is told in the log: only durable commands need it.

        Args:
            sender: begin only if something of this sender is left; by default of any.
        """
        with _logged():
            if self._is_waiting(sender):
                self._at_work()

    def deliver(self) -> None:
        """Deliver from now on whatever any process of this machine hands in.

        Raises:
            SpoolError: the spool cannot be used.
        """
        self._at_work()

    def deliver_if_possible(self) -> None:
        """As `deliver`; but a spool that cannot be used is told in the log."""
        with _logged():
            self._at_work()

    def close(self) -> None:
        """Stop delivering; what is left waits on the disk."""
        with self._lock:
            courier, self._courier = self._courier, None
        if courier is not None:
            courier.close()

    def _is_waiting(self, sender: str) -> bool:
        if not self._path.is_file():
            return False
        from pyros_mqtt.spool import Spool

        with contextlib.closing(Spool(self._path)) as spool:
            return spool.is_waiting_from(sender) if sender else spool.is_waiting

    def _at_work(self) -> Courier:
        from pyros_mqtt.sender.courier import Courier
        from pyros_mqtt.spool import Spool

        with self._lock:
            if self._courier is None:
                spool = Spool(self._path)
                self._courier = Courier(self._bus, self._topics, spool, self._signer)
                self._courier.start()
            return self._courier


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Go on without the spool where it cannot be used."""
    try:
        yield
    except (SpoolError, OSError) as error:
        text = "%s. Until that is mended and this process started anew, it delivers nothing of it"
        log.error(text, error)  # noqa: TRY400 - it says all


def spool_path(state_dir: Path, root: str) -> Path:
    """Where the spool of one topic root lies."""
    return state_dir / "spool" / f"{root.replace('/', '-')}.sqlite"
