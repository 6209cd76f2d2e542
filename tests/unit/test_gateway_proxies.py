"""The proxies of a gateway: one that cannot start keeps no other from its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt import Settings
from pyros_mqtt.gateway import proxies
from pyros_mqtt.gateway.proxies import Proxies
from pyros_mqtt.journal import journal_path
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics

FIRST, SECOND = "telescope", "majordome"
AGENTS = {FIRST: {"receive_port": 1}, SECOND: {"receive_port": 2}}
for section in AGENTS.values():
    section.update(proxy=True, probe=0)


def after_another_look(kept: Proxies) -> dict[str, str]:
    kept.keep()
    return kept.troubles


def test_a_proxy_that_cannot_start_keeps_no_other_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "AGAIN", 0.0)
    settings = Settings(
        brokers=(), root="test", journal="sqlite", state_dir=tmp_path, gateway={"agents": AGENTS}
    )
    obstacle = journal_path(tmp_path, Topics("test").client_id(FIRST))
    obstacle.mkdir(parents=True)
    with Rehearsal(settings=settings) as stage:
        kept = Proxies(settings, stage.bus)
        try:
            kept.keep()
            stage.wait_until(lambda: stage.fleet.get(SECOND) is not None)
            assert "the proxy of telescope cannot start" in kept.troubles[FIRST]
            assert SECOND not in kept.troubles
            obstacle.rmdir()
            stage.wait_until(lambda: FIRST not in after_another_look(kept))
            assert stage.fleet.get(FIRST) is not None
        finally:
            kept.stop(10.0)
