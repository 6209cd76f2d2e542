"""The status page, also when somebody on the bus is hostile."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pyros_mqtt import Fleet, Settings
from pyros_mqtt.broker import find_or_start
from pyros_mqtt.link import Brokers
from pyros_mqtt.transport import Fate, Parcel
from pyros_mqtt.wire import to_rfc3339
from tests.need import need

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ settings.SECRET_KEY }}{% now 'Y' %}",
    "\x1b[2J\x07\x00 bell",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "\ud800 half a letter",
    "long " * 10_000,
)


@contextmanager
def said(pyros: dict[str, Any], name: str = "dome", **more: object) -> Iterator[None]:
    """Something that calls itself an agent has said this on the bus."""
    settings = Settings(**pyros)
    link = Brokers(settings).transport(f"{settings.root}-stranger")
    link.open()
    told = threading.Event()
    fates: list[str] = []

    def note(fate: str) -> None:
        fates.append(fate)
        told.set()

    body = {"agent": name, "state": "ready", "boot": 1, "seq": 1, **more}
    payload = json.dumps(body).encode()  # it may hold what UTF-8 cannot
    topic = f"{settings.root}/{name}/status"
    link.publish(Parcel(topic, payload, retain=True, keep=True), note)
    assert told.wait(10)
    assert fates[0] in {Fate.TAKEN, Fate.NO_SUBSCRIBER}
    try:
        yield
    finally:
        link.close()


def page(method: str = "get") -> Any:
    """Ask for the page as a browser does."""
    from django.test import Client

    return getattr(Client(), method)("/agents/")


def test_the_page_shows_the_fleet(pyros: dict[str, Any]) -> None:
    now = to_rfc3339(time.time())
    with said(pyros, host="t60", detail="slit stuck", at=now):
        answer = page()
    text = answer.content.decode()
    assert answer.status_code == 200
    for word in ("dome", "ready", "t60", "slit stuck"):
        assert f"<bdi>{word}</bdi>" in text
    assert 'http-equiv="refresh" content="5"' in text
    assert "<script" not in text
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("words", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_words_are_shown_as_words(pyros: dict[str, Any], words: str) -> None:
    task = {"message": words, "id": words, "from": words}
    with said(pyros, host=words, detail=words, version=words, task=task):
        answer = page()
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<bdi>dome</bdi>" in text
    assert "<script>" not in text
    assert "<img" not in text
    assert len(text) < 5_000
    assert re.search(r"[^\n\x20-\x7e…\ufffd]", text) is None


def test_an_agent_in_trouble_stands_out(pyros: dict[str, Any]) -> None:
    with said(pyros, state="lost"):
        assert '<td class="troubled"><bdi>lost</bdi></td>' in page().content.decode()


def test_the_page_only_reads(pyros: dict[str, Any]) -> None:
    del pyros
    assert page("head").status_code == 200
    for method in ("post", "put", "delete"):
        assert page(method).status_code == 405


def test_nobody_on_the_bus_is_said(pyros: dict[str, Any]) -> None:
    del pyros
    assert "No agent has been seen" in page().content.decode()


def test_one_connection_serves_all_looks(pyros: dict[str, Any]) -> None:
    from pyros_mqtt.contrib.django import watching

    del pyros
    page()
    first = watching.fleet()
    page()
    assert watching.fleet() is first


def test_a_worker_that_was_forked_opens_its_own_connection(pyros: dict[str, Any]) -> None:
    from pyros_mqtt.contrib.django import watching

    with said(pyros):
        page()

        def look() -> bool:
            return not watching._opened and b"<bdi>dome</bdi>" in page().content

        assert in_a_child(look)
        assert b"<bdi>dome</bdi>" in page().content


def in_a_child(look: Callable[[], bool]) -> bool:
    with warnings.catch_warnings():
        # a web server that forks after the first look is what is tested
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if look() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_broker_that_is_away_is_told(pyros: dict[str, Any]) -> None:
    from django.test import override_settings

    from pyros_mqtt.broker.ports import any_free_port

    away = f"mqtt://127.0.0.1:{any_free_port()}"
    with override_settings(PYROS=pyros | {"brokers": away}):
        answer = page()
    assert answer.status_code == 503
    assert "The broker cannot be reached" in answer.content.decode()


def test_what_was_live_is_unknown_once_the_broker_has_gone(
    pyros: dict[str, Any], tmp_path: Any
) -> None:
    from django.test import override_settings

    from pyros_mqtt.contrib.django import watching

    need("mosquitto")
    with find_or_start(Settings(state_dir=tmp_path), kind="mosquitto", port=0) as broker:
        told = pyros | {"brokers": str(broker.url)}
        with override_settings(PYROS=told), said(told):
            assert page().status_code == 200
            broker.stop()
            watched: Fleet = watching.fleet()
            assert watched.wait_until(lambda: not watched.is_up, 10)
            answer = page()
    assert answer.status_code == 503
    assert "<bdi>unknown</bdi>" in answer.content.decode()


def test_wrong_settings_show_no_secrets(pyros: dict[str, Any]) -> None:
    from django.test import override_settings

    with override_settings(PYROS=pyros | {"beat": "hunter2"}):
        answer = page()
    assert answer.status_code == 503
    assert "manage.py check" in answer.content.decode()
    assert "hunter2" not in answer.content.decode()
