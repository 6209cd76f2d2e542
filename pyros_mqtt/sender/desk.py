"""Where a process hands in its durable commands; the courier behind it comes when needed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command
    from pyros_mqtt.sender.courier import Courier
    from pyros_mqtt.sender.receipt import Receipt
    from pyros_mqtt.signing import Signer
    from pyros_mqtt.spool import Spool
    from pyros_mqtt.topics import Topics
    from pyros_mqtt.transport import Bus


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

    def deliver_what_is_left(self) -> None:
        """Deliver what an earlier process has left, if there is anything."""
        if not self._path.is_file():
            return
        from pyros_mqtt.spool import Spool

        spool = Spool(self._path)
        if spool.is_waiting:
            self._at_work(spool)
        else:
            spool.close()

    def deliver(self) -> None:
        """Deliver from now on whatever any process of this machine hands in."""
        self._at_work()

    def close(self) -> None:
        """Stop delivering; what is left waits on the disk."""
        with self._lock:
            courier, self._courier = self._courier, None
        if courier is not None:
            courier.close()

    def _at_work(self, spool: Spool | None = None) -> Courier:
        from pyros_mqtt.sender.courier import Courier
        from pyros_mqtt.spool import Spool

        with self._lock:
            if self._courier is None:
                spool = spool or Spool(self._path)
                self._courier = Courier(self._bus, self._topics, spool, self._signer)
                self._courier.start()
            return self._courier


def spool_path(state_dir: Path, root: str) -> Path:
    """Where the spool of one topic root lies."""
    return state_dir / "spool" / f"{root.replace('/', '-')}.sqlite"
