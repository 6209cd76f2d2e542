"""What waits to be written: bounded in memory, and on the disk."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from pyros_mqtt.recorder.arrivals import BUNDLE, OVERHEAD, Arrival, Arrivals, Overflow


def test_what_comes_is_given_in_its_order_each_with_a_moment_of_its_own() -> None:
    arrivals = Arrivals(10**6)
    for number in range(100):
        arrivals.put("pyros/dome/status", str(number).encode(), retain=False)
    taken = arrivals.take(60) + arrivals.take(60)
    assert [one.payload for one in taken] == [str(number).encode() for number in range(100)]
    assert len({one.heard for one in taken}) == 100
    assert arrivals.size == 0


def heard_at(monkeypatch: pytest.MonkeyPatch, *moments: float) -> list[int]:
    """Microseconds after 1000 s at which a recorder with such a clock has heard its messages."""
    arrivals = Arrivals(10**6)
    for moment in moments:
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        arrivals.put("pyros/dome/telemetry/azimuth", b"12.3", retain=False)
    return [one.heard - 1_000_000_000 for one in arrivals.take(100)]


def test_after_the_clock_was_set_back_messages_are_heard_by_the_new_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = heard_at(monkeypatch, 4600.0, 1000.0, 1000.5, 1001.0)
    assert heard == [3_600_000_000, 0, 500_000, 1_000_000]


def test_a_clock_that_hesitates_puts_no_message_before_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert heard_at(monkeypatch, 1000.5, 1000.0, 1000.0) == [500_000, 500_001, 500_002]


def test_beyond_the_limit_messages_are_dropped_and_counted() -> None:
    arrivals = Arrivals(3 * (OVERHEAD + 10))
    for _ in range(5):
        arrivals.put("pyros/dome/status", b"x" * 10, retain=False)
    assert (len(arrivals), arrivals.dropped, arrivals.heard) == (3, 2, 5)
    arrivals.take(1)
    arrivals.put("pyros/dome/status", b"x" * 10, retain=False)
    assert len(arrivals) == 3


def test_large_messages_are_taken_a_few_at_a_time() -> None:
    arrivals = Arrivals(10**9)
    for _ in range(20):
        arrivals.put("pyros/dome/status", bytes(2**20), retain=False)
    assert len(arrivals.take(100)) == BUNDLE // 2**20
    assert arrivals.size == (20 - BUNDLE // 2**20) * (OVERHEAD + 2**20)


def test_bundles_on_the_disk_outlive_the_process(tmp_path: Path) -> None:
    first = [Arrival("pyros/dome/status", b"\x00\xff", 5, retain=True)]
    second = [Arrival("pyros/dome/log/info", b"", 6, retain=False)] * 3
    before = Overflow(tmp_path / "spool", 10**6)
    assert before.put(first)
    assert before.put(second)
    after = Overflow(tmp_path / "spool", 10**6)
    assert len(after) == 4
    assert after.first() == first
    assert after.drop_first() == 1
    assert after.first() == second
    assert after.drop_first() == 3
    assert not after.first()
    assert not list((tmp_path / "spool").iterdir())


def test_the_disk_is_not_filled_beyond_the_limit(tmp_path: Path) -> None:
    overflow = Overflow(tmp_path, 1000)
    bundle = [Arrival("pyros/dome/status", b"x" * 600, 5, retain=False)]
    assert overflow.put(bundle)
    assert not overflow.put(bundle)
    assert len(overflow) == 1


def test_a_bundle_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    overflow = Overflow(tmp_path / "file" / "spool", 1000)
    assert not overflow.put([Arrival("pyros/dome/status", b"x", 5, retain=False)])
    assert len(overflow) == 0


def test_a_bundle_that_is_cut_off_is_not_read(tmp_path: Path) -> None:
    overflow = Overflow(tmp_path, 10**6)
    overflow.put([Arrival("pyros/dome/status", b"x" * 50, 5, retain=False)])
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-10])
    assert Overflow(tmp_path, 10**6).first() == []


def test_a_bundle_that_cannot_be_read_now_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overflow = Overflow(tmp_path, 10**6)
    bundle = [Arrival("pyros/dome/status", b"x", 5, retain=False)]
    overflow.put(bundle)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", out_of_files)
        with pytest.raises(OSError, match="Too many open files"):
            overflow.first()
    assert overflow.first() == bundle


def out_of_files(_file: Path) -> bytes:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "last-night.bundle"
    foreign.write_text("mine")
    assert len(Overflow(tmp_path, 10**6)) == 0
    assert foreign.read_text() == "mine"
