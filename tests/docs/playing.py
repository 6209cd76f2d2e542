"""Plays a page of the documentation as a reader would, on a broker and under a root of its own."""

from __future__ import annotations

import ast
import io
import os
import re
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from pyros_mqtt import Agent, Fleet, Sender, Settings
from pyros_mqtt.broker.ports import answers
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from tests.docs.pages import CTRL_C, ROOT, Block
from tests.docs.terminal import Terminal, is_like
from tests.system.device import until

PATIENCE = 90.0
"""Seconds that a command, or the start of an agent, may take on a slow machine."""

TRIES = 5
"""So often `until-seen` is repeated: nothing tells when a listener has begun to listen."""

_TOPIC = re.compile(r"(?<![\w./-])pyros/(?=[a-z+#])")
_STARTS_AGENTS = (
    "pyros run ", "pyros up", "pyros gateway", "pyros alarms run", "pyros record", "python ",
)  # fmt: skip


_SERVES = re.compile(r"runserver .*?(\d+)$")


class Player:
    """One page's folder, terminals and namespace."""

    def __init__(self, folder: Path, url: BrokerUrl, root: str) -> None:
        """Lay the folder; nothing runs before `play`."""
        self._folder = folder
        self._root = root
        self.environment = _environment(folder, url, root)
        self._settings = Settings(brokers=(url,), root=root, state_dir=folder / "state")
        self._running: list[tuple[Block, Terminal]] = []
        self._names: dict[str, Any] = {"__name__": "page"}
        self._fleet: Fleet | None = None
        self._ways = {
            "python": self._run_python,
            "console": self._run_console,
            "sh": self._run_lines,
        }

    def play(self, blocks: list[Block]) -> None:
        """Play the blocks in their order, and stop what still runs."""
        with Fleet(Brokers(self._settings), Topics(self._root)) as fleet:
            self._fleet = fleet
            try:
                for block in blocks:
                    self._play(block)
                self._stop_all()
            finally:
                self._leave_nothing()

    def _leave_nothing(self) -> None:
        """End what a page that failed has left behind."""
        for _, terminal in self._running:
            terminal.kill()
        for left in self._names.values():
            if isinstance(left, Agent) and left.is_alive:
                left.stop()
                left.join(PATIENCE)

    def _play(self, block: Block) -> None:
        if block.info == CTRL_C:
            self._stop_all()
        elif "not-run" in block.values:
            return
        elif "file" in block.values:
            (self._folder / block.values["file"]).write_text(block.text, "utf-8")
        elif block.language in self._ways:
            self._ways[block.language](block)

    def _run_python(self, block: Block) -> None:
        if "pyros" in block.words:
            ast.parse(block.text, filename=block.place)
            return
        code = compile("\n" * (block.line - 1) + block.text, block.page, "exec", dont_inherit=True)
        with _in(self._folder, self.environment), redirect_stdout(io.StringIO()):
            exec(code, self._names)  # noqa: S102 - the page's own code is what is tested

    def _run_console(self, block: Block) -> None:
        if "background" in block.words:
            self._run_on(block)
            return
        for command, wanted in block.commands:
            self._run(block, command, wanted)

    def _run_lines(self, block: Block) -> None:
        for _ in range(TRIES if "until-seen" in block.words else 1):
            self._run(block, f"set -e\n{block.text}", "")
            if "until-seen" in block.words and all(
                self._is_seen(*one, timeout=1.0) for one in self._running
            ):
                break

    def _run(self, block: Block, command: str, wanted: str) -> None:
        terminal = Terminal(self._rooted(command), self._folder, self.environment)
        code = terminal.finish(PATIENCE)
        printed = self._as_written(terminal.printed)
        right = int(block.values.get("exit", "0"))
        assert code == right, f"{block.place}: $ {command}\nexit code {code}\n{printed}"
        if wanted:
            told = f"{block.place}: $ {command}\nprinted:\n{printed}\nthe page says:\n{wanted}"
            assert is_like(wanted, printed), told

    def _run_on(self, block: Block) -> None:
        ((command, wanted),) = block.commands
        for old, terminal in list(self._running):
            if terminal.command == self._rooted(command):
                self._stop(old, terminal)
        sessions = self._sessions()
        terminal = Terminal(self._rooted(command), self._folder, self.environment)
        self._running.append((block, terminal))
        self._await_agents(block, terminal, sessions)
        first = wanted.partition("\n")[0]
        if first not in {"", "..."}:
            told = f"{block.place}: {first!r} was not printed, but:\n"
            seen = terminal.has_printed(self._rooted(f"{first}\n..."), PATIENCE)
            assert seen, told + terminal.printed
        if served := _SERVES.search(command):  # what it prints comes before it listens
            until(lambda: answers(int(served[1])) or not terminal.is_running, PATIENCE)

    def _await_agents(self, block: Block, terminal: Terminal, before: set[str]) -> None:
        """Wait until the agents that a command starts are ready."""
        command = terminal.command
        if not command.startswith(_STARTS_AGENTS) or self._fleet is None:
            return
        count = 1
        if command.startswith("pyros up"):
            table = tomllib.loads((self._folder / "pyros.toml").read_text("utf-8"))
            count = len(table["agents"])
        deadline = time.monotonic() + PATIENCE
        up = False
        while not up and terminal.is_running and time.monotonic() < deadline:
            up = self._fleet.wait_until(lambda: len(self._sessions() - before) >= count, 0.5)
        assert up, f"{block.place}: not up: {command}\n{terminal.printed}"

    def _sessions(self) -> set[str]:
        members = self._fleet.members() if self._fleet else ()
        return {
            member.status.session
            for member in members
            if member.status is not None and member.status.state.takes_commands
        }

    def _stop_all(self) -> None:
        for block, terminal in reversed(list(self._running)):
            self._stop(block, terminal)

    def _stop(self, block: Block, terminal: Terminal) -> None:
        told = f"{block.place}: printed:\n{terminal.printed}\nthe page says:\n{block.text}"
        assert self._is_seen(block, terminal, timeout=10.0), told
        self._running.remove((block, terminal))
        terminal.interrupt()

    def _is_seen(self, block: Block, terminal: Terminal, *, timeout: float) -> bool:
        """Whether a command that runs on has printed, in the end, what its block shows."""
        ((_, wanted),) = block.commands
        return not wanted or terminal.has_printed(self._rooted(wanted), timeout)

    def _rooted(self, text: str) -> str:
        return _TOPIC.sub(f"{self._root}/", text)

    def _as_written(self, text: str) -> str:
        return text.replace(f"{self._root}/", "pyros/").replace(str(self._folder), "/home/ops")


def _environment(folder: Path, url: BrokerUrl, root: str) -> dict[str, str]:
    """A reader's shell, whose mosquitto clients know the broker, too."""
    config = folder / ".config"
    config.mkdir(parents=True)
    for client in ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr"):
        (config / client).write_text(f"-h {url.host}\n-p {url.port}\n", "utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        "PATH": path,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(config),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "100",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "agents")]),
        "PYROS_BROKERS": str(url),
        "PYROS_ROOT": root,
        "PYROS_STATE_DIR": str(folder / "state"),
    }


@contextmanager
def _in(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Be in the reader's folder, with the reader's settings, for a moment."""
    before, settings = Path.cwd(), {k: v for k, v in environment.items() if k.startswith("PYROS_")}
    kept = {name: os.environ.get(name) for name in settings}
    os.chdir(folder)
    os.environ.update(settings)
    sys.path.insert(0, str(folder))
    known = set(sys.modules)
    try:
        yield
    finally:
        Sender.close_default()
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        os.chdir(before)
