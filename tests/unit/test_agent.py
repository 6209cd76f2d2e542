"""The agent that users inherit: hooks, actions, chores and its end, over a bus in the process."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from pyros_mqtt import (
    ActionFailed,
    Agent,
    AgentError,
    AskedOneself,
    BadName,
    Cancelled,
    Channel,
    Command,
    Expired,
    Failed,
    NobodyListens,
    Outcome,
    Rejected,
    Report,
    State,
    WasCancelled,
    every,
    on,
)
from pyros_mqtt.errors import JournalError
from pyros_mqtt.journal import Key, MemoryJournal
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.transport import Parcel

LIFE, QUICK_BEAT = "pyros_mqtt.agent.life", 0.2


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal(settings=Settings(beat=QUICK_BEAT, brokers=())) as stage:
        yield stage


class Worker(Agent):
    """Does a bit of everything."""

    channels = (Channel("count", unit="m"),)

    def __init__(self, stage: Rehearsal, name: str = "worker", **more: Any) -> None:
        super().__init__(name, bus=stage.bus, settings=stage.settings, **more)
        self.events: list[str] = []
        self.go = threading.Event()
        self.began = threading.Event()
        self.threads: dict[str, str] = {}

    def work(self) -> None:
        self.events.append("work")
        self.threads["work"] = threading.current_thread().name

    def shutdown(self) -> None:
        self.events.append("shutdown")
        self.threads["shutdown"] = threading.current_thread().name

    @on("echo")
    def echo(self, **args: Any) -> dict[str, Any]:
        self.threads["echo"] = threading.current_thread().name
        return args

    @on("wait")
    def wait(self, seconds: float = 30) -> str:
        self.began.set()
        self.sleep(seconds)
        return "slept"

    @on("block")
    def block(self) -> str:
        self.began.set()
        assert self.go.wait(20)
        return "went on"

    @on("stop")
    def stop_motion(self) -> bool:
        self.threads["stop"] = threading.current_thread().name
        return self.cancel_running("stopped by hand")

    @on("fail")
    def fail(self, kind: str = "own") -> None:
        if kind == "own":
            raise ActionFailed("the filter is stuck", code="stuck")
        if kind == "exit":
            sys.exit("out of here")
        raise RuntimeError("a bug")


def start(stage: Rehearsal, **more: Any) -> Worker:
    return stage.start(Worker(stage, **more))


class FullDisk(MemoryJournal):
    """A journal whose disk is full for a while."""

    is_full = False
    whose = "agent worker"
    """The thread that notices; empty: each."""

    def commit(self) -> Collection[Key]:
        if self.is_full and self.whose in threading.current_thread().name:
            raise JournalError("the journal cannot be written: disk full")
        return super().commit()


# -- construction ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["+", "#", "", "A", "a/b"])
def test_a_bad_name_is_refused_at_construction(stage: Rehearsal, name: str) -> None:
    with pytest.raises(BadName):
        Agent(name, bus=stage.bus, settings=stage.settings)


def test_the_name_is_by_default_the_class_in_lower_case(stage: Rehearsal) -> None:
    class AlertManager(Agent): ...

    class CCDCamera2(Agent): ...

    assert AlertManager(bus=stage.bus, settings=stage.settings).name == "alert_manager"
    assert CCDCamera2(bus=stage.bus, settings=stage.settings).name == "ccdcamera2"


def test_a_subclass_that_forgot_to_call_our_constructor_is_told() -> None:
    class Forgetful(Agent):
        def __init__(self) -> None:
            self.actions_by_message["open"] = self.work

    with pytest.raises(AgentError, match=r"Forgetful.__init__ has to call super\(\).__init__"):
        Forgetful()

    class Silent(Agent):
        def __init__(self) -> None: ...

    with pytest.raises(AgentError, match=r"Silent.__init__ has to call super\(\).__init__"):
        Silent().start()


@pytest.mark.parametrize("hook", ["work", "shutdown", "receive", "analyze_message"])
def test_a_hook_is_an_ordinary_function(stage: Rehearsal, hook: str) -> None:
    async def later(_: Agent) -> None: ...

    kind = type("Late", (Worker,), {hook: later})
    with pytest.raises(AgentError, match=rf"Late.{hook} is an async function"):
        kind(stage)


def test_what_the_author_got_wrong_is_told_when_the_agent_is_made(stage: Rehearsal) -> None:
    class Twice(Worker):
        @on("go")
        def first(self) -> None: ...

        @on("go")
        def second(self) -> None: ...

    class ByPlace(Worker):
        @on("go")
        def advance(self, by: int, /) -> None: ...

    class Named(Worker):
        channels = ("temperature",)  # type: ignore[assignment]

    for kind, words in (
        (Twice, "both have"),
        (ByPlace, "positional-only"),
        (Named, "channels holds Channel"),
    ):
        with pytest.raises(AgentError, match=words):
            kind(stage)


def test_a_mistake_in_work_is_a_sentence_and_no_traceback(
    stage: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    class Classic(Worker):
        def work(self) -> None:
            self.actions_by_message["go"] = 5  # type: ignore[assignment]

    agent = Classic(stage)
    with caplog.at_level(logging.INFO):
        agent.start()
        with pytest.raises(AgentError, match="'go' cannot be called: 5"):
            agent.join(10)
    assert "agent worker has failed: the action of 'go' cannot be called: 5" in caplog.text
    assert "Traceback" not in caplog.text


def test_an_attribute_that_is_nowhere_is_an_attribute_error(stage: Rehearsal) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = Worker(stage).nonsense  # type: ignore[attr-defined]


def test_the_names_of_pyros_stand_on_the_class() -> None:
    assert (Agent.SCHEDULER, Agent.ALERT_MANAGER) == ("scheduler", "alert_manager")
    assert (Agent.MONITORING, Agent.MAJORDOME) == ("monitoring", "majordome")
    assert (Agent.OBSERVATION_MANAGER, Agent.SHUTDOWN) == ("observation_manager", "shutdown")


def test_an_agent_that_has_not_started_says_so(stage: Rehearsal) -> None:
    agent = Worker(stage)
    for call in (agent.stop, agent.join, agent.checkpoint):
        with pytest.raises(AgentError, match="has not been started"):
            call()
    assert not agent.is_alive


def test_starting_twice_is_refused_also_after_its_end(stage: Rehearsal) -> None:
    agent = start(stage)
    with pytest.raises(AgentError, match="started already"):
        agent.start()
    agent.stop()
    assert agent.join(5)
    with pytest.raises(AgentError, match="started already"):
        agent.start()


# -- hooks ----------------------------------------------------------------------------------------


def test_start_returns_at_once_and_the_hooks_run_in_the_agents_thread(stage: Rehearsal) -> None:
    agent = start(stage)
    stage.ask("worker", "echo")
    agent.stop()
    assert agent.join(5)
    assert agent.events == ["work", "shutdown"]
    assert set(agent.threads.values()) == {"agent worker"}
    assert not agent.is_alive
    assert stage.fleet.wait_until(lambda: stage.status("worker").state is State.STOPPED, 5)


def test_both_styles_answer(stage: Rehearsal) -> None:
    class Classic(Agent):
        MSG = "Observation finished"

        def __init__(self) -> None:
            super().__init__("classic", bus=stage.bus, settings=stage.settings)
            self.actions_by_message[self.MSG] = self.observation_finished

        def observation_finished(self) -> str:
            return "thanks"

    stage.start(Classic())
    assert stage.ask("classic", Classic.MSG) == "thanks"


def test_an_action_gets_the_command_and_knows_it_while_it_runs(stage: Rehearsal) -> None:
    class Curious(Worker):
        @on("who")
        def who(self, message: Command) -> list[Any]:
            assert self.command is not None
            return [message.sender, message.args, self.command.id == message.id]

    agent = stage.start(Curious(stage))
    assert stage.ask("worker", "who", extra=1) == ["rehearsal", {"extra": 1}, True]
    assert agent.command is None


def test_a_work_that_raises_ends_the_agent_and_joining_tells(stage: Rehearsal) -> None:
    class Broken(Worker):
        def work(self) -> None:
            raise RuntimeError("no device")

    agent = stage.start(Broken(stage), until=None)
    with pytest.raises(RuntimeError, match="no device"):
        agent.join(5)
    assert stage.fleet.wait_until(lambda: stage.fleet.get("worker"), 5)
    stage.wait_until(lambda: stage.status("worker").state is State.STOPPED)
    assert "no device" in stage.status("worker").detail
    assert agent.events == ["shutdown"]


def test_a_work_that_does_not_return_is_called_out_in_log_and_status(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pyros_mqtt.agent.watchdog.SLOW_WORK", 0.1)

    class Slow(Worker):
        def work(self) -> None:
            assert self.go.wait(10)

    agent = stage.start(Slow(stage), until=State.STARTING)
    stage.wait_until(lambda: "work() has not returned" in stage.status("worker").detail)
    assert "work() has not returned" in caplog.text
    with pytest.raises(Rejected, match="not-ready"):
        stage.send("worker", "echo")
    assert stage.ask("worker", "stop") is False, "urgent messages are taken in every state"
    agent.go.set()
    stage.wait_until(lambda: stage.status("worker").state is State.READY)
    assert stage.status("worker").detail == ""


def test_receive_can_be_wrapped(stage: Rehearsal) -> None:
    class Wrapped(Worker):
        def receive(self) -> None:
            self.events.append("before")
            super().receive()
            self.events.append("after")

    agent = stage.start(Wrapped(stage))
    stage.ask("worker", "echo")
    agent.stop()
    assert agent.join(5)
    assert agent.events == ["work", "before", "after", "shutdown"]


def test_analyze_message_can_be_overridden_and_is_given_every_message(stage: Rehearsal) -> None:
    class Reader(Worker):
        def analyze_message(self, message: str) -> Any:
            if message.startswith("goto "):
                return message.removeprefix("goto ")
            return super().analyze_message(message)

    stage.start(Reader(stage))
    assert stage.ask("worker", "goto M31") == "M31"
    assert stage.ask("worker", "echo", a=1) == {"a": 1}
    with pytest.raises(Failed, match="there is no message 'fly'"):
        stage.ask("worker", "fly")


def test_analyze_message_may_send_one_message_on_to_another(stage: Rehearsal) -> None:
    class Reader(Worker):
        def analyze_message(self, message: str) -> Any:
            return super().analyze_message("echo" if message == "say" else message)

    stage.start(Reader(stage))
    assert stage.ask("worker", "say") == {}


# -- how commands end -----------------------------------------------------------------------------


def test_the_result_of_an_action_is_its_answer(stage: Rehearsal) -> None:
    start(stage)
    assert stage.ask("worker", "echo", ra=83.6, name="M 1") == {"ra": 83.6, "name": "M 1"}


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("own", "the filter is stuck", "stuck"),
        ("bug", "a bug", "action-failed"),
        ("exit", "out of here", "action-failed"),
    ],
)
def test_an_exception_fails_its_command_and_ends_nothing_else(
    stage: Rehearsal, kind: str, text: str, code: str
) -> None:
    start(stage)
    with pytest.raises(Failed, match=text) as caught:
        stage.ask("worker", "fail", kind=kind)
    assert caught.value.report.error is not None
    assert caught.value.report.error.code == code
    assert stage.ask("worker", "echo") == {}


def test_an_urgent_action_that_leaves_does_not_end_the_urgent_thread(stage: Rehearsal) -> None:
    class Leaver(Worker):
        @on("close")
        def close(self) -> None:
            sys.exit(1)

    agent = stage.start(Leaver(stage))
    with pytest.raises(Failed):
        stage.ask("worker", "close")
    assert stage.ask("worker", "stop") is False
    assert agent.threads["stop"] == "urgent worker"


@pytest.mark.parametrize(
    "result", [object(), 10**5000, {"a": {1: print}}], ids=["object", "digits", "function"]
)
def test_a_result_that_cannot_be_sent_is_told(stage: Rehearsal, result: Any) -> None:
    class Odd(Worker):
        @on("odd")
        def odd(self) -> Any:
            return result

    stage.start(Odd(stage))
    with pytest.raises(Failed, match="its result cannot be sent"):
        stage.ask("worker", "odd")
    assert stage.ask("worker", "echo") == {}


def test_an_unknown_message_and_bad_arguments_are_refused(stage: Rehearsal) -> None:
    start(stage)
    with pytest.raises(Rejected, match="did you mean 'echo'"):
        stage.send("worker", "ecko")
    with pytest.raises(Rejected, match="seconds: must be a number, not the text"):
        stage.send("worker", "wait", seconds="long")


def test_a_command_that_waited_past_its_deadline_is_not_started(stage: Rehearsal) -> None:
    agent = start(stage)
    stage.send("worker", "block")
    late = stage.sender.send_to("worker", "echo", ttl=0.1)
    stage.wait_until(lambda: time.time() > (late.command.deadline or 0))
    agent.go.set()
    stage.wait_until(lambda: late.is_ended)
    assert late.report is not None
    assert late.report.state is Outcome.EXPIRED


def test_commands_run_one_at_a_time_in_order(stage: Rehearsal) -> None:
    ran: list[int] = []

    class Ordered(Worker):
        @on("count")
        def count(self, number: int) -> None:
            ran.append(number)

    stage.start(Ordered(stage))
    receipts = [stage.sender.post("worker", "count", {"number": n}) for n in range(100)]
    stage.wait_until(lambda: all(receipt.is_ended for receipt in receipts))
    assert ran == list(range(100))


def test_a_quick_action_is_not_reported_as_running_and_a_longer_one_is(stage: Rehearsal) -> None:
    agent = start(stage)
    stage.ask("worker", "echo")
    receipt = stage.send("worker", "block")
    stage.wait_until(lambda: receipt.state == "running")
    stage.wait_until(lambda: stage.status("worker").state is State.BUSY)
    task = stage.status("worker").task
    assert task is not None
    assert (task.message, task.sender, task.id) == ("block", "rehearsal", receipt.command.id)
    agent.go.set()
    stage.wait_until(lambda: receipt.is_ended)
    stage.wait_until(lambda: stage.status("worker").state is State.READY)
    stage.wait_until(lambda: stage.reports[-1].state.is_terminal and len(stage.reports) > 3)
    states = [(r.message, r.state.value) for r in stage.reports]
    assert states == [
        ("echo", "accepted"), ("echo", "done"),
        ("block", "accepted"), ("block", "running"), ("block", "done"),
    ]  # fmt: skip


def test_progress_reaches_the_sender_and_the_status(stage: Rehearsal) -> None:
    class Stepper(Worker):
        @on("step")
        def step(self) -> str:
            self.progress(0.5, "half", patience=60)
            assert self.go.wait(10)
            self.progress(1, "all")
            return "there"

    agent = stage.start(Stepper(stage))
    receipt = stage.send("worker", "step")
    stage.wait_until(lambda: receipt.state == "running")
    assert receipt.report is not None
    assert receipt.report.progress is not None
    assert (receipt.report.progress.fraction, receipt.report.patience) == (0.5, 60)
    stage.wait_until(lambda: (task := stage.status("worker").task) and task.progress)
    agent.go.set()
    seen: list[Any] = []
    assert receipt.result(5, seen.append) == "there"
    assert [r.progress.text for r in seen] == ["half", "all"]


# -- cancelling -----------------------------------------------------------------------------------


def test_abort_cancels_what_runs_and_all_that_wait(stage: Rehearsal) -> None:
    start(stage)
    running = stage.send("worker", "wait")
    waiting = [stage.send("worker", "echo") for _ in range(5)]
    stage.ask("worker", "abort")
    for receipt in [running, *waiting]:
        with pytest.raises(WasCancelled, match="aborted"):
            receipt.result(5)
    assert stage.ask("worker", "echo") == {}, "it goes on afterwards"


def test_an_abort_is_answered_before_the_many_that_it_cancels(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = start(stage)
    told: list[str] = []
    stage.send("worker", "wait")
    waiting = [stage.send("worker", "echo") for _ in range(20)]
    journal = agent._alive._journal
    commit, send = journal.commit, agent._alive.outbox.send

    def noted_commit() -> None:
        told.append("commit")
        commit()

    monkeypatch.setattr(journal, "commit", noted_commit)

    def noted_send(command: Command, report: Report, **how: bool) -> None:
        if report.state.is_terminal and command.message != "wait":
            told.append(command.message)
        send(command, report, **how)

    monkeypatch.setattr(agent._alive.outbox, "send", noted_send)
    stage.ask("worker", "abort")
    for receipt in waiting:
        with pytest.raises(WasCancelled, match="aborted"):
            receipt.result(5)
    assert [one for one in told if one != "commit"] == ["abort", *["echo"] * 20]
    assert told.count("commit") < 10, "not one for each"


def test_an_agents_own_abort_runs_besides(stage: Rehearsal) -> None:
    class Own(Worker):
        @on("abort")
        def abort(self) -> str:
            self.threads["abort"] = threading.current_thread().name
            return "motors off"

    agent = stage.start(Own(stage))
    running = stage.send("worker", "wait")
    assert stage.ask("worker", "abort") == "motors off"
    with pytest.raises(WasCancelled):
        running.result(5)
    assert agent.threads["abort"] == "urgent worker"


def test_an_abort_finds_a_command_on_its_way_from_the_queue_to_its_start(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Worker(stage)
    held, go = threading.Event(), threading.Event()
    stage.start(agent)
    perform = agent._alive.stage.perform

    def slowly(ticket: Any, call: Any) -> None:
        if ticket.command.message == "wait":
            held.set()
            assert go.wait(10)
        perform(ticket, call)

    monkeypatch.setattr(agent._alive.stage, "perform", slowly)
    receipt = stage.send("worker", "wait")
    assert held.wait(5)
    stage.ask("worker", "abort")
    go.set()
    with pytest.raises(WasCancelled):
        receipt.result(5)
    assert not agent.began.is_set()


def test_an_urgent_action_runs_beside_and_may_cancel(stage: Rehearsal) -> None:
    agent = start(stage)
    running = stage.send("worker", "wait")
    assert agent.began.wait(5)
    assert stage.ask("worker", "stop") is True
    with pytest.raises(WasCancelled, match="stopped by hand"):
        running.result(5)
    assert agent.threads["stop"] == "urgent worker"


def test_an_except_exception_does_not_swallow_an_abort(stage: Rehearsal) -> None:
    class Stubborn(Worker):
        @on("retry")
        def retry(self) -> str:
            for _ in range(3):
                try:
                    self.began.set()
                    self.sleep(30)
                except Exception:  # noqa: BLE001, S110 - as careless drivers do
                    pass
            return "never"

    agent = stage.start(Stubborn(stage))
    receipt = stage.send("worker", "retry")
    assert agent.began.wait(5)
    stage.ask("worker", "abort")
    with pytest.raises(WasCancelled):
        receipt.result(5)


def test_an_action_may_clean_up_when_it_is_cancelled(stage: Rehearsal) -> None:
    class Tidy(Worker):
        @on("run")
        def run_motor(self) -> None:
            try:
                self.began.set()
                self.sleep(30)
            except Cancelled:
                assert self.cancelled.is_set()
                self.events.append("motor off")
                raise

    agent = stage.start(Tidy(stage))
    receipt = stage.send("worker", "run")
    assert agent.began.wait(5)
    stage.ask("worker", "abort")
    with pytest.raises(WasCancelled):
        receipt.result(5)
    assert agent.events[-1] == "motor off"


# -- chores ---------------------------------------------------------------------------------------


class Measuring(Worker):
    trouble: Exception | None = None
    count = 0

    @every(seconds=0.02)
    def measure(self) -> None:
        self.threads["measure"] = threading.current_thread().name
        if self.trouble is not None:
            raise self.trouble
        self.count += 1
        self.telemetry("count", self.count)


def test_chores_run_in_the_agents_thread_also_while_an_action_sleeps(stage: Rehearsal) -> None:
    agent = stage.start(Measuring(stage))
    receipt = stage.send("worker", "wait")
    assert agent.began.wait(5)
    before = agent.count
    stage.wait_until(lambda: agent.count > before + 3)
    assert not receipt.is_ended
    assert agent.threads["measure"] == "agent worker"
    stage.wait_until(lambda: (stage.latest("worker", "count") or 0) > before)


def test_a_checkpoint_runs_due_chores(stage: Rehearsal) -> None:
    class Checking(Measuring):
        @on("check")
        def check(self) -> int:
            before = self.count
            while self.count < before + 2:
                self.checkpoint()
            return self.count - before

    stage.start(Checking(stage))
    assert stage.ask("worker", "check") >= 2


class DeviceError(Exception):
    """Its text is a number, which Python does not take for one."""

    def __str__(self) -> str:
        code: Any = 7
        return code  # type: ignore[no-any-return]


class Fragile(Worker):
    """A device whose errors cannot be written."""

    @on("read")
    def read(self) -> None:
        raise DeviceError

    @on("brake", urgent=True)
    def brake(self) -> None:
        raise DeviceError


class FragileLooks(Worker):
    """One that looks at such a device."""

    @every(0.1)
    def look(self) -> None:
        raise DeviceError


@pytest.mark.parametrize("message", ["read", "brake"])
def test_an_error_that_cannot_say_what_it_is_ends_its_command_alone(
    stage: Rehearsal, message: str
) -> None:
    stage.start(Fragile(stage))
    with pytest.raises(Failed, match="DeviceError"):
        stage.ask("worker", message)
    assert stage.ask("worker", "abort") is None
    assert stage.ask("worker", "echo") == {}


def test_an_error_that_cannot_say_what_it_is_ends_no_chore(stage: Rehearsal) -> None:
    stage.start(FragileLooks(stage), until=State.DEGRADED)
    stage.wait_until(lambda: "look failed: DeviceError" in stage.status("worker").detail)
    assert stage.ask("worker", "echo") == {}


def test_the_urgent_lane_outlives_what_nobody_has_foreseen(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = start(stage)
    with monkeypatch.context() as patch:

        def fail(*_: Any) -> None:
            raise OSError("no more threads")

        patch.setattr(agent._alive.stage, "perform", fail)
        stage.send("worker", "stop")
        stage.wait_until(lambda: "no more threads" in stage.status("worker").detail)
        assert stage.status("worker").state is State.DEGRADED
    running = stage.send("worker", "wait")
    assert agent.began.wait(5)
    assert stage.ask("worker", "abort") is None
    with pytest.raises(WasCancelled):
        running.result(5)
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


def test_a_chore_that_raises_is_shown_as_degraded_and_kept(
    stage: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    agent = stage.start(Measuring(stage))
    agent.trouble = RuntimeError("no sensor")
    stage.wait_until(lambda: stage.status("worker").state is State.DEGRADED)
    assert "measure failed: no sensor" in stage.status("worker").detail
    assert "no sensor" in caplog.text
    assert stage.ask("worker", "echo") == {}
    before = agent.count
    agent.trouble = None
    stage.wait_until(lambda: agent.count > before)
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


def test_a_chore_may_wait_and_an_abort_of_the_action_does_not_end_it(stage: Rehearsal) -> None:
    class Patient(Worker):
        done = 0

        @every(seconds=0.02)
        def look(self) -> None:
            self.sleep(0.05)
            self.done += 1

    agent = stage.start(Patient(stage))
    receipt = stage.send("worker", "wait")
    assert agent.began.wait(5)
    stage.ask("worker", "abort")
    with pytest.raises(WasCancelled):
        receipt.result(5)
    before = agent.done
    stage.wait_until(lambda: agent.done > before + 1)
    assert stage.status("worker").state is State.READY


# -- condition ------------------------------------------------------------------------------------


def test_the_state_can_be_set_by_hand_and_recovers(stage: Rehearsal) -> None:
    agent = start(stage)
    agent.degrade("no filter wheel")
    stage.wait_until(lambda: stage.status("worker").state is State.DEGRADED)
    agent.fault("shutter stuck")
    stage.wait_until(lambda: stage.status("worker").state is State.FAULT)
    assert "shutter stuck" in stage.status("worker").detail
    agent.recover()
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


def test_a_hung_action_is_a_fault_past_its_patience_and_recovers(stage: Rehearsal) -> None:
    class Hanging(Worker):
        @on("hang", patience=0.2)
        def hang(self) -> None:
            assert self.go.wait(10)

    agent = stage.start(Hanging(stage))
    receipt = stage.send("worker", "hang")
    stage.wait_until(lambda: stage.status("worker").state is State.FAULT)
    assert stage.status("worker").detail.startswith("hang has shown no sign of life")
    assert stage.status("worker").idle > 0.2
    agent.go.set()
    receipt.result(5)
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


def test_a_hung_chore_is_seen_too(stage: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyros_mqtt.condition.LOOP_PATIENCE", 1.2)

    class Hanging(Worker):
        @every(seconds=0.05)
        def look(self) -> None:
            assert self.go.wait(10)

    agent = stage.start(Hanging(stage))
    stage.wait_until(lambda: stage.status("worker").state is State.FAULT)
    assert "a chore has shown no sign of life" in stage.status("worker").detail
    agent.go.set()
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


def test_sleeping_shows_life(stage: Rehearsal) -> None:
    class Sleepy(Worker):
        @on("doze", patience=0.3)
        def doze(self) -> None:
            self.began.set()
            for _ in range(8):
                self.sleep(0.1)

    states: set[State] = set()
    agent = stage.start(Sleepy(stage))
    stage.fleet.on_change(lambda _: states.add(stage.status("worker").state))
    stage.ask("worker", "doze")
    assert agent.began.is_set()
    assert State.BUSY in states
    assert State.FAULT not in states


def test_the_status_beats_and_counts(stage: Rehearsal) -> None:
    start(stage)
    first = stage.status("worker")
    stage.wait_until(lambda: stage.status("worker").seq >= first.seq + 3)
    later = stage.status("worker")
    assert later.session == first.session
    assert later.boot == first.boot
    assert later.since == first.since
    assert later.idle < 1.1


# -- talking --------------------------------------------------------------------------------------


class Asking(Worker):
    @on("ask")
    def ask_other(self, agent: str, message: str = "echo") -> Any:
        return self.ask(agent, message, timeout=5)

    @on("send")
    def send_other(self, agent: str) -> Any:
        receipt = self.send_to(agent, "wait", seconds=0.01)
        return [receipt.is_ended, self.wait_for(receipt, timeout=5)]

    @on("follow")
    def follow_other(self) -> int:
        follow = self.follow("worker", "count")
        while follow.value is None:
            self.sleep(0.01)
        assert follow.is_fresh(5)
        return int(follow.value)


def test_an_action_may_ask_another_agent(stage: Rehearsal) -> None:
    start(stage)
    stage.start(Asking(stage, name="asking"))
    assert stage.ask("asking", "ask", agent="worker") == {}
    assert stage.ask("asking", "send", agent="worker")[1] == "slept"


def test_what_goes_wrong_there_is_told_here(stage: Rehearsal) -> None:
    start(stage)
    stage.start(Asking(stage, name="asking"))
    with pytest.raises(Failed, match="'fail' to worker: failed: the filter is stuck"):
        stage.ask("asking", "ask", agent="worker", message="fail")


def test_a_posted_command_is_waited_for_by_nobody(stage: Rehearsal) -> None:
    agent = stage.start(Asking(stage, name="asking"))
    receipt = agent.post("nobody", "anything", {"why": "not"}, ttl=3600)
    assert not receipt.is_answered
    assert receipt.command.sender == "asking"
    with pytest.raises(AskedOneself):
        agent.post("asking", "anything")


def test_asking_oneself_is_refused_at_once(stage: Rehearsal) -> None:
    agent = stage.start(Asking(stage, name="asking"))
    with pytest.raises(Failed, match="cannot send to itself"):
        stage.ask("asking", "ask", agent="asking")
    with pytest.raises(AskedOneself):
        agent.send_to("asking", "echo")


def test_an_abort_ends_the_wait_for_another_agent(stage: Rehearsal) -> None:
    other = start(stage)
    stage.start(Asking(stage, name="asking"))
    receipt = stage.send("asking", "ask", agent="worker", message="block")
    assert other.began.wait(5)
    stage.ask("asking", "abort")
    with pytest.raises(WasCancelled):
        receipt.result(5)
    other.go.set()


def test_a_channel_can_be_followed_from_within_an_action(stage: Rehearsal) -> None:
    stage.start(Measuring(stage))
    stage.start(Asking(stage, name="asking"))
    assert stage.ask("asking", "follow") > 0


# -- the end --------------------------------------------------------------------------------------


def test_shutdown_reports_cancelled_to_those_that_wait(stage: Rehearsal) -> None:
    agent = start(stage)
    running = stage.send("worker", "wait")
    waiting = [stage.send("worker", "echo") for _ in range(3)]
    assert agent.began.wait(5)
    stage.ask("worker", "shutdown")
    for receipt in (running, *waiting):
        with pytest.raises(WasCancelled):
            receipt.result(5)
    assert agent.join(5)
    assert agent.events == ["work", "shutdown"]


def test_a_shutdown_that_is_too_late_ends_nothing(stage: Rehearsal) -> None:
    class Braking(Worker):
        @on("brake", urgent=True)
        def brake(self) -> str:
            return self.block()

    agent = stage.start(Braking(stage))
    braking = stage.send("worker", "brake")
    assert agent.began.wait(5)
    late = stage.sender.send_to("worker", "shutdown", ttl=0.05)
    stage.wait_until(lambda: time.time() > (late.command.deadline or 0.0))
    agent.go.set()
    assert braking.result(5) == "went on"
    with pytest.raises(Expired):
        late.result(5)
    assert stage.ask("worker", "echo") == {}


def test_shutdown_may_wait_and_ask_and_raise(
    stage: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    class Careful(Asking):
        def shutdown(self) -> None:
            self.sleep(0.05)
            self.events.append(str(self.ask("worker", "echo", timeout=5)))
            raise RuntimeError("almost")

    start(stage)
    agent = stage.start(Careful(stage, name="careful"))
    agent.stop()
    assert agent.join(5)
    assert agent.events == ["work", "{}"]
    assert "almost" in caplog.text
    assert stage.fleet.wait_until(lambda: stage.status("careful").state is State.STOPPED, 5)


def test_urgent_messages_are_run_until_shutdown_has_returned(stage: Rehearsal) -> None:
    class Parking(Worker):
        def shutdown(self) -> None:
            self.began.set()
            assert self.go.wait(10)

        @on("wait")
        def wait(self, seconds: float = 30) -> str:
            self.sleep(seconds)
            return "slept"

    agent = stage.start(Parking(stage))
    stage.send("worker", "wait")
    waiting = stage.send("worker", "echo")
    agent.stop()
    assert agent.began.wait(5)
    with pytest.raises(WasCancelled):
        waiting.result(5)
    with pytest.raises(Rejected, match="not-ready"):
        stage.send("worker", "echo")
    assert stage.ask("worker", "stop") is False
    agent.go.set()
    assert agent.join(5)


def test_a_second_agent_of_one_name_is_refused_and_touches_nothing(stage: Rehearsal) -> None:
    from pyros_mqtt import NameTaken

    first = start(stage)
    second = stage.start(Worker(stage), until=None)
    with pytest.raises(NameTaken, match=r"pid \d+") as caught:
        second.join(10)
    assert caught.value.holder.session == stage.status("worker").session
    assert second.events == [], "neither work() nor shutdown(), which might move a machine"
    assert first.is_alive
    assert stage.ask("worker", "echo") == {}
    assert stage.status("worker").state is State.READY


def test_a_name_can_be_taken_again_after_its_holder_has_stopped(stage: Rehearsal) -> None:
    first = start(stage)
    boot = stage.status("worker").boot
    first.stop()
    assert first.join(5)
    second = start(stage)
    assert second.is_alive
    assert stage.status("worker").boot > boot
    assert stage.ask("worker", "echo") == {}


def test_without_a_broker_the_agent_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyros_mqtt.agent.tenure.OFFLINE", 0.05)

    class Away(Loopback):
        def attach(self, client: Any) -> None:
            del client

    ran = threading.Event()

    class Lonely(Agent):
        @every(seconds=0.01)
        def look(self) -> None:
            ran.set()

    agent = Lonely("lonely", bus=Away(), settings=Settings(brokers=()))
    agent.start()
    assert ran.wait(5)
    agent.stop()
    assert agent.join(5)


def test_an_agent_nobody_answers_for_is_told_to_the_asking_action(stage: Rehearsal) -> None:
    class Brief(Worker):
        @on("call")
        def call(self) -> str:
            try:
                self.send_to("nobody", "hello", ttl=0.1)
            except NobodyListens as error:
                return str(error)
            return ""

    stage.start(Brief(stage))
    assert "no agent of this name has ever been seen" in stage.ask("worker", "call")


def test_the_log_is_under_the_agents_name(stage: Rehearsal) -> None:
    assert Worker(stage).log is logging.getLogger("pyros.worker")


# -- a full disk ----------------------------------------------------------------------------------


def test_an_agent_whose_disk_is_full_starts_nothing_and_lives_on(stage: Rehearsal) -> None:
    journal = FullDisk()
    agent = start(stage, journal=journal)
    journal.is_full = True
    with pytest.raises(Failed, match="it was not started: the journal cannot be written"):
        stage.ask("worker", "echo", x=1)
    assert "echo" not in agent.threads
    stage.wait_until(lambda: "disk full" in stage.status("worker").detail)
    journal.is_full = False
    assert stage.ask("worker", "echo", x=2) == {"x": 2}
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


def test_an_agent_that_can_note_nothing_down_shows_it_until_it_can(stage: Rehearsal) -> None:
    journal = FullDisk()
    journal.whose = ""
    start(stage, journal=journal)
    journal.is_full = True
    with pytest.raises(Rejected, match="disk full"):
        stage.ask("worker", "echo", x=1)
    stage.wait_until(lambda: stage.status("worker").state is State.DEGRADED)
    assert "disk full" in stage.status("worker").detail
    journal.is_full = False
    stage.wait_until(lambda: stage.status("worker").state is State.READY)


@pytest.mark.parametrize("boot", [2**53 - 1, 2**53 - 2])
def test_a_forged_claim_of_the_last_life_of_all_sets_off_no_storm(
    stage: Rehearsal, boot: int
) -> None:
    start(stage)
    forged = {"agent": "worker", "state": "lost", "session": "z", "boot": boot, "seq": 1}
    topic = stage._topics.status("worker")
    transport = stage.bus.transport("stranger")
    heard: list[bytes] = []
    transport.subscribe(topic, lambda delivery: heard.append(delivery.payload))
    transport.open()
    stage.wait_until(lambda: heard)
    transport.publish(Parcel(topic, json.dumps(forged).encode(), retain=True))
    transport.publish(Parcel(topic, b"", retain=True))
    stage.wait_until(lambda: stage.status("worker").state is State.READY)
    before = len(heard)
    threading.Event().wait(5 * QUICK_BEAT)
    assert len(heard) - before < 20
    transport.close()
