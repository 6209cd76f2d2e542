"""The soak goes on after whatever interrupts it, and keeps nothing back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import TRIES, Trial
from tests.faults.soak import words
from tests.faults.soak.page import page
from tests.faults.soak.report import MOST_SENTENCES, Mutant, NoReport, Record, Report, Run, load
from tests.faults.soak.summary import summary
from tests.faults.soak_harnesses import DEED, DIARY

REPOSITORY = Path(__file__).parents[2]
HERE = "tests.faults.soak_harnesses"
SOAK = (sys.executable, "-m", "tests.faults.soak", "--harnesses", HERE)


@dataclass(frozen=True)
class Soaked:
    code: int
    out: str
    harnesses: dict[str, dict[str, Any]]


class Place:
    """A folder in which soaks are run one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = folder / "soak-report.json"
        self.diary = folder / "diary"

    def soak(self, *words: str, **variables: str) -> Soaked:
        path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")])
        done = subprocess.run(  # noqa: S603 - ourselves
            [*SOAK, *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, DIARY: str(self.diary), **variables},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        table = json.loads(self.report.read_text()) if self.report.exists() else {"harnesses": []}
        assert "Traceback" not in done.stderr, done.stderr
        found = {each["name"]: each for each in table["harnesses"]}
        return Soaked(done.returncode, done.stdout + done.stderr, found)

    def trials(self, name: str, build: str = "healthy") -> list[int]:
        """The numbers of the trials that were run, in their order."""
        lines = [line.split() for line in self.diary.read_text().splitlines()]
        return [int(number) for harness, kind, number in lines if (harness, kind) == (name, build)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_every_harness_comes_to_its_full_count_and_catches_its_mutants(place: Place) -> None:
    done = place.soak("--summary", "soak.md")
    assert done.code == 0, done.out
    steady, shaky = done.harnesses["t1-steady"], done.harnesses["t2-shaky"]
    assert (steady["count"], steady["trials"]) == (20, 10)
    assert shaky["count"] == 5
    assert steady["bound"] == 3 / 20
    assert steady["mutants"]["forgetful"]["caught"]
    assert shaky["mutants"]["slow"]["how"] == "seconds: p100 is 9, promised is at most 1"
    assert place.trials("t1-steady") == list(range(10))
    assert "t1-steady: mutant forgetful caught: it forgot" in done.out
    assert "20 of 20" in (place.folder / "soak.md").read_text()
    assert (place.folder / "soak-report.html").exists()
    table = json.loads(place.report.read_text())
    assert set(table["machine"]) == {"cpus", "kernel", "python", "mosquitto"}
    assert table["commit"]
    assert table["seconds"] > 0


def test_a_full_soak_has_nothing_more_to_do(place: Place) -> None:
    place.soak()
    done = place.soak()
    assert done.code == 0
    assert len(place.trials("t1-steady")) == 10
    assert len(place.trials("t1-steady", "forgetful")) == 2


def test_after_kill_9_it_goes_on_and_repeats_no_seed_that_was_counted(place: Place) -> None:
    killed = place.soak(**{DEED: "kill-soak:4"})
    assert killed.code == -9
    assert killed.harnesses["t1-steady"]["trials"] == 4
    done = place.soak()
    assert done.code == 0, done.out
    assert done.harnesses["t1-steady"]["count"] == 20
    assert Counter(place.trials("t1-steady")) == {**dict.fromkeys(range(10), 1), 4: 2}
    assert len(json.loads(place.report.read_text())["runs"]) == 2


def test_ctrl_c_ends_the_trial_that_runs_and_the_report_is_whole(place: Place) -> None:
    stopped = place.soak(**{DEED: "ctrl-c:3"})
    assert stopped.code == 130
    assert stopped.harnesses["t1-steady"]["trials"] == 3
    assert (place.folder / "soak-report.html").exists()
    assert place.soak().code == 0


def test_a_fresh_soak_forgets_what_was_counted(place: Place) -> None:
    place.soak()
    place.soak("--fresh")
    assert len(place.trials("t1-steady")) == 20


def test_a_broken_promise_is_told_with_its_trial_and_fails_the_soak(place: Place) -> None:
    done = place.soak(SOAK_BREAK="1")
    assert done.code == 1
    assert done.harnesses["t2-shaky"]["broken"] == ["trial 1: <i>lost</i> a command"]
    assert done.harnesses["t2-shaky"]["bound"] is None
    assert "t2-shaky: BROKEN in trial 1" in done.out
    html = (place.folder / "soak-report.html").read_text()
    assert "&lt;i&gt;lost&lt;/i&gt; a command" in html
    assert "<i>" not in html


def test_a_limit_that_is_not_kept_fails_the_soak(place: Place) -> None:
    done = place.soak("--only", "t2-shaky", SOAK_LIMIT="0.05")
    assert done.code == 1
    assert done.harnesses["t2-shaky"]["excesses"] == [
        "seconds: p100 is 0.1, promised is at most 0.05"
    ]
    assert "t1-steady" not in done.harnesses


def test_a_mutant_that_passes_for_healthy_fails_the_soak(place: Place) -> None:
    done = place.soak("--only", "T2", SOAK_MORE_MUTANTS="harmless")
    assert done.code == 1
    assert not done.harnesses["t2-shaky"]["mutants"]["harmless"]["caught"]
    assert len(place.trials("t2-shaky", "harmless")) == 3 * TRIES
    assert "mutant harmless NOT CAUGHT" in done.out


@pytest.mark.parametrize(("deed", "why"), [("raise", "the proxy has gone"), ("die", "exit code 7")])
def test_a_trial_that_cannot_be_judged_is_told_and_the_rest_goes_on(
    place: Place, deed: str, why: str
) -> None:
    done = place.soak(**{DEED: f"{deed}:2"})
    assert done.code == 1
    steady = done.harnesses["t1-steady"]
    assert steady["count"] == 20
    assert len(steady["errors"]) == 1
    assert steady["errors"][0].startswith("trial 2: ")
    assert why in steady["errors"][0]
    assert place.trials("t1-steady") == list(range(11))


def test_what_the_machine_does_not_have_is_told_and_the_others_run(place: Place) -> None:
    done = place.soak(SOAK_NEEDS="redis-server", PATH="/nowhere", CI="")
    assert done.code == 1
    assert "redis-server is missing" in done.harnesses["t2-shaky"]["missing"]
    assert done.harnesses["t1-steady"]["count"] == 20
    assert not place.diary.read_text().count("t2-shaky")


def test_time_that_is_up_leaves_harnesses_short_and_says_so(place: Place) -> None:
    done = place.soak("--hours", "0")
    assert done.code == 0
    assert "t1-steady: not run yet; 0 of 20 tests" in done.out
    assert not place.diary.exists()


def test_an_unknown_harness_and_a_strange_report_are_refused(place: Place) -> None:
    done = place.soak("--only", "t9")
    assert done.code == 2
    assert "known are t1-steady, t2-shaky" in done.out
    place.report.write_text("[1, 2")
    with pytest.raises(NoReport, match="--fresh"):
        load(place.report)


# -- how it is told -------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Notes the tags of a page, and every address in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.addresses += [value for name, value in attrs if name in {"src", "href"}]


def told() -> Report:
    machine = {"cpus": 2, "kernel": "Linux <6>", "python": "3.11", "mosquitto": "2.0.11"}
    record = Record("t3|evil", "T3", 'no "<script>" | runs', 600, {"seconds": (99, 0.25)})
    record.wanted = ["<u>", "late"]
    record.mutants = {"<u>": Mutant(caught=True, count=3, how="<s>it</s>")}
    for value in (0.1, 0.2):
        record.add(Trial(300, [], {"seconds": value}))
    return Report(machine, [Run("abc", "2026-11-22T20:00:00Z", 3780.0)], {record.name: record})


def test_the_page_is_whole_without_anything_from_outside_and_escapes_what_it_shows() -> None:
    text = page(told())
    tags = Tags(text)
    assert not {"script", "u", "s", "link", "img"} & tags.tags.keys()
    assert tags.addresses == []
    assert "url(" not in text
    assert "@import" not in text
    assert "no &quot;&lt;script&gt;&quot; | runs" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "1 h 03 min" in text


def test_the_page_shows_counts_bounds_figures_and_mutants() -> None:
    text = page(told())
    for word in ("600 of 600", "&lt; 1 in 200", "p99 0.2", "promised p99 ≤ 0.25", "not run yet"):
        assert word in text


def test_the_summary_is_one_table_whatever_the_titles_hold() -> None:
    lines = summary(told()).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 3
    assert "\\<script\\>" in rows[2]
    assert {row.replace("\\|", "").count("|") for row in rows} == {9}


def test_breaks_are_all_counted_and_some_are_kept_word_by_word() -> None:
    record = Record("t4", "T4", "holds", 100)
    for number in range(MOST_SENTENCES + 5):
        record.add(Trial(1, [f"break {number}"]))
    assert record.breaks == MOST_SENTENCES + 5
    assert len(record.broken) == MOST_SENTENCES
    assert words.troubles(record)[-1] == "and 5 more breaks"


def test_a_report_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    report = told()
    report.save(tmp_path / "report.json")
    assert load(tmp_path / "report.json") == report


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(42, "42 s"), (720, "12 min"), (25_380, "7 h 03 min"), (3599, "1 h 00 min")],
)
def test_durations_are_told_as_people_do(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text
