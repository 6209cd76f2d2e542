"""Who owns an agent on one machine, and what happens where it cannot run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.contrib.web.web_process import Observer, Project, until
from tests.need import need

OWNER = """
import os, signal, sys
from pathlib import Path
from pyros_mqtt.contrib.django.ownership import Ownership

ownership = Ownership(Path(sys.argv[1]))
assert ownership.take()
child = os.fork()
if child:
    print(child, flush=True)
signal.pause()
"""


def test_one_at_a_time_owns_an_agent(tmp_path: Path) -> None:
    need("django")
    from pyros_mqtt.contrib.django.ownership import Ownership

    first, second = Ownership(tmp_path / "a" / "lock"), Ownership(tmp_path / "a" / "lock")
    assert first.take()
    assert first.take()
    assert not second.take()
    assert (tmp_path / "a" / "lock").read_text() == f"{os.getpid()}\n"
    first.forget()
    second.wait()
    assert not first.take()
    second.forget()


def test_what_the_owner_has_forked_does_not_hold_the_lock(tmp_path: Path) -> None:
    need("django")
    from pyros_mqtt.contrib.django.ownership import Ownership

    words = [sys.executable, "-c", OWNER, str(tmp_path / "lock")]
    heir = Ownership(tmp_path / "lock")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as owner:  # noqa: S603
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        try:
            assert not heir.take()
            owner.kill()
            owner.wait()
            until(heir.take, lambda: "the lock is still held", timeout=5)
            os.kill(child, 0)  # it lives
        finally:
            os.kill(child, signal.SIGKILL)
            heir.forget()


def test_an_agent_that_fails_is_started_again(project: Project, observer: Observer) -> None:
    agent = project.folder / "alert_manager" / "agent.py"
    agent.write_text(
        agent.read_text()
        + """
    def work(self) -> None:
        import pathlib
        if not pathlib.Path("tried").exists():
            pathlib.Path("tried").touch()
            raise RuntimeError("on purpose")
"""
    )
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    server.until_printed("alert_manager does not run; it is started again in 1 s")
    assert observer.until_ready().pid == server.pid


def test_a_state_folder_that_cannot_be_written_is_told(project: Project) -> None:
    (project.folder / "file").write_text("in the way")
    project.environment["PYROS_STATE_DIR"] = str(project.folder / "file" / "state")
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    server.until_printed("NotADirectoryError")
    server.until_printed("Quit the server")
    assert server.end() == 0


def test_wrong_settings_do_not_stop_the_web_server(project: Project) -> None:
    need("gunicorn")
    project.environment["PYROS_BEAT"] = "never"
    server = project.gunicorn(workers=1)
    server.until_printed("alert_manager does not run")
    server.until_printed("PYROS_BEAT: beat = 'never'")
    address = server.printed.split("Listening at: ")[1].split(" ")[0]
    with pytest.raises(HTTPError, match="503"):
        urlopen(f"{address}/agents/", timeout=10)  # noqa: S310 - our own server
    assert server.end() == 0


def test_a_class_that_only_runs_alone_is_not_started_by_a_server(
    project: Project, observer: Observer
) -> None:
    apps = project.folder / "alert_manager" / "apps.py"
    apps.write_text(f"{apps.read_text()}    with_server = False\n")
    server = project.manage("runserver", "--noreload", "127.0.0.1:0")
    server.until_printed("Quit the server")
    assert not (project.state / "django").exists()
    agent = project.manage("runagent", "alert_manager")
    assert observer.until_ready().pid == agent.pid
