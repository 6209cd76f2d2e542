"""Keeps one agent running in one of the processes of this machine that could."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.apps import apps

from pyros_mqtt.contrib.django.ownership import Ownership
from pyros_mqtt.errors import NameTaken
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics

if TYPE_CHECKING:
    from pyros_mqtt.agent import Agent

log = logging.getLogger(__name__)

AWAY = 5.0
"""Seconds between two looks at a name that another machine holds."""

BREATH = 0.2
"""Seconds before an heir begins: where all of a server ends, it is about to end as well."""

LONGEST = 60.0
"""Most seconds before an agent that has failed is started again."""


class Keeper:
    """Stands by until this process owns the agent, then runs it, and again when it has failed.

    The owner stays so until its process ends, also where the agent was told to shut down: nobody
    else starts it then. All the work is done in a thread of its own; a daemon, so that it never
    delays the end of the process, and as the agent's thread inherits that, neither does the agent.

    Args:
        label: of the application; names the lock file, together with the topic root.
        make: makes the agent.
    """

    def __init__(self, label: str, make: Callable[[Settings], Agent]) -> None:
        self._label = label
        self._make = make
        self._ownership: Ownership | None = None
        self._thread = threading.Thread(target=self._run, name=f"keeper {label}", daemon=True)

    def start(self) -> None:
        """Start to stand by. Returns at once."""
        self._thread.start()

    # -- the keeper's thread ------------------------------------------------------------------

    def _run(self) -> None:
        apps.ready_event.wait()  # other applications may still be getting ready
        pause = 1.0
        while _process_goes_on():
            try:
                self._live()
            except NameTaken as error:
                log.info("%s stands by: %s", self._label, error)
                _wait(AWAY)
            except Exception:
                log.exception("%s does not run; it is started again in %g s", self._label, pause)
                _wait(pause)
                pause = min(2 * pause, LONGEST)
            else:
                return

    def _live(self) -> None:
        """Become the owner, and run the agent until it has been told to shut down."""
        settings = Settings()
        if self._ownership is None:
            name = f"{Topics(settings.root).client_id(self._label)}.lock"
            self._ownership = Ownership(settings.state_dir / "django" / name)
        if not self._ownership.take():
            log.info("%s stands by: another process of this machine has the agent", self._label)
            self._ownership.wait()
            _wait(BREATH)
        if _process_goes_on():
            agent = self._make(settings)
            agent.start()
            agent.join()
            log.info("%s has ended, as it was told to", agent.name)


def _process_goes_on() -> bool:
    """Whoever becomes the owner on the way out must not begin anything."""
    return threading.main_thread().is_alive()


def _wait(seconds: float) -> None:
    threading.main_thread().join(seconds)
