"""A PostgreSQL of the tests' own: as an unprivileged user, killed at will."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg

from pyros_mqtt.broker.ports import any_free_port
from tests.need import find_postgres, need
from tests.system.device import until

USER = "postgres"
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""


class OwnPostgres:
    """A server on a free port of the loopback, with a folder of its own; a context manager."""

    def __init__(self) -> None:
        need("postgres")
        self._programs = find_postgres() or Path()
        self._folder = Path(tempfile.mkdtemp(prefix="pyros-postgres-"))
        self.port = any_free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(self._folder, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)

    def __enter__(self) -> Self:
        data = str(self._folder / "data")
        try:
            subprocess.run(  # noqa: S603 - PostgreSQL's own
                [*self._as_user("initdb"), "-D", data, "-A", "trust", "-U", USER, "--no-sync"],
                check=True, capture_output=True, cwd=self._folder,
            )  # fmt: skip
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.signal(signal.SIGCONT)  # one that stands still does not hear that it is to end
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it on its data."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own
                [*self._as_user("postgres"), "-D", str(self._folder / "data"),
                 "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-F",
                 "-c", f"unix_socket_directories={self._folder}"],
                stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip
        until(self._answers)

    def kill(self) -> None:
        """Take it away at once: SIGQUIT is PostgreSQL's way to end without a checkpoint."""
        if self._process is not None:
            subprocess.run(  # noqa: S603 - PostgreSQL's own
                [*self._as_user("pg_ctl"), "-D", str(self._folder / "data"), "-m", "immediate",
                 "stop"],
                check=False, capture_output=True, cwd=self._folder,
            )  # fmt: skip
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Start it after a signal has ended it."""
        if self._process is not None:
            self._process.wait(10)
        self.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still for the while of a block; it goes on whatever becomes of the block.

        A guard lets it go on: when we let go of the guard's input, or are gone ourselves.
        """
        words = ["sh", "-c", "read _; kill -CONT $*", "guard", *map(str, self._pids())]
        with subprocess.Popen(words, stdin=subprocess.PIPE) as guard:  # noqa: S603 - our own words
            self.signal(signal.SIGSTOP)
            try:
                yield
            finally:
                assert guard.stdin is not None
                guard.stdin.close()

    def signal(self, number: int) -> None:
        """Send a signal to every process of the server."""
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        assert self._process is not None
        main = self._process.pid
        return [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]

    def database(self) -> str:
        """Make an empty database; gives its URL."""
        name = f"t_{secrets.token_hex(4)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
        except psycopg.Error:
            assert self._process is not None
            assert self._process.poll() is None, (self._folder / "log").read_text()
            return False
        return True

    def _as_user(self, program: str) -> list[str]:
        """Write the command; it ends with whoever gives it, also where that one is killed."""
        command = ["setpriv", "--pdeathsig=KILL"]
        if os.geteuid() == 0:
            there = pwd.getpwnam(USER)
            command += [f"--reuid={there.pw_uid}", f"--regid={there.pw_gid}", "--clear-groups"]
        return [*command, "--", str(self._programs / program)]
