"""Celery's broker or result backend is away: told in time, nothing hangs, nothing is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from celery import Celery

from pyros_mqtt import Agent, Failed, State, WasCancelled, on
from pyros_mqtt.broker.ports import LOOPBACK, any_free_port
from pyros_mqtt.contrib.celery import errand, task_action
from pyros_mqtt.contrib.celery.news import News
from pyros_mqtt.messages import Outcome
from pyros_mqtt.testing import Rehearsal
from tests.contrib.tasks.celery_app import make_app
from tests.contrib.tasks.conftest import Redis, Worker, jobs
from tests.contrib.tasks.gate import Gate
from tests.need import need


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


class Counter(Agent):
    """Has things counted."""

    def __init__(self, app: Celery, how: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__("counter", **options)
        for name in ("count", "hang"):
            self.actions_by_message[name] = task_action(app, name, **(how or {}))

    @on("ping")
    def ping(self) -> str:
        """Answer."""
        return "pong"


def at(port: int, tmp_path: Path, *, backend: bool = True) -> Celery:
    url = f"redis://{LOOPBACK}:{port}"
    return make_app(f"{url}/0", f"{url}/1" if backend else None, tmp_path)


@pytest.mark.parametrize("results", ["redis", "events"])
def test_an_absent_broker_is_told_and_the_command_fails_in_time(
    stage: Rehearsal, tmp_path: Path, results: str
) -> None:
    app = at(any_free_port(), tmp_path, backend=results == "redis")
    stage.start(Counter(app, {"patience": 1.0}, bus=stage.bus))
    receipt = stage.send("counter", "count", path=str(tmp_path / "runs"))
    stage.wait_until(lambda: "is away" in stage.status("counter").detail, 5)
    with pytest.raises(Failed, match=r"was not handed over.*is away"):
        receipt.result(10)
    stage.wait_until(lambda: stage.status("counter").state is State.DEGRADED)
    assert stage.ask("counter", "ping") == "pong"


def test_a_mute_broker_hangs_nothing(
    stage: Rehearsal, tmp_path: Path, mute_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.contrib.celery.sources.REACH", 0.5)
    app = at(mute_port, tmp_path)
    app.conf.redis_socket_timeout = 0.5
    stage.start(Counter(app, {"patience": 0.5}, bus=stage.bus))
    with pytest.raises(Failed, match="was not handed over"):
        stage.ask("counter", "count", timeout=10, path="x")
    receipt = stage.send("counter", "count", path="x")
    stage.ask("counter", "abort")
    with pytest.raises((WasCancelled, Failed)):
        receipt.result(10)
    assert stage.ask("counter", "ping") == "pong"


def test_a_broker_that_comes_in_time_gets_the_task_and_ends_the_complaint(
    stage: Rehearsal, tmp_path: Path
) -> None:
    need("redis-server")
    port = any_free_port()
    stage.start(Counter(at(port, tmp_path), {"patience": 20.0}, bus=stage.bus))
    receipt = stage.send("counter", "count", path=str(tmp_path / "runs"))
    stage.wait_until(lambda: "is away" in stage.status("counter").detail)
    redis = Redis(port)
    worker = Worker("--pool", "solo", **jobs(redis.url(0), redis.url(1), tmp_path))
    try:
        assert receipt.result(20) == 1
        stage.wait_until(lambda: stage.status("counter").state is State.READY)
    finally:
        worker.stop()
        redis.stop()


def test_a_task_that_runs_survives_neither_hang_nor_lie_when_redis_forgets_everything(
    stage: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("redis-server")
    monkeypatch.setattr(errand, "FORGOTTEN", 0.5)
    redis = Redis(any_free_port())
    try:
        stage.start(Counter(at(redis.port, tmp_path), bus=stage.bus))
        receipt = stage.send("counter", "count", path=str(tmp_path / "runs"))
        stage.wait_until(redis.holds_a_task)
        redis.stop()
        stage.wait_until(lambda: "is away" in stage.status("counter").detail)
        redis = Redis(redis.port)
        with pytest.raises(Failed, match="has forgotten the task; what became of it is not known"):
            receipt.result(20)
    finally:
        redis.stop()


def test_redis_is_away_for_a_while_and_the_result_comes_all_the_same(
    stage: Rehearsal, tmp_path: Path
) -> None:
    """The broker lives on, the results' Redis does not answer meanwhile."""
    need("redis-server")
    broker, results = Redis(any_free_port()), Gate()
    worker = None
    try:
        app = make_app(
            broker.url(0), f"redis://{LOOPBACK}:{results.listen(broker.port)}/1", tmp_path
        )
        worker = Worker("--pool", "solo", **jobs(broker.url(0), broker.url(1), tmp_path)).ready()
        stage.start(Counter(app, bus=stage.bus))
        args = {"path": str(tmp_path / "runs"), "countdown": 1.2}
        receipt = stage.sender.send_to("counter", "count", args=args)
        stage.wait_until(lambda: stage.status("counter").task is not None)
        assert results.used.wait(10)
        assert worker.prints("received")
        results.close()
        stage.wait_until(lambda: "is away" in stage.status("counter").detail)
        results.listen(broker.port)
        assert receipt.result(15) == 1
        stage.wait_until(lambda: Outcome.DONE in [one.state for one in stage.reports])
        stage.wait_until(lambda: stage.status("counter").state is State.READY)
    finally:
        results.close()
        if worker is not None:
            worker.stop()
        broker.stop()


