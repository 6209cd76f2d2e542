"""Runs every promise's harness to its full count; `scripts/soak --help` tells more."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.harness import Harness
from tests.faults.soak import words
from tests.faults.soak.machine import commit, machine
from tests.faults.soak.page import page
from tests.faults.soak.report import NoReport, Report, Run, load
from tests.faults.soak.summary import summary
from tests.faults.soak.turns import Turns

EXIT_BROKEN, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def main() -> int:
    """Run, or go on with, a soak; 0 if nothing was broken and no mutant passed for healthy."""
    asked = _parser().parse_args()
    try:
        harnesses = _chosen(asked.harnesses, asked.only)
        report = _opened(asked.report, fresh=asked.fresh)
    except (NoReport, LookupError) as error:
        sys.stderr.write(f"soak: {error.args[0]}\n")
        return EXIT_USAGE
    until = float("inf") if asked.hours is None else time.monotonic() + 3600 * asked.hours
    turns = Turns(harnesses, report, asked.report, until=until, say=_say)
    try:
        turns.run()
        code = 0 if report.is_good else EXIT_BROKEN
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from here")
        code = EXIT_INTERRUPTED
    report.save(asked.report)
    asked.report.with_suffix(".html").write_text(page(report), "utf-8")
    if asked.summary:
        asked.summary.write_text(summary(report), "utf-8")
    _reckon(report, asked.report)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="Puts every promise to the test, as often as its full count asks, and writes "
        "what it finds to a file. Started again, it goes on where it was interrupted.",
        epilog="Exit code: 0 if nothing was broken and every mutant that was run was caught, 1 if "
        "not, 2 if it could not begin, 130 after Ctrl-C.",
    )
    parser.add_argument("--hours", type=float, metavar="N", help="stop after so many hours")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="these harnesses, or those of these promises"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", default=Path("soak-report.json"),
        help="default soak-report.json; a page for people is written beside it, as .html",
    )  # fmt: skip
    parser.add_argument("--summary", type=Path, metavar="FILE.md", help="also write a table")
    parser.add_argument("--fresh", action="store_true", help="forget what the report holds")
    parser.add_argument(
        "--harnesses", metavar="MODULE", default="tests.faults.harnesses",
        help="where HARNESSES are defined (default %(default)s)",
    )  # fmt: skip
    return parser


def _chosen(module: str, only: Sequence[str] | None) -> list[Harness]:
    """The harnesses that are asked for.

    Raises:
        LookupError: there is none of a name.
    """
    known: Sequence[Harness] = importlib.import_module(module).HARNESSES
    if only is None:
        return list(known)
    names = {one.name for one in known} | {one.promise for one in known}
    if unknown := [name for name in only if name not in names]:
        told = ", ".join(one.name for one in known) or "none"
        raise LookupError(f"there is no harness {', '.join(unknown)}; known are {told}")
    return [one for one in known if one.name in only or one.promise in only]


def _opened(path: Path, *, fresh: bool) -> Report:
    """The report to go on with.

    Raises:
        NoReport: the file holds something else.
    """
    here, number = machine(), commit()
    report = load(path) if path.exists() and not fresh else Report(here)
    if report.runs and report.runs[-1].commit != number:
        _say(f"the report was begun at {report.runs[-1].commit}, this is {number}; it names both")
    report.machine = here
    report.runs.append(Run(number, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
    return report


def _reckon(report: Report, path: Path) -> None:
    for record in report.records.values():
        short = f"{words.progress(record)} tests, {record.breaks:,} broken"
        _say(f"{record.name}: {words.verdict(record)}; {short}; mutants: {words.mutants(record)}")
        for sentence in words.troubles(record):
            _say(f"  {sentence}")
    _say(f"written to {path} and {path.with_suffix('.html')}")


def _say(line: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
