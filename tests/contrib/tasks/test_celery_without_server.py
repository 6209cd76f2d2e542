"""Celery on the file-system transport, which needs no server, and Celery without results."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from pyros_mqtt import Agent, Failed, WasCancelled
from pyros_mqtt.contrib.celery import task_action
from pyros_mqtt.messages import Outcome
from pyros_mqtt.testing import Rehearsal
from tests.contrib.tasks.celery_app import make_app
from tests.contrib.tasks.conftest import Redis, Worker, jobs, until


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Celery]:
    """Broker and results in a folder; a solo worker."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "results").mkdir()
    yield from _served("filesystem://", f"file://{folder}/results", folder, "solo")


@pytest.fixture(scope="module")
def no_backend(redis_server: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Celery]:
    """Redis as broker, a prefork worker, and no results but what its events tell."""
    yield from _served(redis_server.url(5), None, tmp_path_factory.mktemp("events"), "prefork")


def _served(broker: str, backend: str | None, folder: Path, pool: str) -> Iterator[Celery]:
    app = make_app(broker, backend, folder)
    worker = Worker("--pool", pool, "-c", "1", **jobs(broker, backend, folder))
    try:
        worker.ready()
        yield app
    finally:
        worker.stop(signal.SIGQUIT)


class Pipeline(Agent):
    """Has its images reduced."""

    def __init__(self, app: Celery, **options: Any) -> None:
        super().__init__("pipeline", **options)
        for name in ("develop.image", "fail", "falter", "hang", "count"):
            self.actions_by_message[name] = task_action(app, name)


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def texts(stage: Rehearsal) -> list[str]:
    return [report.progress.text for report in stage.reports if report.progress]


def test_files_carry_result_progress_and_failure(stage: Rehearsal, files: Celery) -> None:
    stage.start(Pipeline(files, bus=stage.bus))
    assert stage.ask("pipeline", "develop.image", path="a.fits")["path"] == "a.fits"
    assert "step 2" in texts(stage)
    with pytest.raises(Failed, match="ValueError: there is no flat"):
        stage.ask("pipeline", "fail", reason="there is no flat")


def test_files_carry_a_revocation(stage: Rehearsal, files: Celery, tmp_path: Path) -> None:
    stage.start(Pipeline(files, bus=stage.bus))
    args = {"path": str(tmp_path / "runs"), "countdown": 3600}
    receipt = stage.sender.send_to("pipeline", "count", args=args)
    task = f"pipeline.rehearsal.{receipt.command.id}"
    until(lambda: list(Path(files.conf.result_backend.removeprefix("file://")).glob(f"*{task}")))
    stage.ask("pipeline", "abort")
    with pytest.raises(WasCancelled):
        receipt.result(5)
    until(lambda: files.AsyncResult(task).state == "REVOKED")


def test_events_tell_result_failure_and_retries(stage: Rehearsal, no_backend: Celery) -> None:
    stage.start(Pipeline(no_backend, bus=stage.bus))
    result = stage.ask("pipeline", "develop.image", path="a.fits")
    assert (result["path"], result["bias"]) == ("a.fits", True)
    stage.wait_until(lambda: Outcome.DONE in [one.state for one in stage.reports])
    assert any(text.startswith("on celery@") for text in texts(stage))
    with pytest.raises(Failed, match="there is no flat"):
        stage.ask("pipeline", "fail", reason="there is no flat")
    assert stage.ask("pipeline", "falter", times=1) == 1
    assert any(text.startswith("retry 1 of 3: OSError") for text in texts(stage))


def test_events_tell_of_a_start_and_an_abort_ends_the_task(
    stage: Rehearsal, no_backend: Celery, tmp_path: Path
) -> None:
    stage.start(Pipeline(no_backend, bus=stage.bus))
    mark = tmp_path / "mark"
    receipt = stage.send("pipeline", "hang", mark=str(mark))
    stage.wait_until(lambda: any(text.startswith("on celery@") for text in texts(stage)))
    until(mark.exists)
    stage.ask("pipeline", "abort")
    with pytest.raises(WasCancelled, match="aborted"):
        receipt.result(5)
    args = {"path": str(tmp_path / "runs")}  # the only process of the pool is free again
    assert stage.sender.ask("pipeline", "count", args=args, timeout=10) == 1


def test_only_what_celery_remembers_may_run_again_after_a_crash(
    stage: Rehearsal, files: Celery, tmp_path: Path
) -> None:
    remembered = Pipeline(files, bus=stage.bus).actions_by_message.infos()
    forgotten = Pipeline(make_app("memory://", None, tmp_path), bus=stage.bus)
    assert remembered["count"].idempotent
    assert not forgotten.actions_by_message.infos()["count"].idempotent
