"""E-mail, webhook and command: what arrives, and what is told when it does not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.alarms import Event, Notice
from pyros_mqtt.broker.ports import any_free_port
from pyros_mqtt.settings.notifier_tables import Command, Email, Webhook
from pyros_mqtt.watchman.notifiers import ByCommand, ByEmail, ByWebhook
from pyros_mqtt.watchman.sending import NotSent, NotToAll, is_lasting, reason
from tests.system.sinks import MailSink, WebSink
from tests.wire.test_alarm import WIND

NOTICE = Notice(Event.RAISED, WIND, ("any",))
FORGED = replace(WIND, alarm="wind", text="calm\r\nBcc: all@observatory.example\r\n\r\n.\r\nQUIT")


def email(port: int, **more: object) -> ByEmail:
    table = {"to": ["a@observatory.example", "b@observatory.example"], "server": "127.0.0.1"}
    return ByEmail(Email.model_validate({**table, "port": port, "timeout": 5, **more}))


def test_a_mail_says_what_is_wrong_and_what_to_do() -> None:
    with MailSink() as sink:
        email(sink.port, **{"from": "pyros@observatory.example"}).send(NOTICE)
        (mail,) = sink.received
    assert mail["Subject"].startswith("[serious] wind: weather/conditions.wind is 72.4 km/h")
    assert (mail["From"], mail["To"]) == (
        "pyros@observatory.example", "a@observatory.example, b@observatory.example",
    )  # fmt: skip
    text = mail.get_content()
    assert "above 60 km/h, since 20:14:03 UTC" in text
    assert "Raised at 2025-11-22 20:14:03 UTC by alarms" in text
    assert "pyros alarms ack wind" in text


def test_what_comes_from_the_bus_writes_no_headers_and_no_commands() -> None:
    with MailSink() as sink:
        email(sink.port).send(replace(NOTICE, alarm=FORGED))
        (mail,) = sink.received
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[serious] wind: calm Bcc: all@observatory.example . QUIT"


def test_a_server_that_is_away_or_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        email(any_free_port()).send(NOTICE)
    with MailSink() as sink:
        sink.refuses = {"@": "550 nobody here of that name"}
        with pytest.raises(Exception, match="nobody here of that name") as failure:
            email(sink.port).send(NOTICE)
        assert is_lasting(failure.value)
        sink.refuses = {"a@": "550 nobody here of that name", "b@": "450 come again"}
        with pytest.raises(Exception, match="come again") as failure:
            email(sink.port).send(NOTICE)
        assert not is_lasting(failure.value), "one of them may take it yet"
        assert sink.received == []


def test_who_has_got_a_mail_does_not_get_it_again_because_others_are_refused() -> None:
    with MailSink() as sink:
        sink.refuses = {"a@": "550 nobody here of that name", "b@": "450 come again"}
        sender = email(sink.port, to=[f"{one}@observatory.example" for one in "abc"])
        with pytest.raises(NotToAll, match="nobody here of that name") as failure:
            sender.send(NOTICE)
        assert failure.value.lasting == (
            "a@observatory.example was refused: 550 nobody here of that name"
        )
        assert failure.value.rest is not None
        sink.refuses = {}
        failure.value.rest.send(NOTICE)
        assert [one["To"] for one in sink.received] == [
            "a@observatory.example, b@observatory.example, c@observatory.example",
            "b@observatory.example",
        ]


def test_a_password_is_read_anew_for_each_mail(tmp_path: Path) -> None:
    file = tmp_path / "password"
    with MailSink() as sink:
        sender = email(sink.port, username="pyros", password_file=file)
        with pytest.raises(OSError, match="No such file"):
            sender.send(NOTICE)
        file.write_text("s3cret\n")
        sender.send(NOTICE)
        assert sink.logins == [b"\0pyros\0s3cret"]
        assert len(sink.received) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_what_has_to_be_secret_is_not_sent_in_the_clear(tmp_path: Path, security: str) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret")
    with MailSink() as sink:
        sender = email(sink.port, username="pyros", password_file=file, security=security)
        with pytest.raises(Exception, match=r"(?i)starttls|ssl"):
            sender.send(NOTICE)
        assert (sink.logins, sink.received) == ([], [])


def test_a_webhook_gets_the_alarm_and_the_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with WebSink() as sink:
        url = f"http://127.0.0.1:{sink.port}/hook"
        ByWebhook(Webhook(url=url, token_file=token)).send(replace(NOTICE, others=(FORGED,)))
        ((headers, body),) = sink.received
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Content-Type"] == "application/json"
    assert (body["alarm"], body["value"], body["event"]) == ("wind", 72.4, "raised")
    assert [one["alarm"] for one in body["others"]] == ["wind"]


@pytest.mark.parametrize("answer", [302, 401, 404, 500])
def test_any_other_answer_is_an_error_and_the_token_goes_nowhere_else(answer: int) -> None:
    with WebSink() as sink:
        sink.answer = answer
        with pytest.raises(OSError, match=str(answer)) as failure:
            ByWebhook(Webhook(url=f"http://127.0.0.1:{sink.port}/")).send(NOTICE)
        assert f"the server answered {answer}" in reason(failure.value)
        assert is_lasting(failure.value) is (answer in {401, 404})
        failure.value.close()  # type: ignore[attr-defined]
        assert len(sink.received) == 1


def command(code: str, timeout: float = 20.0) -> ByCommand:
    words = (sys.executable, "-c", code)
    return ByCommand(Command(command=words, timeout=timeout))


def test_a_command_reads_the_alarm(tmp_path: Path) -> None:
    file = tmp_path / "alarm.json"
    command(f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read())").send(NOTICE)
    assert json.loads(file.read_text())["alarm"] == "wind"


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(NotSent, match="exit code 3: no modem"):
        command("import sys; print('no modem', file=sys.stderr); sys.exit(3)").send(NOTICE)
    with pytest.raises(OSError, match="No such file"):
        ByCommand(Command(command=("/nowhere/siren",))).send(NOTICE)


def test_what_belongs_to_another_user_and_cannot_be_killed_fails_no_command_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self)

    def deny(_group: int, _number: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("pyros_mqtt.watchman.notifiers.subprocess.Popen", Noted)
    monkeypatch.setattr("pyros_mqtt.watchman.notifiers.os.killpg", deny)
    monkeypatch.setattr("pyros_mqtt.watchman.notifiers.KILLED_WITHIN", 0.1)
    command("pass").send(NOTICE)
    try:
        with pytest.raises(NotSent, match=r"killed after 0\.5 s"):
            command("import time; time.sleep(60)", timeout=0.5).send(NOTICE)
        assert started[-1].poll() is None
    finally:
        started[-1].kill()
        started[-1].wait()


def test_a_command_that_hangs_is_killed_with_all_that_it_has_started() -> None:
    code = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(NotSent, match=r"killed after 1 s"):
        command(code, timeout=1).send(NOTICE)
    assert time.monotonic() - began < 20


def test_a_notifiers_error_that_cannot_say_what_it_is_is_told_by_its_class() -> None:
    class Dumb(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert reason(Dumb()) == "Dumb"
