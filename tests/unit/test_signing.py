"""Who is let in where commands are signed, and what an attacker can do."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt import Agent, Rejected, on
from pyros_mqtt.dispatch import Action, ActionTable, Rules
from pyros_mqtt.errors import AccessError, SettingsError
from pyros_mqtt.inbox import Inbox
from pyros_mqtt.journal import SqliteJournal
from pyros_mqtt.messages import Command, Outcome, Report, State
from pyros_mqtt.sender import spool_path
from pyros_mqtt.settings import Settings
from pyros_mqtt.signing import Guard, Signer, signer_of
from pyros_mqtt.spool import SCHEMA, Spool
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.transport import Delivery
from pyros_mqtt.wire import decode_command, encode_command, sealed
from tests.signatures import OTHER, PUBLIC, TRUST, key_file, trust_file

INBOX = "pyros/dome/inbox"


class Door:
    """An inbox behind a guard, with a journal on the disk."""

    def __init__(self, folder: Path, trust: str = TRUST, **how: Any) -> None:
        self.file = trust_file(folder, trust)
        self.signer = Signer.read(key_file(folder))
        self.guard = Guard(self.file, how.pop("level", "required"), **how)
        self.journal = SqliteJournal(folder / "journal.sqlite")
        self.answers: list[tuple[Command, Report]] = []
        table = ActionTable()
        table["open"] = lambda side="": side
        table["park"] = lambda: None
        for name in ("close", "shutdown"):
            table.bind(Action(name, lambda: None, Rules(urgent=True, idempotent=True)))
        self.inbox = Inbox(
            "dome",
            table,
            self.journal,
            lambda command, report, **_: self.answers.append((command, report)),
            lambda: State.READY,
            guard=self.guard,
        )

    def signed(self, body: bytes | dict[str, Any], topic: str = INBOX) -> bytes:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        return sealed(data, self.signer.sign(topic, data))

    def say(self, payload: bytes, **more: Any) -> Report | None:
        before = len(self.answers)
        self.inbox.receive(Delivery(INBOX, payload, **more))
        self.inbox.end_turn()
        return self.answers[-1][1] if len(self.answers) > before else None

    def taken(self) -> list[str]:
        return [t.command.message for t in iter(lambda: self.inbox.take(0), None)]


def body(message: str = "open", **more: Any) -> dict[str, Any]:
    known = {"message": message, "id": "1", "from": "scheduler", "ttl": 30}
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    fields = {**known, "sent_at": moment, **more}
    return {name: one for name, one in fields.items() if one is not None}


def without(field: str) -> dict[str, Any]:
    return {name: one for name, one in body().items() if name != field}


def refused(report: Report | None, words: str) -> None:
    assert report is not None
    assert report.state is Outcome.REJECTED
    assert report.error is not None
    assert report.error.code == "forbidden"
    assert words in report.error.text


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    one = Door(tmp_path)
    yield one
    one.journal.close()


def accepted(report: Report | None) -> bool:
    return report is not None and report.state is Outcome.ACCEPTED


def test_a_signed_command_is_accepted(door: Door) -> None:
    assert accepted(door.say(door.signed(body())))
    assert accepted(door.say(b"\xef\xbb\xbf" + door.signed(body(id="2")) + b"\n"))
    assert door.taken() == ["open", "open"]


def test_what_our_encoder_writes_is_accepted(door: Door) -> None:
    now = time.time()
    command = Command("dome", "open", {"side": "é"}, "9", "scheduler", now, now + 9, person="ada")
    assert accepted(door.say(door.signed(encode_command(command))))


def test_what_is_not_signed_is_refused(door: Door) -> None:
    for payload in (b"open", b"open side=east", json.dumps(body()).encode()):
        refused(door.say(payload), "it is not signed")
    assert door.taken() == []


def test_the_name_of_the_sender_is_part_of_what_is_signed(door: Door) -> None:
    signed = door.signed(body())
    refused(door.say(signed.replace(b"scheduler", b"tcp-alien")), "the signature is not one of")
    refused(door.say(door.signed(body(**{"from": "ops"}))), "no key of 'ops'")


def test_the_key_of_another_is_refused(door: Door) -> None:
    data = json.dumps(body()).encode()
    refused(door.say(sealed(data, OTHER.sign(INBOX, data))), "the signature is not one of")


def test_a_changed_command_is_refused(door: Door) -> None:
    refused(door.say(door.signed(body()).replace(b'"open"', b'"park"')), "was changed on its way")


def test_a_field_behind_the_signature_is_refused(door: Door) -> None:
    longer = door.signed(body())[:-1] + b',"args":{"side":"west"}}'
    refused(door.say(longer), "has to be the last field")


def test_a_second_signature_is_refused(door: Door) -> None:
    signed = door.signed(body())
    twice = door.say(signed[:-1] + signed[signed.index(b',"x-sig') :])
    assert twice is not None
    assert twice.error is not None
    assert twice.error.code == "bad-json"


def test_a_command_to_another_inbox_is_refused(door: Door) -> None:
    refused(door.say(door.signed(body(), "pyros/camera/inbox")), "this inbox")
    refused(door.say(door.signed(body(), "other/dome/inbox")), "this inbox")


@pytest.mark.parametrize("field", ["id", "from", "ttl", "sent_at"])
def test_a_signed_command_without_sender_id_or_end_is_refused(door: Door, field: str) -> None:
    refused(door.say(door.signed(without(field))), "a signed command itself has")


def test_properties_of_mqtt_5_do_not_make_up_for_what_is_not_signed(door: Door) -> None:
    nameless = door.signed(body(id=None))
    refused(door.say(nameless, correlation=b"7"), "a signed command itself has")
    endless = door.signed(body(ttl=None))
    refused(door.say(endless, expiry=3600), "a signed command itself has")
    for conflict in ({"correlation": b"7"}, {"expiry": 3600}):
        report = door.say(door.signed(body()), **conflict)
        assert report is not None
        assert report.error is not None
        assert report.error.code == "conflict"


def test_nobody_leads_the_reports_on_a_signed_command_elsewhere(door: Door) -> None:
    assert accepted(door.say(door.signed(body()), reply_to="mallory/listens"))
    assert door.answers[-1][0].reply_to is None


def test_a_message_that_the_sender_may_not_send_is_refused(door: Door) -> None:
    refused(door.say(door.signed(body("park"))), "may not send 'park'")


def test_a_sender_speaks_for_others_that_have_no_key_of_their_own(tmp_path: Path) -> None:
    other = TRUST + f'[senders.tcp-own]\nkey = "{"A" * 43}="\nmay = ["*"]\n'
    door = Door(tmp_path, other)
    assert accepted(door.say(door.signed(body(**{"from": "tcp-10-0-0-7"}))))
    refused(door.say(door.signed(body(**{"from": "tcp-own"}))), "the signature is not one of")
    door.journal.close()


def test_a_recorded_command_is_not_run_again_after_a_restart(tmp_path: Path) -> None:
    door = Door(tmp_path)
    signed = door.signed(body())
    assert accepted(door.say(signed))
    assert door.taken() == ["open"]
    door.journal.close()
    next_life = Door(tmp_path)
    assert accepted(next_life.say(signed))  # told again, not run again
    assert next_life.taken() == []
    next_life.journal.close()


def test_a_recorded_command_has_its_end(door: Door) -> None:
    past = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    report = door.say(door.signed(body(sent_at=past)))
    assert report is not None
    assert report.state is Outcome.EXPIRED


def test_nobody_ends_the_command_of_another_by_a_bad_one_under_its_id(door: Door) -> None:
    assert accepted(door.say(door.signed(body())))
    for forged in (json.dumps(body()).encode(), json.dumps(body(odd=1)).encode()):
        assert door.say(forged) is None
    assert door.inbox.forged == 2


def test_a_refusal_takes_nobodys_id_away(door: Door) -> None:
    refused(door.say(json.dumps(body()).encode()), "it is not signed")
    assert accepted(door.say(door.signed(body())))


def test_where_signatures_are_only_checked_a_wrong_one_is_still_refused(tmp_path: Path) -> None:
    door = Door(tmp_path, level="checked")
    assert accepted(door.say(b"open"))
    refused(door.say(door.signed(body()).replace(b'"open"', b'"park"')), "was changed")
    door.journal.close()


def test_safety_verbs_pass_unsigned_only_where_that_is_set(door: Door, tmp_path: Path) -> None:
    refused(door.say(b"close"), "it is not signed")
    (tmp_path / "lax").mkdir()
    lax = Door(tmp_path / "lax", unsigned_urgent=True)
    assert accepted(lax.say(b"close"))
    refused(lax.say(b"shutdown"), "it is not signed")
    refused(lax.say(b"open"), "it is not signed")
    refused(lax.say(door.signed(body("close")).replace(b'"1"', b'"2"')), "was changed")
    lax.journal.close()


def test_who_does_not_look_at_signatures_takes_them_for_fields_of_others(door: Door) -> None:
    inbox = door.inbox
    inbox._guard = None
    assert accepted(door.say(door.signed(body(**{"from": "anybody"}))))
    ticket = inbox.take(0)
    assert ticket is not None
    assert ticket.command.seal is None


# -- trust.toml -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("senders = 1", "senders"),
        ('[senders.ops]\nmay = ["*"]', "key: is missing"),
        ('[senders.ops]\nkey = "AAAA"\nmay = ["*"]', "32 bytes"),
        (f'[senders.ops]\nkey = "{PUBLIC}"\nmay = []', "may"),
        (f'[senders."Ops!"]\nkey = "{PUBLIC}"\nmay = ["*"]', "not a valid name"),
        (f'[senders.ops]\nkey = "{PUBLIC}"\nmay = ["*"]\nmust = 1', "must: unknown key"),
        ("[senders.ops", "not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_trust_file_is_told_in_words(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(AccessError, match=words) as caught:
        Guard(trust_file(tmp_path, text), "required")
    assert "trust.toml" in str(caught.value)


def test_the_trust_file_of_the_how_to_is_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "signed-commands.md"
    text = page.read_text().partition("```toml file=trust.toml\n")[2].partition("```")[0]
    door = Door(tmp_path, text)
    assert accepted(door.say(door.signed(body(**{"from": "ops"}))))
    door.journal.close()


def rewritten(door: Door, text: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    door.file.write_text(text)
    os.utime(door.file, (number, number))  # clocks of files are coarse
    monkeypatch.setattr(door.guard, "_next_look", 0.0)
    door.guard.look()


def test_the_trust_file_is_read_again_when_it_changes(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(door, "", 1, monkeypatch)
    refused(door.say(door.signed(body())), "no key of 'scheduler'")
    rewritten(door, TRUST, 2, monkeypatch)
    assert accepted(door.say(door.signed(body())))


def test_a_broken_trust_file_keeps_the_last_good_one(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(door, "[senders.", 1, monkeypatch)
    assert "not valid TOML" in door.guard.problem
    assert accepted(door.say(door.signed(body())))
    rewritten(door, TRUST, 2, monkeypatch)
    assert door.guard.problem == ""


def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs trust_file"):
        Settings(signatures="required")
    with pytest.raises(SettingsError, match="signatures need journal"):
        Settings(trust_file=trust_file(tmp_path), journal="memory")
    own = {"dome": {"trust_file": trust_file(tmp_path)}}
    with pytest.raises(SettingsError, match="signatures need journal"):
        Settings(identities=own, journal="memory")
    off = Settings(trust_file=trust_file(tmp_path), journal="memory", signatures="off")
    assert off.signatures == "off"


@pytest.mark.parametrize("text", ["", "no key", TRUST])
def test_a_key_that_is_none_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.key"
    file.write_text(text)
    with pytest.raises(SettingsError, match="is no Ed25519 key") as caught:
        signer_of(Settings(signing_key_file=file))
    assert not text or text not in str(caught.value)


# -- senders --------------------------------------------------------------------------------------


class Dome(Agent):
    """Opens; and asks itself nothing."""

    def __init__(self, stage: Rehearsal, settings: Settings) -> None:
        super().__init__("dome", bus=stage.bus, settings=settings)

    @on("open")
    def open(self, n: int = 0) -> int:
        return n


class Scheduler(Agent):
    """Sends in its own name."""

    @on("go")
    def go(self) -> Any:
        return self.ask("dome", "open", n=4)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Rehearsal]:
    settings = Settings(state_dir=tmp_path, sender="scheduler", signing_key_file=key_file(tmp_path))
    with Rehearsal(settings=settings) as one:
        one.start(Dome(one, Settings(state_dir=tmp_path, trust_file=trust_file(tmp_path))))
        yield one


def test_senders_and_agents_sign_where_there_is_a_key(stage: Rehearsal, tmp_path: Path) -> None:
    from pyros_mqtt import Sender

    with Sender("scheduler", bus=stage.bus, settings=stage.settings) as signing:
        assert signing.ask("dome", "open", n=3) == 3
        receipts = [signing.post("dome", "open", {"n": n}) for n in range(20)]
        assert [one.result(20) for one in receipts] == list(range(20))
        assert signing.send_to("dome", "open", durable=True, n=5).result(20) == 5
    stage.start(Scheduler(bus=stage.bus, settings=stage.settings))
    plain = Settings(state_dir=tmp_path)
    with Sender("ops", bus=stage.bus, settings=plain) as sender:
        with pytest.raises(Rejected, match="not signed"):
            sender.send_to("dome", "open")
        assert sender.ask("scheduler", "go") == 4


def test_two_agents_of_one_machine_have_each_its_own_key_and_trust(tmp_path: Path) -> None:
    settings = Settings(
        state_dir=tmp_path,
        identities={
            "dome": {"trust_file": trust_file(tmp_path)},
            "scheduler": {"signing_key_file": key_file(tmp_path)},
        },
    )
    with Rehearsal(settings=settings) as stage:
        stage.start(Dome(stage, settings))
        stage.start(Scheduler(bus=stage.bus, settings=settings))
        assert stage.ask("scheduler", "go") == 4
        with pytest.raises(Rejected, match="not signed"):
            stage.ask("dome", "open")


def test_gateway_and_dashboard_sign_for_whom_they_speak(stage: Rehearsal) -> None:
    from pyros_mqtt.dashboard.authority import SharedToken
    from pyros_mqtt.dashboard.server import Dashboard
    from pyros_mqtt.gateway.gateway import Gateway
    from pyros_mqtt.settings import GatewayTable

    table = GatewayTable.model_validate({"agents": {"dome": {"receive_port": 1}}})
    settings = stage.settings.model_copy(update={"gateway": table, "dashboard_port": 0})
    gateway = Gateway(bus=stage.bus, settings=settings)
    dashboard = Dashboard(stage.bus, settings, authority=SharedToken("a token of this test"))
    assert dashboard._orders is not None
    command = Command("dome", "open", id="1", sender="tcp-10-0-0-7", deadline=time.time() + 9)
    for voice in (gateway._voice, dashboard._orders._voice):
        assert b',"x-signature":"' in voice.written(command)
    dashboard.__exit__()
    gateway._keeper.close(0)


def test_what_waits_on_the_disk_keeps_its_senders_signature(
    stage: Rehearsal, tmp_path: Path
) -> None:
    from pyros_mqtt import Sender
    from pyros_mqtt.sender.courier import for_the_spool
    from pyros_mqtt.sender.sender import compose
    from pyros_mqtt.topics import Topics

    settings = stage.settings
    command = compose("dome", "open", "scheduler", args={"n": 8}, ttl=30, urgent=False)
    now = time.time()
    payload = for_the_spool(command, now, Topics(), signer_of(settings))
    spool = Spool(spool_path(tmp_path, settings.root))
    spool.put(command, now, None, payload)
    with Sender("other", bus=stage.bus, settings=Settings(state_dir=tmp_path)):
        stage.wait_until(lambda: not spool.listing())
    # one that nobody has signed is not signed by whoever delivers it
    spool.put(replace(command, id="unsigned"), time.time())
    with Sender("scheduler", bus=stage.bus, settings=settings):
        stage.wait_until(lambda: spool.listing()[0].ended is not None)
    assert "not signed" in spool.listing()[0].remark
    spool.close()


def test_only_its_sender_gives_a_signed_command_a_new_id(tmp_path: Path) -> None:
    from pyros_mqtt.loopback import Loopback
    from pyros_mqtt.sender.courier import Courier, for_the_spool
    from pyros_mqtt.topics import Topics

    signer, now = Signer.read(key_file(tmp_path)), time.time()
    command = Command("dome", "open", id="1", sender="scheduler", sent_at=now, deadline=now + 9)
    left = {}
    for name, own in (("ours", signer), ("another", OTHER), ("unsigned", None)):
        spool = Spool(tmp_path / f"{name}.sqlite")
        spool.put(command, now, None, for_the_spool(command, now, Topics(), signer))
        Courier(Loopback(), Topics(), spool, own)._anew(command, "1000 commands wait already")
        (left[name],) = spool.listing()
        spool.close()
    for name in ("another", "unsigned"):
        assert left[name].ended is not None
        assert "whoever has signed it" in left[name].remark
    ours = left["ours"]
    assert ours.command.id != "1"
    assert ours.payload == for_the_spool(ours.command, now, Topics(), signer)


def test_a_spool_of_an_earlier_version_gets_room_for_signatures(tmp_path: Path) -> None:
    file = tmp_path / "spool.sqlite"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as old:
        replace(SCHEMA, steps=SCHEMA.steps[:1]).migrate(old)
    spool = Spool(file)
    spool.put(Command("dome", "open", id="1", deadline=9.0), 1.0, payload=b"signed")
    assert spool.listing()[0].payload == b"signed"
    spool.close()


def test_who_stands_behind_a_sender_is_read_and_written() -> None:
    command = Command("dome", "open", id="1", sender="dashboard", person="ada")
    read = decode_command(encode_command(command), "dome", arrived=0.0)
    assert read is not None
    assert read.person == "ada"
