"""Actions that are Celery tasks: a real worker on a real Redis."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from pyros_mqtt import Agent, AgentError, Expired, Failed, Rejected, WasCancelled, every, on
from pyros_mqtt.contrib.celery import task_action
from pyros_mqtt.messages import Outcome
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from tests.contrib.tasks.celery_app import make_app
from tests.contrib.tasks.conftest import Redis, Worker, jobs, until


@pytest.fixture(scope="module")
def app(redis_server: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Celery]:
    """An app whose tasks a prefork worker runs."""
    folder = tmp_path_factory.mktemp("jobs")
    place = redis_server.url(0), redis_server.url(1)
    worker = Worker("--pool", "prefork", "-c", "2", **jobs(*place, folder))
    try:
        worker.ready()
        yield make_app(*place, folder)
    finally:
        worker.stop(signal.SIGQUIT)


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


class Pipeline(Agent):
    """Has its images reduced."""

    def __init__(self, app: Celery, how: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__("pipeline", **options)
        for name in ("develop.image", "fail", "falter", "hang", "count"):
            self.actions_by_message[name] = task_action(app, name, **(how or {}))
        self.beats = 0

    @every(seconds=0.05)
    def beat(self) -> None:
        self.beats += 1


def start(stage: Rehearsal, app: Celery, **how: Any) -> Pipeline:
    return stage.start(Pipeline(app, how, bus=stage.bus))


def states(stage: Rehearsal) -> list[Outcome]:
    return [report.state for report in stage.reports]


def texts(stage: Rehearsal) -> list[str]:
    return [report.progress.text for report in stage.reports if report.progress]


def begun(stage: Rehearsal) -> None:
    """Wait until a command is reported as running."""
    stage.wait_until(lambda: Outcome.RUNNING in states(stage))


def test_the_result_and_the_progress_are_the_tasks(stage: Rehearsal, app: Celery) -> None:
    start(stage, app)
    result = stage.ask("pipeline", "develop.image", path="a.fits")
    assert (result["path"], result["bias"]) == ("a.fits", True)
    # the latest is told where several come at once
    told = {(r.progress.text, r.progress.fraction) for r in stage.reports if r.progress}
    assert told
    assert told <= {("step 1", 0.25), ("step 2", 0.5), ("step 3", 0.75)}
    stage.wait_until(lambda: states(stage)[-1] is Outcome.DONE)
    assert states(stage)[0] is Outcome.ACCEPTED


def test_the_tasks_signature_decides_what_is_accepted(stage: Rehearsal, app: Celery) -> None:
    start(stage, app)
    with pytest.raises(Rejected, match=r"path: it is missing; pth: there is no such argument"):
        stage.ask("pipeline", "develop.image", pth="a.fits")
    with pytest.raises(Rejected, match="bias: must be"):
        stage.ask("pipeline", "develop.image", path="a", bias="perhaps")
    about = Pipeline(app, bus=stage.bus).actions_by_message.infos()["develop.image"]
    assert about.description == "Reduce an image."
    assert about.args["required"] == ["path"]


def test_a_failed_task_fails_the_command_with_its_error(stage: Rehearsal, app: Celery) -> None:
    start(stage, app)
    with pytest.raises(Failed, match="ValueError: there is no flat"):
        stage.ask("pipeline", "fail", reason="there is no flat")


def test_retries_are_seen(stage: Rehearsal, app: Celery) -> None:
    start(stage, app)
    assert stage.ask("pipeline", "falter", times=2) == 2
    assert "retry 1 of 3: OSError: attempt 1" in texts(stage)
    assert "retry 2 of 3: OSError: attempt 2" in texts(stage)


def test_it_runs_when_the_worker_has_it_and_chores_go_on(
    stage: Rehearsal, app: Celery, tmp_path: Path
) -> None:
    agent = start(stage, app)
    receipt = stage.send("pipeline", "hang", mark=str(tmp_path / "mark"))
    begun(stage)
    until((tmp_path / "mark").exists)
    beats = agent.beats
    stage.wait_until(lambda: agent.beats > beats + 3)
    stage.ask("pipeline", "abort")
    with pytest.raises(WasCancelled, match="aborted"):
        receipt.result(5)


def test_an_abort_ends_the_task_in_the_middle(
    stage: Rehearsal, app: Celery, tmp_path: Path
) -> None:
    start(stage, app)
    mark = tmp_path / "mark"
    receipt = stage.send("pipeline", "hang", mark=str(mark))
    until(mark.exists)
    task = f"pipeline.rehearsal.{receipt.command.id}"
    stage.ask("pipeline", "abort")
    with pytest.raises(WasCancelled):
        receipt.result(10)
    until(lambda: app.AsyncResult(task).state == "REVOKED")
    assert mark.read_text("utf-8") == "began"


def test_a_task_that_somebody_revokes_is_a_cancelled_command(
    stage: Rehearsal, app: Celery, tmp_path: Path
) -> None:
    start(stage, app)
    receipt = stage.send("pipeline", "hang", mark=str(tmp_path / "mark"))
    until((tmp_path / "mark").exists)
    app.control.revoke(f"pipeline.rehearsal.{receipt.command.id}", terminate=True)
    with pytest.raises(WasCancelled, match="its task was terminated"):
        receipt.result(10)
    assert stage.status("pipeline").state.is_alive


def test_a_countdown_is_waited_for_and_is_not_running(stage: Rehearsal, app: Celery) -> None:
    start(stage, app, countdown=0.6)
    receipt = stage.send("pipeline", "develop.image", path="a.fits")
    receipt.result(10)
    running = next(r for r in stage.reports if r.state is Outcome.RUNNING)
    assert 0.5 < running.at - (receipt.command.sent_at or 0.0) < 5


def test_a_command_may_bring_its_own_eta(stage: Rehearsal, app: Celery, tmp_path: Path) -> None:
    start(stage, app)
    when = datetime.now(UTC) + timedelta(seconds=0.6)
    times = {"eta": when.isoformat()}
    receipt = stage.sender.send_to(
        "pipeline", "count", args={"path": str(tmp_path / "runs"), **times}
    )
    assert receipt.result(10) == 1
    assert receipt.report is not None
    assert receipt.report.at >= when.timestamp()


def test_both_a_countdown_and_an_eta_are_too_much(stage: Rehearsal, app: Celery) -> None:
    start(stage, app)
    times = {"countdown": 1, "eta": "2040-01-01T00:00:00Z"}
    with pytest.raises(Failed, match="exclude each other"):
        stage.sender.ask("pipeline", "count", args={"path": "x", **times}, timeout=5)


def test_a_countdown_that_is_negative_is_refused(stage: Rehearsal, app: Celery) -> None:
    start(stage, app)
    with pytest.raises(Rejected, match="countdown"):
        stage.sender.ask("pipeline", "count", args={"path": "x", "countdown": -1}, timeout=5)


def test_without_waiting_it_is_done_when_celery_has_it(
    stage: Rehearsal, app: Celery, tmp_path: Path
) -> None:
    start(stage, app, wait=False)
    runs = tmp_path / "runs"
    receipt = stage.send("pipeline", "count", path=str(runs))
    task = f"pipeline.rehearsal.{receipt.command.id}"
    assert receipt.result(5) == {"task": task}
    assert app.AsyncResult(task).get(timeout=5) == 1


def done(stage: Rehearsal, number: int) -> None:
    """Wait until so many commands are done."""
    stage.wait_until(lambda: states(stage).count(Outcome.DONE) == number)


def command(command_id: str, **args: Any) -> bytes:
    text = {"message": "count", "args": args, "id": command_id, "from": "rehearsal"}
    return json.dumps(text).encode()


def test_a_command_repeated_to_a_restarted_agent_starts_no_second_task(
    stage: Rehearsal, app: Celery, tmp_path: Path
) -> None:
    """Nothing but the task's id, and what Celery remembers of it, links the two lives."""
    runs = tmp_path / "runs"
    inbox = Topics(stage.settings.root).inbox("pipeline")
    voice = stage.bus.transport("voice")
    voice.open()
    for life in (1, 2):
        agent = start(stage, app)
        voice.publish(Parcel(inbox, command("one/../and-only", path=str(runs))))
        done(stage, life)
        agent.stop()
        assert agent.join(10)
    voice.close(1)
    assert [r.result for r in stage.reports if r.state is Outcome.DONE] == [1, 1]
    assert runs.read_text("utf-8") == "x"


