"""The guide's three machines, as its page says; `scripts/try-installation` plays all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.installing import HOSTS, PAGE, STAGES, blocks_of_stages, machines
from tests.docs.pages import blocks_of
from tests.need import need
from tests.system.own_lan import can_be_had


@pytest.mark.timeout(400)
def test_three_machines_behind_closed_doors(tmp_path: Path) -> None:
    need("mosquitto")
    if not can_be_had():
        pytest.skip("several hosts need root, and Linux network namespaces")
    with machines(tmp_path, lends=True) as place:
        try:
            place.play(blocks_of_stages([2]))
        except AssertionError as trouble:
            pytest.fail("\n".join([str(trouble), *place.said()]))


def test_whatever_the_script_is_to_run_says_where() -> None:
    told = [one for one in blocks_of(PAGE) if "installation" in one.values.get("not-run", "")]
    assert {one.values["stage"] for one in told} == {str(stage) for stage in STAGES}
    assert all(set(one.values["on"].split(",")) <= set(HOSTS) for one in told)
