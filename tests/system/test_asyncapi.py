"""`pyros describe --asyncapi` of a real fleet, judged by AsyncAPI's own parser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyros_agents.camera import Camera
from pyros_agents.dome import Dome
from pyros_agents.safety import Safety
from pyros_agents.scheduler import Scheduler
from pyros_agents.telescope import Telescope
from pyros_agents.weather import Weather
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics
from tests.need import ASYNCAPI, need
from tests.system.pyros_command import Pyros
from tests.system.test_cli_views import publish

CHECK = Path(__file__).with_name("asyncapi_check.js")

SHIPPED = (Camera, Dome, Safety, Scheduler, Telescope, Weather)


def faults(text: str) -> list[str]:
    """The parser's errors and warnings; its recommendations, such as tags, are no faults."""
    done = subprocess.run(  # noqa: S603
        ["node", str(CHECK), str(ASYNCAPI)],  # noqa: S607
        input=text,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    *found, end = done.stdout.splitlines()
    assert end == "parsed", done.stderr[-2000:]
    return [one for one in found if not one.startswith("information ")]


@pytest.fixture
def shipped(mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[list[str]]:
    """The agents of an observatory, on the same broker and root; gives their names."""
    settings = Settings(brokers=(mosquitto_url,), root=topic_root, beat=1.0)
    agents = [kind(settings=settings) for kind in SHIPPED]
    try:
        for one in agents:
            one.start()
        with Fleet(Brokers(settings), Topics(topic_root)) as fleet:
            names = [one.name for one in agents]
            known = fleet.wait_until(
                lambda: all((m := fleet.get(name)) and m.about for name in names), 20
            )
            assert known
        yield names
    finally:
        for one in agents:
            one.stop()
        for one in agents:
            one.join(10)


def test_the_document_of_a_fleet_is_without_fault(
    pyros: Pyros, shipped: list[str], mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    need("asyncapi")
    publish(mosquitto_url, f"{topic_root}/rain/status", b"ready")
    done = pyros("describe", "--asyncapi")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert {f"{name}.inbox" for name in [*shipped, "rain"]} <= set(document["channels"])
    place = f"{mosquitto_url.host}:{mosquitto_url.port}"
    assert document["servers"] == {"broker": {"host": place, "protocol": "mqtt"}}
    goto = document["channels"]["telescope.inbox"]["messages"]["goto"]["payload"]["allOf"][1]
    assert {"ra", "dec"} <= set(goto["properties"]["args"]["properties"])
    assert faults(done.out) == []
    # the parser does find faults: a type that there is not, a channel that is not there
    goto["type"] = "thing"
    document["operations"]["dome.status"]["channel"]["$ref"] = "#/channels/nowhere"
    told = "\n".join(faults(json.dumps(document)))
    assert "telescope.inbox" in told
    assert "nowhere" in told


def test_the_document_of_a_strange_agent_is_without_fault(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    need("asyncapi")
    odd = {"type": "thing", "properties": {"x": {"$ref": "file:///etc/passwd"}, "y": {"enum": []}}}
    about = {
        "messages": {"é / {odd} ~1#": {"args": odd, "description": "\ud800"}, " ": {"args": {}}},
        "telemetry": {"a/b": {}, "ok": {"unit": "%", "range": [0, 1e300]}},
    }
    # json writes the half of a letter as an escape, so that it comes through as UTF-8
    publish(mosquitto_url, f"{topic_root}/odd/about", json.dumps(about).encode())
    done = pyros("describe", "odd", "--asyncapi")
    assert (done.code, done.err) == (0, "")
    assert list(json.loads(done.out)["channels"]) == [
        *("odd.inbox", "odd.outbox", "odd.status", "odd.about"),
        *("odd.telemetry.ok", "odd.alarm", "odd.log"),
    ]
    assert faults(done.out) == []


def test_describing_needs_a_name_or_asyncapi(pyros: Pyros) -> None:
    done = pyros("describe")
    assert done.code == 2
    assert "name an agent, or --asyncapi" in done.err


def test_an_agent_that_is_not_there_has_no_document(pyros: Pyros, barebones: str) -> None:
    done = pyros("describe", "barebone", "--asyncapi")
    assert done.code == 3
    assert f"did you mean {barebones!r}?" in done.err
