"""A network of one's own, in which a connection can be made half open: both ends live, deaf.

A Linux network namespace with nothing in it but its loopback, made with `unshare` by root; in it
`iptables` drops whatever comes from or goes to one address. Nothing outside is touched, and all
of it is gone with the last process in it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.faults.harness import RunTrial, Setting, Trial
from tests.faults.nursery import REPOSITORY
from tests.need import in_ci, need

PROGRAMS = ("unshare", "ip", "iptables")


@functools.cache
def can_be_had() -> bool:
    """Tell whether this machine gives us one; in CI a missing program is a failure."""
    if in_ci():
        for program in PROGRAMS:
            need(program)
    if os.geteuid() or not all(shutil.which(program) for program in PROGRAMS):
        return False
    probe = "ip link set lo up && iptables -w -A INPUT -s 127.0.0.9 -j DROP"
    tried = subprocess.run(  # noqa: S603 - fixed words
        ["unshare", "-n", "sh", "-c", probe],  # noqa: S607
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def cut_off(address: str) -> None:
    """Let no packet from or to this address arrive any more; only in a network of our own."""
    for way in ("-s", "-d"):
        _root("iptables", "-w", "-A", "INPUT", way, address, "-j", "DROP")


def join_again() -> None:
    """Let every packet pass again; only in a network of our own."""
    _root("iptables", "-w", "-F", "INPUT")


@contextlib.contextmanager
def trials_in_it(module: str, setting: Setting) -> Iterator[RunTrial]:
    """Run the trials of `module` in a network of their own, in another process.

    The module calls `serve` with its own `open` when it is run as a program.
    """
    errors = setting.folder / "in_own_network.log"
    with errors.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            ["unshare", "-n", sys.executable, "-m", module, str(setting.folder), setting.build],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'agents'}"},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    asked, told = process.stdin, process.stdout

    def run(number: int) -> Trial:
        asked.write(f"{number}\n")
        asked.flush()
        line = told.readline()
        assert line, f"the trials have died: {errors.read_text()[-2000:]}"
        return Trial(**json.loads(line))

    try:
        yield run
    finally:
        asked.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        told.close()


def serve(run: RunTrial) -> None:
    """Run the trials whose numbers come on the standard input; `trials_in_it` is the other end."""
    for line in sys.stdin:
        trial = run(int(line))
        said = {"count": trial.count, "broken": trial.broken, "figures": trial.figures}
        print(json.dumps(said), flush=True)  # noqa: T201 - the answer


def bring_up() -> None:
    """Give the network of this process its loopback."""
    _root("ip", "link", "set", "lo", "up")


def _root(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - our own words
