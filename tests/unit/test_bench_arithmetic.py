"""What the benchmark reckons: quantiles, medians, histograms, counts, ratios, goals, tables."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from bench import plots, report
from bench.checker import Wrong, check
from bench.goals import GOALS, figures, ratios
from bench.job import Job
from bench.quantiles import cumulative, histogram, medians, merged, quantile
from bench.rounds import Record, Results, order
from bench.stage import Sample
from bench.systems import PEERS, SYSTEMS, System, chosen
from bench.tally import Tally

ABOUT = {"at": "2026-11-22T20:00:00Z", "commit": "abc", "quick": True,
         "machine": {"cores": 2, "system": "Linux", "python": "3.11", "load": 0.1}}  # fmt: skip


def results_of(**figures: dict[str, dict[str, float]]) -> Results:
    """Results of one round: work, system, figures; `_` stands for `-` in the works' names."""
    return Results(
        {
            work.replace("_", "-"): {name: Record([one]) for name, one in systems.items()}
            for work, systems in figures.items()
        }
    )


def test_a_quantile_lies_between_two_values_where_it_has_to() -> None:
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([7], 0.99) == 7
    assert quantile(range(101), 0.99) == 99


def test_no_values_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_medians_are_of_the_rounds_that_have_the_figure() -> None:
    assert medians([{"a": 1, "b": 5}, {"a": 3}, {"a": 2}]) == {"a": 2, "b": 5}


def test_a_histogram_keeps_every_value_and_its_order_of_size() -> None:
    bins = merged([histogram([10, 100, 100]), histogram([1000, 10])])
    assert sum(bins.values()) == 5
    edges, shares = cumulative(bins)
    assert edges == sorted(edges)
    assert shares == pytest.approx([0.4, 0.8, 1.0])
    assert edges == pytest.approx([10, 100, 1000], rel=0.05)


def test_a_round_begins_with_another_system_each_time() -> None:
    names = [[one.name for one in order(SYSTEMS[:3], number)] for number in range(4)]
    assert names[0] == names[3]
    assert {one[0] for one in names} == {one.name for one in SYSTEMS[:3]}


def test_a_tally_tells_what_was_lost_doubled_and_strange() -> None:
    tally = Tally(Job(count=3, warmup=1))
    for number in (0, 2, 2, 9):
        tally.take(number)
    told = tally.told()
    assert (told["received"], told["doubled"], told["strange"]) == (2, 1, 1)
    with pytest.raises(Wrong, match="2 of 4 messages were lost, 1 came twice, 1 were never sent"):
        check("trial", told)


def test_a_full_tally_passes_the_check() -> None:
    tally = Tally(Job(count=3, warmup=1))
    for number in range(4):
        tally.take(number)
    assert tally.is_full.is_set()
    check("trial", tally.told(), {"wrong": 0})


def test_wrong_answers_fail_the_check() -> None:
    with pytest.raises(Wrong, match="3 had a wrong answer"):
        check("trial", {"wrong": 3})


@pytest.mark.parametrize("size", [10, 100, 100_000])
def test_a_payload_has_its_size_and_its_number(size: int) -> None:
    job = Job(size=size)
    assert len(job.payload(1234)) == size
    assert int(job.payload(1234)[:10]) == 1234
    assert 2 <= job.most_ahead * size <= 16 * 1024 * 1024


def test_ratios_are_ours_divided_by_theirs() -> None:
    found = ratios(
        results_of(
            ask={"pyros": {"p50_us": 500, "p99_us": 900}, "paho": {"p50_us": 1000, "p99_us": 600}},
            cli={"pyros": {"run_ms": 60}, "mosquitto": {"run_ms": 10, "bare_ms": 20}},
            commands={"pyros": {"per_s": 3000}},
        )
    )
    assert found == {
        "ask_p50_vs_paho": 0.5, "ask_p99_vs_paho": 1.5, "send_cli_vs_mosquitto_pub": 2.0,
    }  # fmt: skip


