"""The example's agent under real web servers: it is one, it moves on, and it says goodbye."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from pyros_mqtt.messages import State
from tests.contrib.web.web_process import Observer, Project, until
from tests.need import need

STANDS_BY = "alert_manager stands by"
PRELOAD = [pytest.param((), id="each"), pytest.param(("--preload",), id="preload")]


def test_under_the_autoreloader_there_is_one_agent(project: Project, observer: Observer) -> None:
    server = project.manage("runserver", "127.0.0.1:0")
    first = observer.until_ready()
    server.until_printed("Quit the server")
    assert first.pid != server.pid  # the parent only watches

    project.touch("alert_manager/agent.py")
    second = observer.until_ready(but_not=first)
    assert len(observer.sessions) == 2
    assert "does not start" not in server.printed
    assert STANDS_BY not in server.printed

    server.interrupt()
    last = observer.until_said_goodbye()
    assert (last.session, last.state) == (second.session, State.STOPPED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_agent_says_goodbye_when_runserver_ends(
    project: Project, observer: Observer, number: int
) -> None:
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    assert observer.until_ready().pid == server.pid
    server.end(number)
    assert observer.until_said_goodbye().state is State.STOPPED


@pytest.mark.parametrize("words", PRELOAD)
def test_one_worker_of_gunicorn_owns_the_agent_and_another_takes_over(
    project: Project, observer: Observer, words: tuple[str, ...]
) -> None:
    need("gunicorn")
    server = project.gunicorn(*words)
    first = observer.until_ready()
    server.until_printed(STANDS_BY, times=2)
    workers = worker_pids(server.printed)
    assert len(workers) == 3
    assert first.pid in workers
    assert observer.sessions == [first.session]

    killed = time.time()
    os.kill(first.pid, signal.SIGKILL)
    second = observer.until_ready(but_not=first)
    assert second.boot / 1000 - killed < 2.0  # when the heir's life began
    assert second.pid in workers - {first.pid}
    assert observer.sessions == [first.session, second.session]
    assert "does not start" not in server.printed

    assert server.end() == 0
    last = observer.until_said_goodbye()
    assert last.state is State.STOPPED


def test_a_standby_takes_over_when_the_owner_leaves_in_peace(
    project: Project, observer: Observer
) -> None:
    need("gunicorn")
    server = project.gunicorn(workers=2)
    first = observer.until_ready()
    server.until_printed(STANDS_BY)
    os.kill(first.pid, signal.SIGTERM)
    second = observer.until_ready(but_not=first)
    assert second.pid != first.pid
    assert second.host == first.host


def test_a_name_that_another_process_holds_is_waited_for(
    project: Project, observer: Observer
) -> None:
    alone = project.manage("runagent", "alert_manager")
    first = observer.until_ready()
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    server.until_printed(f"{STANDS_BY}: the name 'alert_manager' is held")
    assert observer.sessions == [first.session]
    alone.end()
    assert observer.until_ready(but_not=first).pid == server.pid


def test_an_agent_that_was_told_to_shut_down_is_not_started_again(
    project: Project, observer: Observer
) -> None:
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    observer.until_ready()
    shut_down = "from pyros_mqtt import Sender; Sender.send_to('alert_manager', 'shutdown')"
    project.finished("shell", "-c", shut_down)
    server.until_printed("alert_manager has ended, as it was told to")
    assert observer.until_said_goodbye().state is State.STOPPED


@pytest.mark.parametrize(
    "words", [("migrate",), ("makemigrations", "--check"), ("test",), ("check",), ("agents",)]
)
def test_management_commands_do_not_start_it(project: Project, words: tuple[str, ...]) -> None:
    project.finished(*words)
    assert not (project.state / "django").exists()  # nobody has asked for the lock


def test_a_script_and_gunicorns_trial_do_not_start_it(project: Project) -> None:
    need("gunicorn")
    threads = "import threading; print(sorted(t.name for t in threading.enumerate()))"
    shell = project.finished("shell", "-c", threads)
    assert "MainThread" in shell.printed
    assert "keeper" not in shell.printed
    assert project.gunicorn("--check-config").wait() == 0
    assert not (project.state / "django").exists()


# -- as in PyROS: made and started by hand in ready() -------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_agent_that_was_started_by_hand_says_goodbye(
    project: Project, observer: Observer, number: int
) -> None:
    project.start_by_hand()
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    assert observer.until_ready().pid == server.pid
    server.end(number)
    assert observer.until_said_goodbye().state is State.STOPPED


def test_started_by_hand_the_autoreloader_still_reloads(
    project: Project, observer: Observer
) -> None:
    project.start_by_hand()
    server = project.manage("runserver", "127.0.0.1:0")
    observer.until_ready()
    server.until_printed("Quit the server")
    server.until_printed("does not start: the name 'alert_manager' is held")
    # the reloader first has to have seen how the files were, and does not say when it has
    project.touch_until("alert_manager/models.py", lambda: server.has_printed("Quit the server", 2))
    server.interrupt()
    assert observer.until_said_goodbye().state is State.STOPPED


@pytest.mark.parametrize("words", PRELOAD)
def test_started_by_hand_one_wins_and_the_server_ends_in_time(
    project: Project, observer: Observer, words: tuple[str, ...]
) -> None:
    need("gunicorn")
    project.start_by_hand()
    server = project.gunicorn(*words, workers=2)
    observer.until_ready()
    until(lambda: len(worker_pids(server.printed)) == 2, lambda: server.printed)
    if words:
        assert observer.until_ready().pid == server.pid  # the arbiter has it
    assert server.end() == 0
    assert observer.until_said_goodbye().state is State.STOPPED
    assert "Traceback" not in server.printed


def worker_pids(printed: str) -> set[int]:
    return {int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", printed)}