def test_a_task_that_no_worker_takes_in_time_is_given_up(
    stage: Rehearsal, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.contrib.celery.performance.LATE", 0.2)
    start(stage, app, queue="nobody-listens")
    with pytest.raises(Failed, match=r"no worker could start the task before its deadline.*time"):
        stage.sender.ask("pipeline", "count", ttl=0.5, args={"path": "x"}, timeout=8)


def test_a_command_that_comes_too_late_makes_no_task(
    stage: Rehearsal, app: Celery, tmp_path: Path
) -> None:
    start(stage, app)
    stage.send("pipeline", "hang", mark=str(tmp_path / "mark"))
    begun(stage)
    receipt = stage.sender.send_to("pipeline", "count", ttl=0.3, args={"path": str(tmp_path / "x")})
    until(lambda: time.time() > (receipt.command.deadline or 0.0))
    stage.ask("pipeline", "abort")
    with pytest.raises((Expired, WasCancelled)):
        receipt.result(5)
    assert not (tmp_path / "x").exists()


def test_a_marked_method_gets_the_result(stage: Rehearsal, app: Celery) -> None:
    reduce_image = app.tasks["develop.image"]

    class Marked(Agent):
        @on("reduce", task=reduce_image)
        def reduced(self, result: dict[str, Any]) -> dict[str, Any]:
            """Reduce an image on one of the workers."""
            self.telemetry("reduced", result["path"])
            return {"image": result["path"]}

        @on("reduce quietly", task=task_action(reduce_image, terminate=False))
        def quietly(self) -> None:
            """Reduce an image, and leave the result as it is."""

    agent = stage.start(Marked("pipeline", bus=stage.bus))
    assert stage.ask("pipeline", "reduce", path="b.fits") == {"image": "b.fits"}
    assert stage.latest("pipeline", "reduced") == "b.fits"
    assert stage.ask("pipeline", "reduce quietly", path="c.fits", bias=False)["bias"] is False
    infos = agent.actions_by_message.infos()
    assert infos["reduce"].description == "Reduce an image on one of the workers."
    assert "path" in infos["reduce"].args["properties"]


def test_an_eager_app_runs_the_task_in_the_agent(stage: Rehearsal, tmp_path: Path) -> None:
    start(stage, make_app("memory://", None, tmp_path, task_always_eager=True))
    assert stage.ask("pipeline", "count", path=str(tmp_path / "runs")) == 1
    with pytest.raises(Failed, match="no flat"):
        stage.ask("pipeline", "fail", reason="no flat")


def test_what_is_no_task_is_said_at_once(stage: Rehearsal, app: Celery) -> None:
    with pytest.raises(AgentError, match="an app and a name"):
        task_action(app)

    class Wrong(Agent):
        @on("reduce", task=print)
        def reduced(self) -> None:
            """Never."""

    with pytest.raises(AgentError, match=r"import pyros_mqtt\.contrib\.celery"):
        Wrong(bus=stage.bus)
