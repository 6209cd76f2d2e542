"""Commanding by the page: where a token is configured, by its holders, and only from the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from pyros_mqtt.messages import Problem
from pyros_mqtt.settings import BrokerUrl
from tests.system.dashboard_place import TOKEN, DashboardPlace, Look
from tests.system.puppets import Puppets
from tests.system.pyros_command import Pyros

SLOW = 20_000


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    expect.set_options(timeout=SLOW)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def guarded(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Iterator[DashboardPlace]:
    """A dashboard by which the holders of the token may command."""
    token = {"PYROS_DASHBOARD_TOKEN": TOKEN}
    with DashboardPlace(tmp_path, mosquitto_url, topic_root, **token) as place:
        yield place


def log_in(page: Page, name: str = "vera", token: str = TOKEN) -> None:
    page.wait_for_selector("#head button.who")  # until then it does not know that one may
    page.keyboard.press("l")
    page.fill("dialog input[name=name]", name)
    page.fill("dialog input[name=token]", token)
    page.click("dialog button[type=submit]")


def post(place: DashboardPlace, page: Page, path: str, body: Any, **headers: str) -> int:
    """Post as a program would, with the browser's cookies; give the status."""
    answer = page.request.post(
        f"{place.url}api/{path}",
        data=body,
        headers={"Content-Type": "application/json", "Origin": place.url.rstrip("/"), **headers},
    )
    return answer.status


def test_without_a_token_forms_are_shown_and_locked(
    barebones: str, place: DashboardPlace, look: Look
) -> None:
    page = look.at(place.url)
    page.locator(f"#row-{barebones}").click()
    form = page.locator("#agent form", has_text="send count")
    expect(form.locator("button")).to_be_disabled()
    expect(page.locator("#agent")).to_contain_text("Read-only")
    command = {"agent": barebones, "message": "hello", "args": {}}
    assert post(place, page, "command", command) == 403
    assert post(place, page, "login", {"name": "vera", "token": TOKEN}) == 403


def test_the_holder_of_the_token_commands_and_sees_how_it_goes(
    barebones: str, guarded: DashboardPlace, look: Look
) -> None:
    page = look.at(guarded.url)
    expect(page.locator(f"#row-{barebones}")).to_contain_text("ready")
    log_in(page)
    expect(page.locator("#head")).to_contain_text("vera")
    page.locator(f"#row-{barebones}").click()
    form = page.locator("#agent form", has_text="send hello")
    form.locator("input[name=name]").fill("Vera")
    form.locator("button[type=submit]").click()
    expect(form.locator("output")).to_contain_text("done")
    expect(page.locator("#stream")).to_contain_text("dashboard-vera")
    expect(page.locator("#stream")).to_contain_text("hello Vera")
    count = page.locator("#agent form", has_text="send count")
    count.locator("input[name=to]").fill("many")
    count.locator("button[type=submit]").click()
    expect(count.locator("output")).to_contain_text("to must be a number")
    count.locator("input[name=to]").fill("1.5")
    count.locator("button[type=submit]").click()
    expect(count.locator("output")).to_contain_text("must be a whole number")
    page.click("#head button.who")
    expect(page.locator("#agent")).to_contain_text("Read-only")


def test_a_wrong_token_opens_nothing(guarded: DashboardPlace, look: Look, barebones: str) -> None:
    page = look.at(guarded.url)
    expect(page.locator(f"#row-{barebones}")).to_contain_text("ready")
    log_in(page, token="not the token")
    expect(page.locator("dialog")).to_contain_text("this is not the token")
    assert post(guarded, page, "command", {"agent": barebones, "message": "hello"}) == 403
    look.complaints.clear()  # the browser notes the refusals


def test_orders_need_the_session_its_form_token_and_the_pages_own_origin(
    barebones: str, guarded: DashboardPlace, look: Look
) -> None:
    page = look.at(guarded.url)
    expect(page.locator(f"#row-{barebones}")).to_contain_text("ready")
    log_in(page)
    expect(page.locator("#head")).to_contain_text("vera")
    csrf = page.evaluate("fetch('/api/me').then((answer) => answer.json()).then((me) => me.csrf)")
    command = {"agent": barebones, "message": "hello", "args": {}}

    def sent(**headers: str) -> int:
        return post(guarded, page, "command", command, **headers)

    right = {"X-CSRF-Token": csrf}
    assert sent() == 403
    assert sent(**{"X-CSRF-Token": csrf[:-1]}) == 403
    assert sent(**right, Origin="http://evil.example") == 403
    assert sent(**right, Origin="null") == 403
    assert sent(**right, Host="evil.example", Origin="http://evil.example") == 403
    assert sent(**right | {"Content-Type": "text/plain"}) == 415
    assert sent(**right) == 202
    page.context.clear_cookies()
    assert sent(**right) == 403


def test_a_foreign_page_can_neither_listen_nor_look(place: DashboardPlace, look: Look) -> None:
    page = look.at(place.url)
    live = place.url.replace("http", "ws") + "api/live"
    for origin in (Origin("http://evil.example"), None):
        with pytest.raises(InvalidStatus), connect(live, origin=origin):
            pass
    with connect(live, origin=Origin(place.url.rstrip("/"))) as own:
        assert '"hello"' in str(own.recv(10))
    rebound = page.request.get(place.url, headers={"Host": "evil.example"})
    assert rebound.status == 403


def test_an_alarm_is_acknowledged_in_the_name_of_who_is_logged_in(
    puppets: Puppets, guarded: DashboardPlace, look: Look
) -> None:
    puppets.status("dome")
    puppets.alarm("dome", "shutter", state="raised", severity="critical", text="does not close")
    page = look.at(guarded.url)
    expect(page.locator("#alarms li button")).to_be_disabled()
    log_in(page)
    expect(page.locator("#alarms li button")).to_be_enabled()
    expect(page.locator("dialog")).to_be_hidden()
    page.keyboard.press("a")
    expect(page.locator("#alarms li button")).to_be_focused()
    page.keyboard.press("Enter")
    command = puppets.wait_heard("dome", "acknowledge")
    assert command["args"] == {"alarm": "shutter", "by": "vera"}
    assert command["from"] == "dashboard-vera"
    problem = Problem("unknown-message", "never heard of it")
    answer = {"id": command["id"], "error": problem}
    puppets.report("dome", command["from"], "rejected", "acknowledge", **answer)
    expect(page.locator("#alarms li")).to_contain_text("rejected never heard of it")
    puppets.alarm("dome", "shutter", state="acknowledged", severity="critical", by="vera")
    expect(page.locator("#alarms li")).to_contain_text("by vera")
    expect(page.locator("#alarms li")).not_to_contain_text("rejected")


def test_a_token_never_crosses_a_network_in_clear(pyros: Pyros) -> None:
    done = pyros("dashboard", "--host", "0.0.0.0", "--port", "0", PYROS_DASHBOARD_TOKEN=TOKEN)  # noqa: S104
    assert done.code == 2
    assert "in clear" in done.err
    assert TOKEN not in done.err


def test_a_port_that_is_taken_is_said_in_a_sentence(place: DashboardPlace, pyros: Pyros) -> None:
    port = place.url.rstrip("/").rpartition(":")[2]
    done = pyros("dashboard", "--port", port)
    assert done.code == 2
    assert "cannot listen" in done.err
    assert done.is_plain()
