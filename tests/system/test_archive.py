"""The same questions to an archive in SQLite and to one in PostgreSQL have the same answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyros_mqtt.archive import Archive, Store, open_store
from pyros_mqtt.archive.moments import Nights
from pyros_mqtt.archive.rows import MICRO
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.recorder.housekeeping import Housekeeper, Policy, reopen
from pyros_mqtt.wire import to_rfc3339
from tests.system.archive_filling import EVENING, azimuth, fill
from tests.system.own_postgres import OwnPostgres

DAY = 86_400.0

MILLENNIUM = 946_684_800.0
"""2000-01-01T00:00:00Z, where the clock of many a small machine begins."""


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with OwnPostgres() as own:
        yield own


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'archive.sqlite'}"
    own: OwnPostgres = request.getfixturevalue("server")
    return own.database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = open_store(url)
    yield made
    made.close()


@pytest.fixture
def archive(url: str, store: Store) -> Iterator[Archive]:
    assert store.place
    with Archive(url) as made:
        yield made


def test_what_was_written_is_read(store: Store, archive: Archive) -> None:
    assert fill(store, *map(azimuth, range(1000))) == 1000
    assert fill(store, *map(azimuth, range(900, 1100))) == 100
    read = archive.read("dome", "azimuth")
    assert np.array_equal(read.times, EVENING + np.arange(1100))
    assert np.array_equal(read.values, np.arange(1100) % 360)
    part = archive.read("dome", "azimuth", EVENING + 10, EVENING + 13)
    assert part.values.tolist() == [10, 11, 12]
    assert archive.ends("dome", "azimuth") == (EVENING, EVENING + 1099)
    assert archive.troubles() == []


def test_forms_that_are_no_single_number_come_back_as_columns(
    store: Store, archive: Archive
) -> None:
    topic = "dome/telemetry/mix"
    fill(
        store,
        (topic, {"t": [EVENING, EVENING + 1], "v": {"x": [1, None]}, "q": ["good", "bad"]}),
        (topic, {"t": EVENING + 2, "v": {"x": 3, "side": "east"}, "late": True}),
        ("dome/telemetry/plain", b"12.5"),
    )
    read = archive.read("dome", "mix")
    assert np.array_equal(read.columns["x"], [1, np.nan, 3], equal_nan=True)
    assert read.columns["side"].tolist() == [None, None, "east"]
    assert read.table()["quality"].tolist() == ["good", "bad", "good"]
    assert read.late.tolist() == [False, False, True]
    assert archive.read("dome", "plain").values.tolist() == [12.5]


def test_a_batch_that_began_before_is_found(store: Store, archive: Archive) -> None:
    body = {"t0": EVENING, "dt": 1.0, "v": list(range(3000))}
    fill(store, ("dome/telemetry/steady", body))
    read = archive.read("dome", "steady", EVENING + 2990, EVENING + 2993)
    assert read.values.tolist() == [2990, 2991, 2992]


def test_steps_have_mean_extremes_and_count(store: Store, archive: Archive) -> None:
    fill(store, *map(azimuth, range(120)))
    bad = {"t": EVENING + 5.5, "v": 1e6, "q": "bad"}
    fill(store, ("dome/telemetry/azimuth", bad))
    read = archive.read("dome", "azimuth", every="1min")
    assert read.columns["mean"].tolist() == [29.5, 89.5]
    assert read.columns["min"].tolist() == [0, 60]
    assert read.columns["max"].tolist() == [59, 119]
    assert read.columns["count"].tolist() == [60, 60]


def test_steps_of_fields_have_no_column_beside_them_where_a_part_of_the_time_is_empty(
    store: Store, archive: Archive
) -> None:
    fill(store, ("dome/telemetry/at", {"t": EVENING, "v": {"ra": 1.0}}))
    keep_house(store, EVENING + DAY)
    read = archive.read("dome", "at", EVENING, EVENING + 2 * DAY, every=60)
    assert sorted(read.columns) == ["ra_count", "ra_max", "ra_mean", "ra_min"]


def test_more_samples_than_some_are_noticed(store: Store, archive: Archive) -> None:
    body = {"t0": EVENING, "dt": 1.0, "v": list(range(60))}
    fill(store, ("dome/telemetry/steady", body), ("dome/telemetry/steady", {"t": 0, "v": 1}))

    def has_more(than: int, start: float) -> bool:
        return archive.has_more("dome", "steady", start, start + 10, than)

    assert has_more(59, EVENING + 50)
    assert not has_more(60, EVENING + 50)
    assert not has_more(0, EVENING + 70)


def test_messages_that_are_missing_are_counted(store: Store, archive: Archive) -> None:
    numbers = [*range(10), *range(15, 20)]
    fill(store, *map(azimuth, numbers))
    fill(store, ("dome/telemetry/azimuth", azimuth(3, start=EVENING + 500)[1] | {"session": "b"}))
    account = archive.account("dome", "azimuth")
    assert (account.messages, account.samples, account.missing, account.lives) == (16, 16, 5, 2)
    (gap,) = account.gaps
    assert (gap.start, gap.stop) == (EVENING + 9, EVENING + 15)


def test_samples_that_are_missing_are_counted_by_what_a_batch_says_came_before(
    store: Store, archive: Archive
) -> None:
    def batch(seq: int, first: int) -> tuple[str, dict[str, Any]]:
        body = {"t0": EVENING + first, "dt": 1, "v": [0] * 10, "seq": seq, "n": first}
        return "dome/telemetry/fast", body | {"session": "a"}

    fill(store, batch(0, 0), batch(1, 10), batch(4, 40))
    (gap,) = archive.account("dome", "fast").gaps
    assert (gap.missing, gap.samples) == (2, 20)


def test_samples_are_counted_that_are_missing_after_the_first_batch_of_a_life(
    store: Store, archive: Archive
) -> None:
    first = {"t0": EVENING, "dt": 1, "v": [0] * 10, "seq": 0, "session": "a"}
    later = first | {"t0": EVENING + 50, "seq": 5, "n": 50}
    fill(store, ("dome/telemetry/fast", first), ("dome/telemetry/fast", later))
    (gap,) = archive.account("dome", "fast").gaps
    assert (gap.missing, gap.samples) == (4, 40)


def test_what_happened_is_told_in_its_order(store: Store, archive: Archive) -> None:
    fill(
        store,
        ("dome/outbox/ops", {"state": "done", "at": "2025-11-22T20:00:02.000Z"}),
        ("dome/status", {"state": "ready", "at": "2025-11-22T20:00:00.000Z"}),
        ("camera/inbox", {"message": "expose", "sent_at": "2025-11-22T20:00:01.000Z"}),
    )
    told = [(event.agent, event.branch, event.leaf) for event in archive.events()]
    assert told == [("dome", "status", ""), ("camera", "inbox", ""), ("dome", "outbox", "ops")]
    (report,) = archive.events("dome", {"outbox"})
    assert report.document == {"state": "done", "at": "2025-11-22T20:00:02.000Z"}
    assert not list(archive.events(start=EVENING + 3))


def test_a_span_is_streamed_to_its_end_though_its_events_end_before(
    store: Store, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.archive.postgres._FETCH", 10)
    said = {"state": "ready", "at": to_rfc3339(EVENING)}
    fill(store, *map(azimuth, range(25)), ("dome/status", said))
    fill(store, ("dome/telemetry/steady", {"t": EVENING + 7, "v": 1.0}))
    streamed = list(archive.stream(EVENING, EVENING + 60))
    assert len(streamed) == 27
    assert [moment for moment, _ in streamed] == sorted(moment for moment, _ in streamed)


def test_two_that_are_read_side_by_side_do_not_end_one_another(
    store: Store, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.archive.postgres._FETCH", 2)
    for second in range(6):
        at = to_rfc3339(EVENING + second)
        fill(store, ("dome/status", {"state": "ready", "at": at}))
    first, other = archive.events(stop=EVENING + 3), archive.events()
    assert next(first).time == next(other).time == EVENING
    assert len(list(first)) == 2
    assert len(list(other)) == 5
    assert fill(store, azimuth(0)) == 1
    assert len(archive.read("dome", "azimuth")) == 1


def test_units_are_those_of_the_latest_about(store: Store, archive: Archive) -> None:
    fill(store, azimuth(0))
    for unit in ("rad", "deg"):
        fill(store, ("dome/about", {"agent": "dome", "telemetry": {"azimuth": {"unit": unit}}}))
    assert archive.read("dome", "azimuth").unit == "deg"


def test_what_was_never_recorded_is_told_with_what_was(store: Store, archive: Archive) -> None:
    fill(store, azimuth(0))
    with pytest.raises(ArchiveError, match="its channels are azimuth"):
        archive.read("dome", "azimut")


def test_one_right_is_held_by_one(store: Store) -> None:
    assert store.lease("dome", "one", 100, 200) == 0
    assert store.lease("dome", "one", 150, 250) == 0
    assert store.lease("dome", "two", 200, 300) is None
    assert store.lease("dome", "two", 250, 350) == 250


def test_two_that_write_at_the_same_time_write_each_once(url: str, store: Store) -> None:
    assert store.place
    new: list[int] = []

    def write() -> None:
        own = open_store(url)
        new.append(sum(fill(own, *map(azimuth, range(n, n + 50))) for n in range(0, 1000, 50)))
        own.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(new) == 1000


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fill_and_fail() -> None:
        with store.together():
            fill(store, azimuth(0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fill_and_fail()
    assert store.sources("pyros") == {}
    assert fill(store, azimuth(0)) == 1


# -- housekeeping -------------------------------------------------------------------------------


def keep_house(store: Store, now: float, **policy: int) -> None:
    keeper = Housekeeper("recorder", "pyros", Nights(), Policy(**policy))
    keeper.look(store, now, lambda: False)


def test_a_night_that_is_over_is_down_sampled(store: Store, archive: Archive) -> None:
    fill(store, *(azimuth(i, step=10.0) for i in range(720)))
    before = archive.read("dome", "azimuth", every="1min")
    keep_house(store, EVENING + 4 * 3600)
    assert store.nights("pyros") == {}
    keep_house(store, EVENING + DAY)
    assert store.nights("pyros") == {"2025-11-22": (True, False)}
    after = archive.read("dome", "azimuth", every="1min")
    for name in ("mean", "min", "max", "count"):
        assert np.allclose(before.columns[name], after.columns[name])
    hours = archive.read("dome", "azimuth", every="1h")
    assert hours.columns["count"].tolist() == [360, 360]
    assert hours.columns["mean"].tolist() == [179.5, 179.5]


def test_what_is_kept_long_enough_goes_and_its_means_stay(store: Store, archive: Archive) -> None:
    evenings = [EVENING + n * DAY for n in range(4)]
    for evening in evenings:
        fill(store, *(azimuth(i, start=evening) for i in range(60)))
    fill(store, ("dome/status", {"state": "ready", "at": "2025-11-22T20:00:00.000Z"}))
    keep_house(store, EVENING + 4 * DAY, raw=2, events=2)
    assert len(archive.read("dome", "azimuth")) == 120
    assert archive.read("dome", "azimuth", every=60).columns["count"].tolist() == [60] * 4
    assert not list(archive.events())
    keep_house(store, EVENING + 4 * DAY, raw=2, minutes=3)
    assert len(archive.read("dome", "azimuth", every=60)) == 3
    assert len(archive.read("dome", "azimuth", every=3600)) == 4


def test_what_comes_late_is_added_to_the_night_it_belongs_to(
    store: Store, archive: Archive
) -> None:
    fill(store, *map(azimuth, range(60)))
    keep_house(store, EVENING + DAY)
    fill(store, azimuth(60, step=0.5))
    reopen(Nights(), "pyros", [int((EVENING + 30) * MICRO)], store)
    keep_house(store, EVENING + DAY)
    assert archive.read("dome", "azimuth", every=60).columns["count"].tolist() == [61]
    keep_house(store, EVENING + 9 * DAY, raw=1)
    assert len(archive.read("dome", "azimuth")) == 0
    fill(store, azimuth(61, step=0.5))
    reopen(Nights(), "pyros", [int((EVENING + 30.5) * MICRO)], store)
    keep_house(store, EVENING + 9 * DAY, raw=1)
    assert archive.read("dome", "azimuth", every=60).columns["count"].tolist() == [62]
    assert len(archive.read("dome", "azimuth")) == 0


def test_the_same_keeper_goes_on_the_next_night(store: Store) -> None:
    keeper = Housekeeper("recorder", "pyros", Nights(), Policy(raw=1))
    for night in range(3):
        fill(store, azimuth(night, start=EVENING + night * DAY))
        keeper.look(store, EVENING + (night + 1) * DAY, lambda: False)
    assert sorted(store.nights("pyros").items()) == [
        ("2025-11-22", (True, True)),
        ("2025-11-23", (True, True)),
        ("2025-11-24", (True, False)),
    ]


def test_a_sample_of_an_old_clock_does_not_keep_what_is_to_go(store: Store) -> None:
    keeper = Housekeeper("recorder", "pyros", Nights(), Policy(raw=1))
    fill(store, azimuth(0))
    keeper.look(store, EVENING + DAY, lambda: False)
    fill(store, azimuth(0, start=MILLENNIUM), azimuth(1, start=EVENING + DAY))
    late = [int(one * MICRO) for one in (MILLENNIUM, EVENING + DAY + 1, time.time() + 9 * DAY)]
    reopen(Nights(), "pyros", late, store)
    keeper.look(store, EVENING + 2 * DAY, lambda: False)
    assert sorted(store.nights("pyros").items()) == [
        ("1999-12-31", (True, True)),
        ("2025-11-22", (True, True)),
        ("2025-11-23", (True, False)),
    ]
    (number,) = store.sources("pyros").values()
    assert store.next_after(number, 0) == int((EVENING + DAY + 1) * MICRO)
    assert len(list(store.rolls(number, 60, 0, int((MILLENNIUM + DAY) * MICRO)))) == 1


def test_what_comes_late_opens_no_night_before_its_end_is_certain(store: Store) -> None:
    keeper = Housekeeper("recorder", "pyros", Nights(), Policy())
    fill(store, azimuth(0))
    reopen(Nights(), "pyros", [int(EVENING * MICRO)], store)
    noon = Nights().span("2025-11-22")[1]
    keeper.look(store, noon + 60, lambda: False)
    assert store.nights("pyros") == {"2025-11-22": (False, False)}
    keeper.look(store, noon + 2 * 3600, lambda: False)
    assert store.nights("pyros") == {"2025-11-22": (True, False)}


def test_only_one_recorder_keeps_house(store: Store) -> None:
    fill(store, azimuth(0))
    keeper = Housekeeper("recorder", "pyros", Nights(), Policy())
    store.lease("pyros:housekeeping", "recorder-2", 0, 2**60)
    keeper.look(store, EVENING + DAY, lambda: False)
    assert store.nights("pyros") == {}
    store.lease("pyros:housekeeping", "recorder-2", 0, 1)
    keeper.look(store, EVENING + DAY, lambda: False)  # the other one is gone
    assert store.nights("pyros") == {"2025-11-22": (True, False)}


def test_a_newer_archive_is_refused(url: str, store: Store) -> None:
    with store.together():
        if url.startswith("sqlite"):
            store._change("PRAGMA user_version = 99")  # type: ignore[attr-defined]
        else:
            store._change("INSERT INTO pyros.version VALUES (99)")  # type: ignore[attr-defined]
    with pytest.raises(ArchiveError, match="newer"):
        open_store(url)