class Notes:
    """A result backend that is there, for one task."""

    def __init__(self) -> None:
        self.is_noted = False
        self.mishaps: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def recalls(self) -> bool:
        return self.is_noted

    def announce(self) -> None:
        self.is_noted = True
        if self.mishaps:
            raise self.mishaps.pop()

    def listen(self, until: threading.Event) -> Iterator[News]:
        until.set()
        return iter(())


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    """A result backend; the broker is in memory, and the first attempt to reach it fails."""
    notes, refusals = Notes(), [OSError("refused")]

    @contextmanager
    def reached(_app: Any) -> Iterator[None]:
        if refusals:
            raise refusals.pop()
        yield None

    monkeypatch.setattr(errand, "AGAIN", 0.0)
    monkeypatch.setattr(errand, "reached", reached)
    monkeypatch.setattr(errand.Errand, "_source", lambda _: notes)
    return notes


def handing_over(send: Callable[..., Any]) -> errand.Errand:
    app = Celery("jobs", broker="memory://")
    order = errand.Order(
        app, send, "1", {}, None, None, None, None, {}, terminate=False, signal="TERM"
    )
    return errand.Errand(order, follow=False)


def test_a_task_that_no_broker_has_taken_is_not_taken_for_one_on_its_way(notes: Notes) -> None:
    sent: list[dict[str, Any]] = []
    handing_over(lambda **how: sent.append(how)).run()
    assert [how["task_id"] for how in sent] == ["1"]
    assert notes.is_noted, "a later life must know of it"


def test_an_errands_own_note_is_no_proof_that_the_task_was_handed_over(notes: Notes) -> None:
    sent: list[dict[str, Any]] = []
    notes.mishaps = [OSError("written, and the answer was lost")]
    handing_over(lambda **how: sent.append(how)).run()
    assert len(sent) == 1


def test_the_note_of_an_earlier_life_is_a_proof(notes: Notes) -> None:
    sent: list[dict[str, Any]] = []
    notes.is_noted = True
    one = handing_over(lambda **how: sent.append(how))
    one.run()
    assert (sent, one.is_handed_over) == ([], True)


class Wordless(Exception):
    """An error of somebody's that cannot say what is wrong."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_that_fails_to_speak_does_not_end_the_errand() -> None:
    def refuse(**_: Any) -> None:
        raise Wordless

    one = handing_over(refuse)
    one._complain(Wordless())
    assert one.trouble == "Celery's broker is away: Wordless"
    one._publish(None)
    assert [news.text for news in one.wait(0)] == ["Celery did not take the task: Wordless"]
