"""The demo's night, as a user plays it, on each kind of broker."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from pyros_mqtt.settings import BrokerUrl
from tests.need import need
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.pyros_command import Pyros

AGENTS = {"weather", "safety", "dome", "telescope", "camera", "scheduler", "alert_manager"}
SEED = 59
"""A storm in which the broker is struck early; any other has to end well, too."""

BURST = (74.7412, -9.3137)


def check_the_bill(bill: dict[str, Any]) -> None:
    assert bill["problems"] == []
    assert {agent["name"]: agent["state"] for agent in bill["agents"]} == dict.fromkeys(
        AGENTS, "stopped"
    )
    assert bill["alert"]["ivorn"].startswith("ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos")
    assert (bill["alert"]["ra"], bill["alert"]["dec"]) == pytest.approx(BURST)
    steps = bill["seconds"]
    assert 0 < steps["notice_to_command"] < 1
    assert steps["notice_to_command"] < steps["notice_to_on_target"]
    assert steps["notice_to_on_target"] <= steps["notice_to_first_exposure"]
    assert bill["commands"]["done"] > 0
    assert len(bill["images"]) == 3


def check_the_images(paths: list[str]) -> None:
    for path in paths:
        with fits.open(path) as hdus:
            header = hdus[0].header
            assert header["OBJECT"] == "Swift 532871"
            assert (header["RA"], header["DEC"]) == pytest.approx(BURST, abs=0.01)
            assert header["EXPTIME"] == 20
            assert hdus[0].data.std() > 1


@pytest.mark.timeout(150)
def test_the_night_is_played_and_a_shell_can_take_part(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    need("mosquitto_pub")
    need("mosquitto_sub")
    address = ["-h", mosquitto_url.host, "-p", str(mosquitto_url.port)]
    pyros = Pyros(tmp_path, PYROS_BROKERS=str(mosquitto_url), PYROS_ROOT=topic_root)
    with pyros.running("demo", "--headless", "--json") as demo:
        demo.until("On target", timeout=90)
        outbox = f"{topic_root}/dome/outbox/anonymous"
        ear = subprocess.Popen(  # noqa: S603 - Debian's own
            ["mosquitto_sub", *address, "-t", outbox, "-C", "1", "-W", "60"],  # noqa: S607
            stdout=subprocess.PIPE,
            text=True,
        )
        demo.until("Rain:", timeout=60)
        close = ["mosquitto_pub", *address, "-t", f"{topic_root}/dome/inbox", "-m", "close"]
        subprocess.run(close, check=True, timeout=10)  # noqa: S603
        heard, _ = ear.communicate(timeout=60)
        bill = json.loads(demo.until(r"^\{", timeout=60))
        assert demo.process.wait(20) == 0
    assert json.loads(heard)["state"] == "accepted"
    check_the_bill(bill)
    check_the_images(bill["images"])


@pytest.mark.timeout(150)
def test_the_night_is_played_on_the_embedded_broker(
    embedded_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    pyros = Pyros(tmp_path, PYROS_BROKERS=str(embedded_url), PYROS_ROOT=topic_root)
    with pyros.running("demo", "--headless", "--json", "--speed", "30") as demo:
        bill = json.loads(demo.until(r"^\{", timeout=120))
        assert demo.process.wait(20) == 0
    check_the_bill(bill)


def test_the_demo_does_not_command_an_observatory_that_is_there(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    pyros = Pyros(tmp_path, PYROS_BROKERS=str(mosquitto_url), PYROS_ROOT=topic_root)
    words = ("run", "pyros_agents.barebones:Barebones", "--name", "scheduler")
    with pyros.running(*words), pyros.running("watch") as watch:
        watch.until("scheduler.*ready")
        refused = pyros("demo", "--headless")
        assert refused.code == 1
        assert "scheduler" in refused.out + refused.err
        assert "--root" in refused.out + refused.err


@pytest.mark.timeout(60)
def test_a_play_whose_broker_dies_ends_at_once_and_says_so(tmp_path: Path) -> None:
    need("mosquitto")
    pyros = Pyros(tmp_path, PYROS_BROKERS="", TMPDIR=str(tmp_path))
    with pyros.running("demo", "--headless") as demo:
        demo.until("The agents come up", timeout=20)
        os.kill(mosquitto_of(demo.process.pid), signal.SIGKILL)
        said = demo.until("did not go as it should: the broker has died", timeout=25)
        assert demo.process.wait(10) == 1
    log = re.search(r"its log is (\S+)", said)
    assert log is not None
    assert "New client connected" in Path(log[1]).read_text("utf-8")


@pytest.mark.timeout(60)
def test_a_play_that_loses_its_configured_broker_ends_with_the_reason(
    topic_root: str, tmp_path: Path
) -> None:
    with OwnMosquitto(tmp_path) as broker:
        pyros = Pyros(tmp_path, PYROS_BROKERS=str(broker.url), PYROS_ROOT=topic_root)
        with pyros.running("demo", "--headless") as demo:
            demo.until("The agents come up", timeout=20)
            broker.kill()
            demo.until("did not go as it should: .*out of reach for .*refused", timeout=35)
            assert demo.process.wait(10) == 1


@pytest.mark.timeout(90)
def test_an_image_that_cannot_be_written_ends_the_play_with_the_reason(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    (tmp_path / "images").write_text("a file where a folder should be")
    pyros = Pyros(tmp_path, PYROS_BROKERS=str(mosquitto_url), PYROS_ROOT=topic_root)
    with pyros.running("demo", "--headless", "--images", "images") as demo:
        demo.until("Night:", timeout=40)
        said = demo.until("did not go as it should: an exposure has failed", timeout=30)
        assert demo.process.wait(10) == 1
    assert re.search(r"the image \S+\.fits cannot be written: [A-Z][a-z ]+ \(.* MB free\)", said)


@pytest.mark.timeout(150)
def test_a_night_in_which_everyone_is_killed_accounts_for_every_command(tmp_path: Path) -> None:
    need("mosquitto")
    pyros = Pyros(tmp_path, PYROS_BROKERS="", TMPDIR=str(tmp_path))
    words = ("demo", "--chaos", "--seed", str(SEED), "--headless", "--json", "--speed", "30")
    with pyros.running(*words) as demo:
        bill = json.loads(demo.until(r"^\{", timeout=130))
        assert demo.process.wait(10) == 0
    assert bill["problems"] == []
    assert bill["seed"] == SEED
    assert bill["kills"]["broker"] > 0
    assert sum(bill["kills"].values()) >= 3
    assert bill["unaccounted"] == []
    assert sum(bill["commands"].values()) > 10
    assert bill["outcome"] == {"target_observed": True, "dome": "closed", "telescope": "parked"}
    assert bill["targets"]["Swift 532871"] >= 3
    check_the_images(bill["images"])


def test_a_seed_without_a_storm_is_refused(tmp_path: Path) -> None:
    refused = Pyros(tmp_path)("demo", "--seed", "1")
    assert refused.code == 2
    assert "--chaos" in refused.err


def mosquitto_of(demo: int) -> int:
    """The process of the broker that a demo has started: a grandchild, behind its guard."""
    for guard in children_of(demo):
        for child in children_of(guard):
            if Path(f"/proc/{child}/comm").read_text().strip() == "mosquitto":
                return child
    raise AssertionError("the demo runs no mosquitto")


def children_of(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]
