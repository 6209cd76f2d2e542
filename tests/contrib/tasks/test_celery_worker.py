"""A worker shows itself as an agent, and its tasks send to agents; real processes and brokers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from pyros_mqtt import Agent, Settings, State, on
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.testing import Rehearsal
from tests.contrib.tasks.celery_app import make_app
from tests.contrib.tasks.conftest import Redis, Worker, jobs, pyros, until


@pytest.fixture
def stage(mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[Rehearsal]:
    settings = Settings(brokers=(mosquitto_url,), root=topic_root)
    with Rehearsal(Brokers(settings), settings) as stage:
        yield stage


@pytest.fixture(params=["prefork", "solo"])
def pool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(redis_server: Redis, tmp_path: Path, pool: str) -> Celery:
    number = {"prefork": 6, "solo": 8}[pool]
    return make_app(redis_server.url(number), redis_server.url(number + 1), tmp_path)


@pytest.fixture
def worker(
    stage: Rehearsal, app: Celery, pool: str, mosquitto_url: BrokerUrl, topic_root: str
) -> Iterator[Worker]:
    place = jobs(app.conf.broker_url, app.conf.result_backend, Path(), JOBS_NAME="worker-1")
    settings = pyros(mosquitto_url, topic_root)
    worker = Worker("--pool", pool, "-c", "2", "-n", "w1@here", **place, **settings).ready()
    try:
        stage.wait_until(lambda: _state(stage) is State.READY)
        yield worker
    finally:
        worker.stop()


def _state(stage: Rehearsal) -> State | None:
    member = stage.fleet.get("worker-1")
    return member.status.state if member and member.status else None


def test_a_worker_shows_its_tasks_and_their_progress(
    stage: Rehearsal, worker: Worker, app: Celery
) -> None:
    assert stage.status("worker-1").pid == worker.process.pid
    app.tasks["develop.image"].delay("a.fits")
    stage.wait_until(lambda: _state(stage) is State.BUSY)

    def shows_progress() -> bool:
        task = stage.status("worker-1").task
        done = task.progress if task and task.message == "develop.image" else None
        return done is not None and done.fraction is not None and done.text.startswith("step")

    stage.wait_until(shows_progress)
    stage.wait_until(lambda: _state(stage) is State.READY)
    stage.wait_until(lambda: (stage.latest("worker-1", "tasks") or {}).get("total") == 1)


@pytest.mark.parametrize("pool", ["solo"])
def test_a_worker_takes_tasks_back_and_ends_with_its_agent(
    stage: Rehearsal, worker: Worker, app: Celery, tmp_path: Path
) -> None:
    late = app.tasks["count"].apply_async((str(tmp_path / "runs"),), countdown=3600)
    stage.wait_until(lambda: (stage.latest("worker-1", "tasks") or {}).get("waiting") == 1)
    told = stage.ask("worker-1", "revoke", id=late.id)
    assert "flagged as revoked" in str(told)
    until(lambda: late.state == "REVOKED")
    stage.ask("worker-1", "shutdown")
    assert worker.ends() == 0, worker.printed
    stage.wait_until(lambda: _state(stage) is State.STOPPED)


def test_a_worker_that_gets_a_signal_finishes_its_task_as_stopping(
    stage: Rehearsal, worker: Worker, app: Celery
) -> None:
    running = app.tasks["nap"].delay(1.0)
    stage.wait_until(lambda: _state(stage) is State.BUSY)
    worker.process.terminate()
    stage.wait_until(lambda: _state(stage) is State.STOPPING)
    assert worker.ends() == 0, worker.printed
    stage.wait_until(lambda: _state(stage) is State.STOPPED)
    assert running.state == "SUCCESS"


class Listener(Agent):
    """Hears what tasks say."""

    @on("hear")
    def hear(self, text: str) -> str:
        """Hear."""
        sender = self.command.sender if self.command else ""
        return f"{text} from {sender}"


@pytest.mark.parametrize("pool", ["prefork"])
def test_tasks_send_to_agents_each_process_by_a_connection_of_its_own(
    stage: Rehearsal, worker: Worker, app: Celery
) -> None:
    stage.start(Listener(bus=stage.bus, settings=stage.settings))
    sent = [app.tasks["tell"].delay("listener", f"{number}") for number in range(6)]
    told = [one.get(timeout=20) for one in sent]
    assert [one["heard"].split()[0] for one in told] == [str(number) for number in range(6)]
    senders = {one["pid"]: one["heard"].split()[-1] for one in told}
    assert len(set(senders.values())) == len(senders)
    assert all(f"-{pid}-" in sender for pid, sender in senders.items())
    worker.stop()
    assert "Traceback" not in worker.printed
