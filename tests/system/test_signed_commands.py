"""Signed commands over a real broker, and what somebody who records them can do."""

from __future__ import annotations

import os
from pathlib import Path

from pyros_mqtt import Sender, State
from pyros_mqtt.settings import BrokerUrl
from tests.signatures import PUBLIC, key_file, trust_file
from tests.system.device import end_of, running, settings_for, until
from tests.system.pyros_command import Pyros
from tests.system.raw_mqtt import RawClient

TRUST = f'[senders.ops]\nkey = "{PUBLIC}"\nmay = ["count"]\n'


def test_only_what_its_sender_has_signed_is_run_and_only_once(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    trust, key = trust_file(tmp_path, TRUST), key_file(tmp_path)
    inbox, outbox = f"{topic_root}/device/inbox", f"{topic_root}/device/outbox/ops"
    with (
        running(mosquitto_url, topic_root, trust_file=trust, unsigned_urgent=True) as device,
        RawClient(mosquitto_url) as recorder,
    ):
        recorder.subscribe(inbox)
        pyros = Pyros(
            tmp_path,
            PYROS_BROKERS=str(mosquitto_url),
            PYROS_ROOT=topic_root,
            PYROS_SENDER="ops",
            PYROS_SIGNING_KEY_FILE=str(key),
        )
        sent = pyros("send", "device", "count", "number=5", "--wait")
        assert (sent.code, sent.out.strip()) == (0, "5")
        recorded = recorder.next()
        command_id = recorded.body["id"]

        with RawClient(mosquitto_url) as attacker:
            attacker.subscribe(outbox).subscribe(f"{topic_root}/device/outbox/anonymous")
            # the same once more is told of once more, and anything else is refused or passed over
            attacker.publish(inbox, recorded.payload, qos=1)
            assert end_of(attacker, command_id)["state"] == "done"
            attacker.publish(inbox, recorded.payload.replace(b"5}", b"6}"), qos=1)
            forged = {"message": "count", "args": {"number": 7}, "from": "ops", "id": "mine"}
            attacker.publish(inbox, forged, qos=1)
            report = end_of(attacker, "mine")
            assert report["error"]["code"] == "forbidden"
            assert "not signed" in report["error"]["text"]
            attacker.publish(inbox, {"message": "close", "id": "button"}, qos=1)
            assert end_of(attacker, "button")["state"] == "done"

        settings = settings_for(mosquitto_url, topic_root, signing_key_file=key)
        with Sender("ops", settings=settings) as sender:
            receipt = sender.post("device", "goto")
            receipt.wait_answered(15)
            assert receipt.report is not None
            assert receipt.report.error is not None
            assert "may not send 'goto'" in receipt.report.error.text
            trust.write_text("[senders.")
            os.utime(trust, (1, 1))
            condition = device._alive.condition
            until(lambda: condition.snapshot(0.0).state is State.DEGRADED)
            assert "trust.toml" in condition.snapshot(0.0).detail
            assert sender.ask("device", "count", number=8) == 8
        assert device.ran == [5, 8]
