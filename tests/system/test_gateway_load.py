"""A thousand connections a second through the gateway: the short form of `scripts/soak-gateway`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt.settings import BrokerUrl
from tests.system.gateway_load import Run


@pytest.mark.timeout(120)
def test_a_thousand_connections_a_second_lose_nothing(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    measured = Run(mosquitto_url, topic_root, tmp_path).measure(rate=1000, seconds=3)
    assert (measured.sent, measured.arrived) == (3000, 3000), measured
    assert (measured.lost, measured.twice, measured.refused) == (0, 0, 0), measured
    assert measured.in_order, measured
