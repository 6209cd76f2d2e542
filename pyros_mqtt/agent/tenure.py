"""Holding a name: claim it before the start, keep it against late claims, and give way in time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pyros_mqtt.agent.ownership import Lookout, Sighting, Watch
from pyros_mqtt.errors import AgentError, NameTaken
from pyros_mqtt.messages import State, Status
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery

log = logging.getLogger(__name__)

OFFLINE = 3.0
"""Seconds to wait for a broker before the agent begins to work without one."""

LOOK = 1.0
"""Seconds between two looks whether another life has begun in our journal."""

RETURN = 2.0
"""Seconds for a look at the name before a lost connection comes back."""


class Tenure:
    """One life's hold on its name. Each method says which thread it is for.

    Args:
        move_in: called once the name is free, with what was found there.
        leave: called when the name is somebody else's, or `move_in` has failed later on, with why.
            Where `is_lost`, nothing is published after that.
        is_replaced: whether another life has taken our journal over.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a name has to do with
        self,
        bus: Bus,
        topics: Topics,
        name: str,
        session: str,
        outbox: Outbox,
        move_in: Callable[[Sighting], None],
        leave: Callable[[Exception], None],
        is_replaced: Callable[[], bool],
    ) -> None:
        self._bus = bus
        self._topics = topics
        self._name = name
        self._session = session
        self._outbox = outbox
        self._move_in = move_in
        self._leave = leave
        self._is_replaced = is_replaced
        self._next_look = 0.0
        self._watch = Watch(
            name, session, lambda: outbox.boot, self._insist, self._give_way, is_replaced
        )
        self._given_up = threading.Event()
        self.is_lost = False
        """Somebody else holds the name."""

    def claim(self) -> bool:
        """Take the name if it is free; for the agent's thread.

        Returns:
            False where no broker was there to ask: then it is taken as soon as there is one.

        Raises:
            NameTaken: a live agent holds it.
        """
        lookout = self._look()
        seen = lookout.find(OFFLINE)
        if seen is None:
            log.warning("no broker yet; %s works without one", self._name)
            threading.Thread(target=self._claim_later, args=(lookout,), daemon=True).start()
            return False
        lookout.close()
        self._enter(seen)
        return True

    def give_up(self) -> None:
        """The agent ends: a claim that still waits for a broker is not pursued."""
        self._given_up.set()

    def hear(self, delivery: Delivery) -> None:
        """Judge a claim on our own status topic; for the network thread."""
        if not self.is_lost:
            self._watch.hear(delivery)

    def tick(self) -> None:
        """See now and then whether the journal is still ours; for the network thread.

        One that has lost it and hears of nobody would keep the name and answer nothing for ever.
        """
        now = time.monotonic()
        if now < self._next_look or self.is_lost:
            return
        self._next_look = now + LOOK
        if self._is_replaced():
            self._give_way(Status(self._name, State.STARTING))

    def may_return(self) -> bool | None:
        """Whether the name is still ours after the connection was lost; may block.

        For the network thread. None: there is no broker that could tell.
        """
        if self.is_lost:
            return False
        lookout = self._look()
        seen = lookout.find(RETURN, besides=self._session)
        lookout.close()
        if seen is None:
            return None
        holder = seen.holder
        if holder is None or holder.boot < self._outbox.boot:
            return True
        self._give_way(holder)
        return False

    def _look(self) -> Lookout:
        return Lookout(self._bus, self._topics, self._name)

    def _enter(self, seen: Sighting) -> None:
        if seen.holder is not None:
            self.is_lost = True
            raise NameTaken(seen.holder)
        self._move_in(seen)

    def _claim_later(self, lookout: Lookout) -> None:
        """The broker was away at the start; runs in a thread of its own until it is there."""
        seen = None
        while seen is None and not self._given_up.is_set():
            seen = lookout.find(1.0)
        lookout.close()
        if seen is None or self._given_up.is_set():
            return
        try:
            self._enter(seen)
        except (NameTaken, AgentError) as error:
            log.warning("%s stops: %s", self._name, error)
            self._leave(error)
        except Exception as error:
            log.exception("%s stops", self._name)
            self._leave(error)

    def _insist(self, boot: int) -> None:
        if not self.is_lost:
            self._outbox.rebase(boot)
            self._outbox.publish_status()

    def _give_way(self, status: Status) -> None:
        by = f"pid {status.pid} on {status.host}" if status.pid else "another life"
        log.error("%s has been replaced by %s; it stops acting", self._name, by)
        self.is_lost = True
        self._leave(NameTaken(status))
