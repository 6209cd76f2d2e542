"""Celery over Redis.

Its best settings for short tasks, after "Optimizing" of its user guide: a worker that runs tasks in
its own process (`solo`), a high prefetch, no events, gossip, mingle or heartbeat, no rate limits,
JSON, results that are not kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import Any

from celery import Celery, signals

from bench import lane
from bench.job import PATIENCE, Job, Told, number_of
from bench.pace import Stopwatch
from bench.tally import Tally

WORKER = [
    "worker", "--pool=solo", "--without-gossip", "--without-mingle", "--without-heartbeat",
    "--loglevel=CRITICAL",
]  # fmt: skip


def app_of(job: Job) -> Any:
    """The application, the same for worker and caller."""
    url = f"redis://{job.place['host']}:{job.place['port']}"
    app = Celery("bench", broker=f"{url}/0", backend=f"{url}/1")
    app.conf.update(
        worker_prefetch_multiplier=128,
        worker_disable_rate_limits=True,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        task_track_started=False,
        task_serializer="json",
        result_serializer="json",
        result_expires=60,
    )
    return app


def serve(job: Job) -> Told:
    """Be a worker whose task gives back what it was given."""
    app, tally = app_of(job), Tally(job)

    @app.task(name="echo")  # type: ignore[untyped-decorator]
    def echo(text: str) -> str:
        tally.take(number_of(text))
        return text

    @signals.worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
    def is_ready(**_: Any) -> None:
        lane.ready()

    threading.Thread(target=_end_when_told, daemon=True).start()
    with contextlib.suppress(SystemExit):
        app.worker_main(WORKER)
    return tally.told()


def ask(job: Job) -> Told:
    """One task at a time."""
    app = app_of(job)
    return lane.laps(job, lambda text: str(app.send_task("echo", (text,)).get(PATIENCE)))


def commands(job: Job) -> Told:
    """Many at a time, as many threads as a window has places would be slower than this one."""
    app, watch, wrong = app_of(job), Stopwatch(), 0
    waiting: list[tuple[str, Any]] = []
    for number in range(job.total):
        if number == job.warmup:
            wrong += sum(_is_wrong(*waiting.pop(0)) for _ in range(len(waiting)))
            watch.start()
        if len(waiting) == job.window:
            wrong += _is_wrong(*waiting.pop(0))
        text = job.text(number)
        waiting.append((text, app.send_task("echo", (text,))))
    wrong += sum(_is_wrong(*one) for one in waiting)
    return watch.stop() | {"wrong": wrong}


def _is_wrong(text: str, result: Any) -> bool:
    return bool(result.get(PATIENCE) != text)


def _end_when_told() -> None:
    lane.wait_for_end()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask, "commands": commands})
