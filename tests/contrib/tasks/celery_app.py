"""The tasks that the tests of `contrib.celery` run; a worker is told of its app by `JOBS_*`."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from celery import Celery

from pyros_mqtt import Sender
from pyros_mqtt.contrib.celery import worker_agent

NOT_NOW = threading.Event()
"""Never set: tasks wait on it."""


def make_app(broker: str, backend: str | None, folder: Path, **more: Any) -> Celery:
    """Make an app with the tests' tasks; `folder` is for the file-system transport."""
    app = Celery("jobs", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(
        task_track_started=True,
        result_extended=True,
        task_default_queue="jobs",
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        worker_send_task_events=backend is None,
    )
    app.conf.update(more)
    if broker.startswith("filesystem"):
        queue = str(folder / "queue")
        app.conf.broker_transport_options = {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": str(folder / "control"),
            "polling_interval": 0.1,
        }
        (folder / "queue").mkdir(exist_ok=True)
        (folder / "control").mkdir(exist_ok=True)
    _register(app)
    return app


def _register(app: Celery) -> None:
    for name, bind, function, options in TASKS:
        app.task(name=name, bind=bind, **options)(function)


def reduce_image(self: Any, path: str, *, bias: bool = True) -> dict[str, Any]:
    """Reduce an image."""
    for step in (1, 2, 3):
        self.update_state(state="PROGRESS", meta={"fraction": step / 4, "text": f"step {step}"})
        NOT_NOW.wait(0.15)
    return {"path": path, "bias": bias, "id": self.request.id, "pid": os.getpid()}


def fail(reason: str) -> None:
    """Fail."""
    raise ValueError(reason)


def falter(self: Any, times: int) -> int:
    """Fail so many times, then succeed."""
    if self.request.retries < times:
        raise self.retry(exc=OSError(f"attempt {self.request.retries + 1}"), countdown=0.4)
    return int(self.request.retries)


def hang(mark: str) -> None:
    """Write that it began, wait for a minute, and write that it ended."""
    place = Path(mark)
    place.write_text("began", "utf-8")
    NOT_NOW.wait(60)
    place.write_text("ended", "utf-8")


def nap(seconds: float) -> None:
    """Sleep."""
    NOT_NOW.wait(seconds)


def count(path: str) -> int:
    """Count its own runs in a file."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write("x")
    return len(Path(path).read_text("utf-8"))


def tell(agent: str, text: str) -> dict[str, Any]:
    """Ask an agent, out of a task."""
    return {"heard": Sender.ask(agent, "hear", text=text, timeout=10), "pid": os.getpid()}


TASKS: list[tuple[str, bool, Any, dict[str, Any]]] = [
    ("develop.image", True, reduce_image, {}),
    ("fail", False, fail, {}),
    ("falter", True, falter, {"max_retries": 3}),
    ("hang", False, hang, {}),
    ("nap", False, nap, {}),
    ("count", False, count, {}),
    ("tell", False, tell, {}),
]

if "JOBS_BROKER" in os.environ:
    app = make_app(
        os.environ["JOBS_BROKER"],
        os.environ.get("JOBS_BACKEND") or None,
        Path(os.environ["JOBS_FOLDER"]),
    )
    if "JOBS_NAME" in os.environ:
        worker_agent(app, os.environ["JOBS_NAME"])
