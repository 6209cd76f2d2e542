"""The ways in which people are told: e-mail, webhook, command, and classes of your own."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import IO

from pyros_mqtt.alarms import Notice
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.messages import JSON
from pyros_mqtt.settings import AlarmsTable
from pyros_mqtt.settings.notifier_tables import Command, Email, OtherNotifier, Webhook
from pyros_mqtt.watchman.sending import (
    LONGEST_REASON,
    NotSent,
    NotToAll,
    Refusals,
    SendsNotices,
    in_one_line,
    is_lasting_code,
    told,
)
from pyros_mqtt.wire import alarm_table, compact

LONGEST_SUBJECT = 150
"""Characters; what is longer is in the text."""

KILLED_WITHIN = 5.0
"""Seconds; what lives on then has another user, and waits for nobody."""


def as_json(notice: Notice) -> dict[str, JSON]:
    """Give the alarm with the reason for the notice, for programs."""
    return {
        **alarm_table(notice.alarm),
        "event": notice.event.value,
        "subject": notice.subject,
        "message": notice.text,
        "others": [alarm_table(one) for one in notice.others],
    }


class ByEmail:
    """Hands a notice to an SMTP server."""

    def __init__(self, table: Email) -> None:
        self._table = table

    def send(self, notice: Notice) -> None:
        """Send one message to all addresses.

        Raises:
            OSError, smtplib.SMTPException: the server cannot be reached, or did not take it.
            NotToAll: it took it for some of the addresses.
        """
        with self._server() as server:
            if self._table.username and self._table.password_file:
                server.login(self._table.username, secret(self._table.password_file))
            refused = server.send_message(self._message(notice))
        if refused:
            raise self._not_to_all(refused)

    def _not_to_all(self, refused: Refusals) -> NotToAll:
        lasting = {who: said for who, said in refused.items() if is_lasting_code(said[0])}
        later = tuple(who for who in refused if who not in lasting)
        rest = ByEmail(self._table.model_copy(update={"to": later})) if later else None
        return NotToAll(in_one_line(told(refused)), in_one_line(told(lasting)), rest)

    @contextlib.contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        table = self._table
        where = (table.server, table.port)
        if table.security == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=table.timeout, context=context)
        else:
            server = smtplib.SMTP(*where, timeout=table.timeout)
        with server:
            if table.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            yield server

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        # what comes from the bus must not write headers of its own
        message["Subject"] = " ".join(notice.subject.split())[:LONGEST_SUBJECT]
        message["From"] = self._table.sender
        message["To"] = ", ".join(self._table.to)
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=socket.gethostname())
        message["X-Priority"] = "1" if notice.alarm.severity == "critical" else "3"
        message.set_content(notice.text)
        return message


class ByWebhook:
    """Posts a notice as JSON."""

    def __init__(self, table: Webhook) -> None:
        self._table = table

    def send(self, notice: Notice) -> None:
        """Post it; any answer of 200 to 299 is right.

        Raises:
            OSError: the server cannot be reached, or answered something else.
        """
        request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
            self._table.url,
            data=compact(as_json(notice)).encode(errors="replace"),
            headers={"Content-Type": "application/json", "User-Agent": "pyros-mqtt"},
            method="POST",
        )
        if self._table.token_file:
            request.add_header("Authorization", f"Bearer {secret(self._table.token_file)}")
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=self._table.timeout) as answer:
            answer.read(1)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token belongs to one server: redirections are errors."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Never."""


class ByCommand:
    """Runs a program, which reads the notice as JSON from its standard input."""

    def __init__(self, table: Command) -> None:
        self._table = table

    def send(self, notice: Notice) -> None:
        """Run it to its end.

        Raises:
            OSError: it cannot be started.
            NotSent: it ended with another exit code than 0, or was too slow and was killed.
        """
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
            given.write(compact(as_json(notice)).encode(errors="replace") + b"\n")
            given.seek(0)
            process = subprocess.Popen(  # noqa: S603 - the settings name it
                _words(self._table),
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
            try:
                code = process.wait(self._table.timeout)
            except subprocess.TimeoutExpired:
                raise NotSent(f"was killed after {self._table.timeout:g} s") from None
            finally:
                _kill(process)
            if code:
                raise NotSent(f"ended with exit code {code}{_last_words(said)}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it with what it has left behind, as far as that is ours to kill."""
    with contextlib.suppress(OSError):  # nobody is left, or only who runs as another user
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILLED_WITHIN)


def _words(table: Command) -> list[str]:
    return [os.path.expanduser(one) for one in table.command]  # noqa: PTH111 - never raises


def missing_programs(table: AlarmsTable) -> Iterator[str]:
    """Say of each notifier whose program cannot be started here that it is so."""
    for name, one in table.command.items():
        program = _words(one)[0]
        if shutil.which(program) is None:
            yield (
                f"alarms.command.{name}.command: {program!r} is no program on this machine, so "
                f"{name!r} can tell nobody"
            )


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    text = said.read(10_000).decode(errors="replace").strip()
    return f": {text[-LONGEST_REASON:]}" if text else ""


def secret(file: Path) -> str:
    """Read a password or token, each time anew, so that it can be changed.

    Raises:
        OSError: the file cannot be read.
    """
    return file.expanduser().read_text("utf-8").strip()


def make_all(table: AlarmsTable) -> dict[str, SendsNotices]:
    """Make every notifier of the settings, by name.

    Raises:
        SettingsError: a class of your own is not there, or does not take its options.
    """
    made: dict[str, SendsNotices] = {name: ByEmail(one) for name, one in table.email.items()}
    made |= {name: ByWebhook(one) for name, one in table.webhook.items()}
    made |= {name: ByCommand(one) for name, one in table.command.items()}
    return made | {name: _own(name, one) for name, one in table.notifier.items()}


def _own(name: str, table: OtherNotifier) -> SendsNotices:
    place = f"alarms.notifier.{name}: class = {table.class_path!r}"
    module, _, kind = table.class_path.partition(":")
    try:
        made = getattr(importlib.import_module(module), kind)(**table.options)
    except Exception as error:
        raise SettingsError(f"{place}: cannot be made: {type(error).__name__}: {error}") from error
    if not callable(getattr(made, "send", None)):
        raise SettingsError(f"{place}: has no method send(notice); give it one")
    sends: SendsNotices = made
    return sends
