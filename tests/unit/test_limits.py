"""The arithmetic of where the limits are."""

from __future__ import annotations

import pytest

from deploy.cluster.limits import READERS, WATCHERS, Costs, Load, recorded, rows, table

COSTS = Costs(
    encode_sample=1e-6,
    decode_sample=1e-6,
    decode_status=1e-5,
    broker=1e-5,
    sample_bytes=20.0,
    status_bytes=300.0,
)
LOAD = Load(sites=10, agents=50, rate=100.0, batch=100, beat=5.0)


def _share(part: str, load: Load = LOAD, **more: float) -> float:
    return next(row.share for row in rows(load, COSTS, **more) if row.part == part)


def test_a_broker_pays_for_each_message_in_and_for_each_out() -> None:
    batches, beats = 50 * (1 + READERS), 10 * (1 + WATCHERS)
    assert _share("a site: broker") == pytest.approx((batches + beats) * 1e-5)


def test_what_is_in_one_place_is_as_many_times_as_much_as_there_are_sites() -> None:
    assert _share("all in one: broker") == pytest.approx(10 * _share("a site: broker"))
    assert _share("all in one: recorder") == pytest.approx(10 * 50 * 100 / recorded(100))


def test_a_network_half_as_fast_is_twice_as_full() -> None:
    part = "a site: network of its broker"
    assert _share(part, network=5e8) == pytest.approx(2 * _share(part, network=1e9))


def test_a_recorder_does_what_was_measured() -> None:
    assert recorded(1) == pytest.approx(20_000)
    assert recorded(100) == pytest.approx(350_000)
    assert recorded(1) < recorded(10) < recorded(100)


def test_larger_batches_spare_broker_and_recorder() -> None:
    single = Load(sites=10, agents=50, rate=100.0, batch=1, beat=5.0)
    assert _share("a site: broker", single) > 50 * _share("a site: broker")
    assert _share("a site: recorder", single) > 10 * _share("a site: recorder")


def test_the_table_names_what_is_too_much_for_one() -> None:
    much = Load(sites=1000, agents=50, rate=100.0)
    marked = [line for line in table(rows(much, COSTS)) if "too much for one" in line]
    assert any(line.startswith("all in one: recorder") for line in marked)
    assert not any(line.startswith("a site: ") for line in marked)
