"""A task sends to agents: `Sender.send_to(...)` as anywhere; here its connection is closed.

Each process of a prefork pool makes a default sender of its own when a task first uses it. Such a
process ends without Python's `atexit`, so Celery's signal has to do it.
"""

from __future__ import annotations

from typing import Any

from celery.signals import worker_process_shutdown, worker_shutdown

from pyros_mqtt.sender import Sender


def close_sender(**_: Any) -> None:
    """Close this process's default sender, if it has one."""
    Sender.close_default()


for _end in (worker_process_shutdown, worker_shutdown):
    _end.connect(close_sender, weak=False)