def test_goals_tell_reached_missed_and_not_measured() -> None:
    rows = {
        one.goal.source: one
        for one in figures(
            results_of(
                commands={"pyros": {"per_s": 3500}},
                memory={"pyros": {"mb": 50}},
                curves={"pyros": {"fleet_share@100": 0.01, "fleet_share@1000": 0.1}},
            )
        )
    }
    assert rows["commands", "per_s"].is_met is True
    assert rows["memory", "mb"].is_met is False
    assert rows["ask_p50_vs_paho"].is_met is None
    assert rows["agent_among_1000_vs_100"].measured == pytest.approx(1)


def test_every_goal_stands_in_the_results_also_where_nothing_was_measured() -> None:
    told = report.body(Results(), SYSTEMS, 1, ABOUT)
    assert len(told["figures"]) == len(GOALS)
    assert json.loads(json.dumps(told))["ratios"] == {}


def test_the_tables_begin_with_the_best() -> None:
    found = results_of(
        ask={"pyros": {"p50_us": 900, "p99_us": 1}, "paho": {"p50_us": 500, "p99_us": 1}},
        commands={"paho": {"per_s": 10}, "pyros": {"per_s": 20_000}},
    )
    text = report.markdown(found, 1, ABOUT)
    asked, done = text.split("**Commands, 200 outstanding**")
    assert asked.index("| paho |") < asked.index("| pyros |")
    assert done.index("| pyros | 20,000 |") < done.index("| paho | 10 |")


def test_what_was_not_run_and_what_failed_is_told() -> None:
    found = Results(not_run={"clu": "no rabbitmq"}, failures=["ask, paho: 3 were lost"])
    text = report.markdown(found, 1, ABOUT)
    assert "* clu: no rabbitmq" in text
    assert "* ask, paho: 3 were lost" in text


def test_the_page_keeps_what_stands_around_the_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for text in ("new", "newer"):
        report.into_page(page, text)
    kept = page.read_text()
    assert kept.startswith("before")
    assert kept.endswith("after\n")
    assert "newer" in kept
    assert "old" not in kept


def test_a_record_keeps_the_figures_of_each_round() -> None:
    record = Record()
    record.add(Sample({"p50_us": 1.0}, [1000, 2000]))
    record.add(Sample({"p50_us": 3.0}, [3000]))
    told = record.told()
    assert told["rounds"] == [{"p50_us": 1.0}, {"p50_us": 3.0}]
    assert told["median"] == {"p50_us": 2.0}
    assert sum(dict(told["histogram_us"]).values()) == 3  # type: ignore[call-overload]


def test_the_library_is_always_among_those_who_are_measured() -> None:
    assert [one.name for one in chosen(["paho"])] == ["pyros", "pyros-memory", "paho"]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: one.name)
def test_each_peer_names_its_settings_and_its_exact_versions(system: System) -> None:
    assert len(system.settings) > 40
    if system.requirements.exists():
        assert all("==" in line for line in system.requirements.read_text().split())
        assert report.version_of(system)


@pytest.mark.parametrize("file", sorted(PEERS.glob("*/peer.py")), ids=lambda one: one.parent.name)
def test_peers_import_nothing_of_ours_but_what_runs_anywhere(file: Path) -> None:
    anywhere = {"bench", *(f"bench.{one}" for one in ("flow", "job", "lane", "pace", "tally"))}
    if file.parent.name == "pyros":
        return
    tree = ast.parse(file.read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if name.startswith(("bench", "pyros"))} <= anywhere


def test_latencies_and_curves_are_drawn(tmp_path: Path) -> None:
    curve = {"ask_p50_us@10": 1.0, "ask_p50_us@100": 2.0, "oneway_per_s@10": 3.0}
    found = results_of(
        curves={"pyros": curve | {"fleet_share@1": 0.1, "storm_seen_s@1": 0.2}, "paho": curve}
    )
    found.records["ask"] = {"pyros": Record([{}], [histogram([1, 2, 3])])}
    drawn = [one.name for one in plots.draw(found, tmp_path)]
    assert drawn == ["bench-latencies.svg", "bench-sizes.svg", "bench-agents.svg"]
    assert all((tmp_path / name).read_text().startswith("<?xml") for name in drawn)
