"""The threads that an agent's own code starts: named, watched, and joined at its end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import Cancelled, words_of

log = logging.getLogger(__name__)


class Threads:
    """Starts threads and sees how they end. `start` is for any thread.

    Args:
        agent: whose threads they are; their names begin with it.
        condition: is told of a thread that dies by an exception.
    """

    def __init__(self, agent: str, condition: Condition) -> None:
        self._agent = agent
        self._condition = condition
        self._lock = threading.Lock()
        self._started: list[threading.Thread] = []

    def start(
        self, target: Callable[..., Any], args: tuple[Any, ...], name: str | None
    ) -> threading.Thread:
        """Call `target(*args)` in a thread of its own. Returns at once.

        A thread of the same name that died before is forgiven.
        """
        title = name or getattr(target, "__name__", "thread").strip("_")
        thread = threading.Thread(
            target=self._run,
            args=(title, target, args),
            name=f"{self._agent} {title}",
            daemon=True,  # one that heeds nothing must not keep the process alive
        )
        self._condition.recover(source=f"thread {title}")
        with self._lock:
            self._started = [one for one in self._started if one.is_alive()]
            thread.start()
            self._started.append(thread)
        return thread

    def join(self, timeout: float) -> list[str]:
        """Wait for all of them, `timeout` seconds together; the names of those that run on."""
        end = time.monotonic() + timeout
        with self._lock:
            started = list(self._started)
        for thread in started:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))
        return [thread.name for thread in started if thread.is_alive()]

    def _run(self, title: str, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            target(*args)
        except (Cancelled, SystemExit):
            pass  # how `self.sleep` ends a thread when the agent stops, and how a thread may leave
        except BaseException as error:
            log.exception("%s: the thread %s has died", self._agent, title)
            text = f"the thread {title} has died: {words_of(error)}"
            self._condition.degrade(text, source=f"thread {title}")
