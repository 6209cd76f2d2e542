"""`scripts/bench`: measure, and write what came out."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import plots, report
from bench.environments import FOLDER, NotInstalled, python_of
from bench.processes import ROOT
from bench.rounds import Results, run
from bench.servers import Server, running
from bench.stage import Stage
from bench.systems import SYSTEMS, ServerKind, System, chosen
from bench.works import WORKS

PAGE = ROOT / "docs" / "benchmarks.md"
ROUNDS, QUICK_ROUNDS = 5, 2

INTERRUPTED = 130
"""Ctrl-C, as shells count it."""


def main() -> int:
    """Measure; 0 where everything that was asked for was measured and nothing was lost."""
    given = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers end, too
    systems, works = chosen(given.peer), given.work or list(WORKS)
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    about = {**report.machine(), "quick": given.quick}
    FOLDER.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=FOLDER)))
        needed = [one for one in systems if one.works.intersection(works)]
        stage, not_run = _prepare(stack, needed, folder, is_quick=given.quick)
        able = [one for one in needed if one.name not in not_run]
        results = run(stage, able, works, rounds, _say)
    results.not_run.update(not_run)
    _tell(results, systems, rounds, about, given)
    return 1 if results.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    peers = [one.name for one in SYSTEMS if one.peer != "pyros"]
    add = parser.add_argument
    add("--quick", action="store_true", help="a tenth of the work, two rounds")
    add("--peer", nargs="+", action="extend", choices=peers, metavar="NAME",
        help=f"only the library and these: {', '.join(peers)}")  # fmt: skip
    add("--work", nargs="+", action="extend", choices=list(WORKS), metavar="NAME",
        help=f"only these works: {', '.join(WORKS)}")  # fmt: skip
    add("--rounds", type=int, metavar="N", help=f"how often, by default {ROUNDS}")
    add("--output", type=Path, default=Path(), metavar="DIR", help="where the results go")
    add("--page", action="store_true", help="write tables and plots into docs/benchmarks.md, too")
    return parser.parse_args()


def _prepare(
    stack: contextlib.ExitStack, systems: Sequence[System], folder: Path, *, is_quick: bool
) -> tuple[Stage, dict[str, str]]:
    """Install the peers and start their servers; who cannot take part is named with the reason."""
    pythons: dict[str, Path] = {}
    servers: dict[ServerKind, Server] = {}
    not_run: dict[str, str] = {}
    for system in systems:
        _say(f"making ready: {system.name}")
        try:
            if system.server and system.server not in servers:
                servers[system.server] = stack.enter_context(running(system.server))
            pythons[system.name] = python_of(system)
        except NotInstalled as error:
            not_run[system.name] = str(error)
    return Stage(folder, pythons, servers, is_quick=is_quick), not_run


def _tell(
    results: Results,
    systems: Sequence[System],
    rounds: int,
    about: dict[str, object],
    given: argparse.Namespace,
) -> None:
    """Write the files, and the tables on the terminal."""
    given.output.mkdir(parents=True, exist_ok=True)
    told = report.body(results, systems, rounds, about)
    report.write_json(told, given.output / "bench-results.json")
    text = report.markdown(results, rounds, about)
    (given.output / "bench-results.md").write_text(text, "utf-8")
    drawn = plots.draw(results, given.output)
    if given.page:
        report.into_page(PAGE, text)
        plots.draw(results, PAGE.parent / "pictures")
    sys.stdout.write(text)
    files = [given.output / "bench-results.json", given.output / "bench-results.md", *drawn]
    _say("written: " + ", ".join(map(str, files)))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
