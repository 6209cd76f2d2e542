"""Plays the installation guide on several machines, which are Linux network namespaces of this one.

A block says where it belongs behind its language: `stage=2 on=t60-control`; several hosts with
commas, one after the other. `online` is run on this machine's own network, for what is downloaded.
Each host has its own /etc, /opt, /var/lib and home, so that the commands are run as they stand
there. No systemd and no ssh run in there: `standins` has a `systemctl` that starts what the units
say, and an `scp`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.docs.pages import DOCS, ROOT, Block, blocks_of
from tests.docs.terminal import Terminal, is_like
from tests.system.own_lan import Lan, can_be_had

PAGE = DOCS / "how-to" / "installation.md"
HOSTS = ("laptop", "t60-control", "t60-dome", "t60-camera")
STANDINS = Path(__file__).parent / "standins"
STAGES = {1: "one laptop", 2: "three machines", 3: "a cluster"}

PATIENCE = 120.0
PATIENCE_ONLINE = 1200.0
"""Seconds that a command may take on a slow machine, and one that downloads."""

_ENTER = """
for place in etc opt var/lib; do mount --bind "$PYROS_HOST/$place" "/$place"; done
hostname "$0"; cd "$HOME"; exec /bin/bash -c "$1"
"""


class Machines:
    """The machines of the guide, and what runs on them.

    Args:
        lan: where they are.
        folder: where their files are kept.
        lends: instead of installing, each has the program of this environment in /opt/pyros.
    """

    def __init__(self, lan: Lan, folder: Path, *, lends: bool) -> None:
        self._lan = lan
        self._folder = folder
        self._lends = lends
        self._running: list[tuple[Block, Terminal]] = []
        for name in HOSTS:
            self._furnish(folder / name)

    def play(self, blocks: Sequence[Block]) -> None:
        """Play the blocks in their order; what runs on is ended, and has printed what it shows."""
        try:
            for block in blocks:
                for host in block.values["on"].split(","):
                    self._play(block, host)
            for block, terminal in self._running:
                ((_, wanted),) = block.commands
                assert terminal.has_printed(wanted, 10), f"{block.place}:\n{terminal.printed}"
        finally:
            for _, terminal in self._running:
                terminal.kill()
            self._running.clear()

    def said(self) -> Iterator[str]:
        """What everybody who runs there has said last: for whoever looks for the trouble."""
        for file in sorted(self._folder.glob("*/var/lib/running/*.log")):
            yield f"-- {file.relative_to(self._folder).parts[0]} {file.stem}\n"
            yield file.read_text("utf-8")[-3000:]

    def _furnish(self, host: Path) -> None:
        """Give a host its own folders, the names of the others, and a clone."""
        host.mkdir()
        subprocess.run(["cp", "-a", "/etc", host / "etc"], check=True)  # noqa: S603, S607
        for place in ("var/lib", "home"):
            (host / place).mkdir(parents=True)
        shared = self._folder / "opt"
        shared.mkdir(exist_ok=True)
        (host / "opt").symlink_to(shared)  # so that it is downloaded once
        names = "".join(f"{self._lan[one].address} {one}\n" for one in HOSTS)
        (host / "etc/hosts").write_text(f"127.0.0.1 localhost\n{names}", "ascii")
        for left in ("pyros", "pyros-broker"):
            shutil.rmtree(host / "etc" / left, ignore_errors=True)
        if self._lends:
            self._lend(host, shared)
        else:
            words = ("git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}")
            subprocess.run([*words, host / "home/pyros-mqtt"], check=True)  # noqa: S603

    def _lend(self, host: Path, shared: Path) -> None:
        clone = host / "home/pyros-mqtt"
        clone.mkdir()
        for place in ("deploy", "mosquitto"):
            (clone / place).symlink_to(ROOT / place)
        program = shared / "pyros/bin/pyros"
        program.parent.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join([str(ROOT), str(ROOT / "agents")])
        program.write_text(
            f"#!/bin/sh\nPYTHONPATH={shlex.quote(path)} "
            f'exec {shlex.quote(sys.executable)} -m pyros_mqtt "$@"\n'
        )
        program.chmod(0o755)

    def _play(self, block: Block, host: str) -> None:
        if "file" in block.values:
            file = self._folder / host / "home" / block.values["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, "utf-8")
        elif "background" in block.words:
            ((command, _),) = block.commands
            self._running.append((block, self._start(host, command)))
        elif block.language == "console":
            for command, wanted in block.commands:
                self._run(block, host, command, wanted)
        else:
            self._run(block, host, f"set -e\n{block.text}", "")

    def _run(self, block: Block, host: str, command: str, wanted: str) -> None:
        online = "online" in block.words
        terminal = self._start(host, command, online=online)
        code = terminal.finish(PATIENCE_ONLINE if online else PATIENCE)
        told = f"{block.place} on {host}: $ {command}\nexit code {code}\n{terminal.printed}"
        assert code == int(block.values.get("exit", "0")), told
        assert not wanted or is_like(wanted, terminal.printed), f"{told}\nthe page says:\n{wanted}"

    def _start(self, host: str, command: str, *, online: bool = False) -> Terminal:
        place = self._folder / host
        if self._lends:
            command = command.replace("systemd/install", "systemd/install --no-program")
        words = ["unshare", "--uts", "--mount", "bash", "-ec", _ENTER, host, command]
        if self._lends or not online:
            words = ["ip", "netns", "exec", self._lan[host].space, *words]
        return Terminal(shlex.join(words), place / "home", self._environment(place))

    def _environment(self, place: Path) -> dict[str, str]:
        paths = [STANDINS, place / "home/pyros-mqtt/.venv/bin", "/opt/pyros/bin"]
        path = os.pathsep.join([*map(str, paths), os.environ["PATH"], "/usr/sbin"])
        lent = {"PYROS_LENT": "yes"} if self._lends else {}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYROS_", "XDG_"))}
        own = {
            "PYROS_HOST": str(place),
            "PYROS_HOSTS": str(self._folder),
            "HOME": str(place / "home"),
        }
        return kept | own | lent | {"PATH": path, "TERM": "dumb", "COLUMNS": "100"}


def blocks_of_stages(stages: Sequence[int]) -> list[Block]:
    """Find what belongs to these stages."""
    wanted = {str(stage) for stage in stages}
    return [block for block in blocks_of(PAGE) if block.values.get("stage") in wanted]


@contextmanager
def machines(folder: Path, *, lends: bool) -> Iterator[Machines]:
    """Have the machines for a while; in the end nothing runs there any more."""
    with Lan(*HOSTS) as lan:
        yield Machines(lan, folder, lends=lends)


def main() -> int:
    """Play the guide, and tell how far it goes."""
    parser = argparse.ArgumentParser(prog="scripts/try-installation", description=__doc__)
    parser.add_argument("--stage", type=int, choices=STAGES, help="stop after this one; else all")
    parser.add_argument("--lend", action="store_true", help="install nothing: lend this program")
    options = parser.parse_args()
    if not can_be_had():
        print("Several machines need root, and Linux network namespaces", file=sys.stderr)  # noqa: T201
        return 2
    with tempfile.TemporaryDirectory(prefix="pyros-installation-") as folder:
        Path(folder).chmod(0o755)
        with machines(Path(folder), lends=options.lend) as place:
            try:
                for stage, name in STAGES.items():
                    if options.stage is None or stage <= options.stage:
                        place.play(blocks_of_stages([stage]))
                        print(f"{stage}. {name}: as the page says", flush=True)  # noqa: T201
            except (AssertionError, TimeoutError) as trouble:
                print(*place.said(), trouble, sep="\n", file=sys.stderr)  # noqa: T201
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
