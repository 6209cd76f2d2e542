"""People who log in at the dashboard: passwords, sessions, roles, proxies."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.access.people import Account, is_right, people_path, read_people, write_people
from pyros_mqtt.dashboard import server
from pyros_mqtt.dashboard.accounts import IDLE, LONGEST, Accounts
from pyros_mqtt.dashboard.app import application
from pyros_mqtt.dashboard.attempts import FREE, Attempts, TooMany
from pyros_mqtt.dashboard.authority import ReadOnly, SharedToken
from pyros_mqtt.dashboard.watch import Watch
from pyros_mqtt.errors import AccessError, SettingsError
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.settings import Settings
from tests.unit.asgi import Browser

PASSWORD = "correct horse"
# of this password, with parameters that cost nothing: argon2 reads them from the hash
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$x59UGLuAwBDnzRfVUBQJ7zA6GJrOY5gZkOVPda70TuA"
ACCESS = """
[roles.student]
views = true
commands = { dome = ["open"] }
[roles.robot]
commands = { dome = ["open"] }
"""
PEOPLE = {
    "vera": Account(role="operator", password=HASH),
    "ada": Account(role="viewer", password=HASH),
    "sam": Account(role="student", password=HASH),
    "r2": Account(role="robot", password=HASH),
    "grace": Account(role="operator"),
}


class Said:
    """Takes orders, and keeps them."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, ...]] = []

    def give(self, *order: Any, **more: Any) -> str:
        del more
        self.given.append(order)
        return "id-1"


class House:
    """A dashboard without a server."""

    def __init__(self, folder: Path, **values: Any) -> None:
        (folder / "access.toml").write_text(ACCESS)
        self.file = people_path(folder)
        write_people(self.file, PEOPLE)
        settings = Settings(state_dir=folder, access_file=folder / "access.toml", **values)
        self.accounts = Accounts(self.file, settings.access_file)
        self.said = Said()
        watch = Watch(Loopback(), settings, None)
        self.app = application(watch, self.said, self.accounts, settings)  # type: ignore[arg-type]

    def browser(self, name: str = "", **more: Any) -> Browser:
        browser = Browser(self.app, **more)
        if name:
            answer = browser.post_form("/login", {"name": name, "password": PASSWORD})
            assert (answer.status, answer.headers["location"]) == (303, "./")
        return browser

    def change(self, people: dict[str, Account]) -> None:
        write_people(self.file, people)
        os.utime(self.file, (len(people), len(people)))
        self.accounts._next_look = 0.0

    def order(self, browser: Browser, agent: str, message: str) -> int:
        csrf = browser.get("/api/me").json["csrf"]
        body = {"agent": agent, "message": message}
        return browser.post("/api/command", body, x_csrf_token=csrf).status


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_nobody_sees_anything_who_has_not_logged_in(house: House) -> None:
    browser = house.browser()
    assert browser.get("/").headers["location"] == "login"
    for path in ("/api/me", "/api/series", "/api/about/dome"):
        assert browser.get(path).status == 401
    assert [one["type"] for one in browser.listen()] == ["websocket.accept", "websocket.close"]
    assert browser.get("/page/style.css").status == 200


def test_the_login_page_is_a_form_that_needs_no_script(house: House) -> None:
    page = house.browser().get("/login")
    assert page.status == 200
    assert '<form method="post" action="login">' in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "script-src 'self'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert "form-action 'none'" in house.browser().get("/").headers["content-security-policy"]


def test_who_knows_her_password_is_let_in_and_may_leave(house: House) -> None:
    browser = house.browser("vera")
    assert "HttpOnly" in browser.set_cookie
    assert "SameSite=strict" in browser.set_cookie
    assert "Secure" not in browser.set_cookie
    me = browser.get("/api/me").json
    assert (me["name"], me["asks_for"]) == ("vera", "password")
    assert browser.get("/").status == 200
    assert browser.get("/login").status == 303
    kept = dict(browser.cookies)
    assert browser.post("/api/logout", {}, x_csrf_token=me["csrf"]).status == 200
    assert not browser.cookies
    browser.cookies = kept
    assert browser.get("/api/me").status == 401


def test_a_browser_that_came_by_https_keeps_its_cookie_to_that(house: House) -> None:
    browser = house.browser(headers={"x-forwarded-proto": "https"})
    browser.post_form("/login", {"name": "vera", "password": PASSWORD})
    assert "Secure" in browser.set_cookie


def test_a_wrong_name_or_password_is_told_in_words_and_shown_again(house: House) -> None:
    browser = house.browser()
    for name in ('"><b>vera', "nobody", "vera", "grace"):
        answer = browser.post_form("/login", {"name": name, "password": "wrong"})
        assert answer.status in {403, 429}
        assert 'role="alert"' in answer.text
        assert "<b>" not in answer.text
    assert not browser.cookies


def test_another_form_logs_nobody_in(house: House) -> None:
    fields = {f"field-{number}": "1" for number in range(20)}
    assert house.browser().post_form("/login", fields).status == 403


def test_guessing_costs_more_time_with_each_attempt(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    browser = house.browser(address="127.0.0.9")
    for _ in range(FREE + 1):
        assert browser.post_form("/login", {"name": "ada", "password": "guess!"}).status == 403
    answer = browser.post_form("/login", {"name": "ada", "password": PASSWORD})
    assert answer.status == 429
    assert "too many attempts; try again in 1 s" in answer.text
    assert answer.headers["retry-after"] == "1"
    assert "guess!" not in caplog.text


def test_a_form_of_another_page_logs_nobody_in(house: House) -> None:
    form = {"name": "vera", "password": PASSWORD}
    for origin in ("https://evil.example", "null"):
        assert house.browser().post_form("/login", form, origin=origin).status == 403


def test_roles_say_who_may_do_what(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    vera, ada, sam = (house.browser(name) for name in ("vera", "ada", "sam"))
    assert house.order(vera, "dome", "close") == 202
    assert house.order(ada, "dome", "close") == 403
    assert house.order(sam, "dome", "open") == 202
    assert house.order(sam, "dome", "close") == 403
    assert house.order(sam, "camera", "open") == 403
    assert [one[:3] for one in house.said.given] == [
        ("vera", "dome", "close"), ("sam", "dome", "open"),
    ]  # fmt: skip
    assert ada.get("/api/me").json["asks_for"] == ""
    assert house.browser("r2").get("/api/me").status == 403
    assert "vera sends 'close' to dome, as id-1" in caplog.text
    assert "sam may not send 'close' to 'dome'" in caplog.text


def test_an_order_needs_the_secret_of_the_form(house: House) -> None:
    browser = house.browser("vera")
    body = {"agent": "dome", "message": "open"}
    assert browser.post("/api/command", body).status == 403
    assert browser.post("/api/command", body, x_csrf_token="guess").status == 403
    assert house.said.given == []


def test_a_role_that_changes_counts_at_once_and_who_is_taken_out_is_logged_out(
    house: House,
) -> None:
    vera, ada = house.browser("vera"), house.browser("ada")
    house.change({"vera": Account(role="viewer", password=HASH)})
    assert house.order(vera, "dome", "close") == 403
    assert ada.get("/api/me").status == 401
    house.change({**PEOPLE, "vera": Account(role="operator", password=HASH[:-2] + "BQ")})
    assert vera.get("/api/me").status == 401


def test_roles_are_those_of_the_access_folder_where_no_file_is_named(tmp_path: Path) -> None:
    write_people(people_path(tmp_path), {"sam": Account(role="student", password=HASH)})
    for folder, settings in (
        (tmp_path / "access", Settings(state_dir=tmp_path)),
        (tmp_path / "own", Settings(state_dir=tmp_path, access_folder=tmp_path / "own")),
    ):
        with pytest.raises(AccessError, match="student"):
            server._authority(settings)
        folder.mkdir()
        (folder / "access.toml").write_text(ACCESS)
        assert isinstance(server._authority(settings), Accounts)
        shutil.rmtree(folder)


def test_a_broken_file_keeps_the_last_good_one(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    vera = house.browser("vera")
    house.file.write_text('[people.vera]\nrole = "emperor"\n')
    house.accounts._next_look = 0.0
    assert vera.get("/api/me").status == 200
    assert "there is no such role; known are" in caplog.text


@pytest.mark.parametrize("seconds", [IDLE + 1, LONGEST + 1])
def test_a_session_ends_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    browser = house.browser("vera")
    now = time.monotonic()
    step = IDLE - 1 if seconds > IDLE + 1 else seconds
    while step < seconds:  # it is used all the time
        monkeypatch.setattr(time, "monotonic", lambda step=step: now + step)
        assert browser.get("/api/me").status == 200
        step += IDLE - 1
    monkeypatch.setattr(time, "monotonic", lambda: now + seconds)
    assert browser.get("/api/me").status == 401


def test_a_live_page_is_hung_up_on_when_its_session_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.dashboard.live.CHECK", 0.02)
    browser = house.browser("ada")
    end = threading.Timer(0.1, lambda: house.change({"vera": PEOPLE["vera"]}))
    end.start()
    sent = browser.listen()
    end.join()
    assert sent[0]["type"] == "websocket.accept"
    assert sent[-1]["type"] == "websocket.close"
    assert sent[-1]["code"] == 4401


# -- a proxy --------------------------------------------------------------------------------------

BEHIND = {"dashboard_person_header": "X-Remote-User", "dashboard_proxies": "10.0.0.1"}


def test_a_proxy_says_who_it_has_let_in(tmp_path: Path) -> None:
    house = House(tmp_path, **BEHIND)
    grace = house.browser(address="10.0.0.1", headers={"x-remote-user": "grace"})
    assert house.order(grace, "dome", "close") == 202
    assert grace.get("/api/me").json["name"] == "grace"
    stranger = house.browser(address="10.0.0.1", headers={"x-remote-user": "mallory"})
    assert stranger.get("/api/me").status == 401


def test_nobody_else_says_so(tmp_path: Path) -> None:
    house = House(tmp_path, **BEHIND)
    liar = {"x-remote-user": "grace", "x-forwarded-for": "10.0.0.1"}
    assert house.browser(address="127.0.0.1", headers=liar).get("/api/me").status == 401
    answer = house.browser(address="10.0.0.2", headers=liar).get("/api/me")
    assert (answer.status, "dashboard_proxies" in answer.text) == (403, True)


def test_attempts_through_a_proxy_count_by_who_stands_behind_it(tmp_path: Path) -> None:
    house = House(tmp_path, **BEHIND)
    form = {"name": "vera", "password": "wrong"}
    for _ in range(FREE + 1):
        mallory = house.browser(address="10.0.0.1", headers={"x-forwarded-for": "1.1.1.1"})
        mallory.post_form("/login", form)
    assert mallory.post_form("/login", {**form, "name": "ada"}).status == 429
    ada = house.browser(address="10.0.0.1", headers={"x-forwarded-for": "6.6.6.6, 2.2.2.2"})
    assert ada.post_form("/login", {"name": "ada", "password": PASSWORD}).status == 303


def test_settings_that_would_let_strangers_in_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs dashboard_proxies"):
        Settings(dashboard_person_header="X-Remote-User")
    write_people(people_path(tmp_path), PEOPLE | {"sam": Account(role="viewer")})
    everywhere = Settings(state_dir=tmp_path, dashboard_host="0.0.0.0")  # noqa: S104
    with pytest.raises(SettingsError, match="in clear"):
        server._authority(everywhere)


def test_a_file_that_names_nobody_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_people(people_path(tmp_path), {})
    settings = Settings(state_dir=tmp_path, dashboard_token="x" * 12)
    assert isinstance(server._authority(settings), Accounts)
    assert "names nobody, so nobody can log in" in caplog.text


def test_without_people_it_stays_as_it_was(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    assert isinstance(server._authority(settings), ReadOnly)
    with_token = Settings(state_dir=tmp_path, dashboard_token="x" * 12)
    assert isinstance(server._authority(with_token), SharedToken)
    watch = Watch(Loopback(), settings, None)
    browser = Browser(application(watch, None, ReadOnly(), settings), address="10.9.9.9")
    assert browser.get("/").status == 200
    assert browser.get("/login").status == 404
    assert browser.get("/api/me").json == {"asks_for": "", "name": "", "csrf": ""}


# -- attempts and the file ------------------------------------------------------------------------


def test_delays_grow_to_a_bound_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    attempts, waited = Attempts(), []
    for _ in range(40):
        try:
            attempts.begin("vera", "1.1.1.1")
        except TooMany as error:
            waited.append(error.seconds)
            now[0] += error.seconds
    assert waited[:4] == [1, 2, 4, 8]
    assert waited[-1] == 900
    now[0] += 3600 + 1
    attempts.begin("vera", "1.1.1.1")


def test_nobody_is_shut_out_by_what_others_try_in_her_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    attempts = Attempts()
    attempts.begin("vera", "10.0.0.5")
    attempts.succeeded("vera", "10.0.0.5")
    for number in range(FREE + 1):
        attempts.begin("vera", f"2001:db8:{number}::1")
    with pytest.raises(TooMany):
        attempts.begin("vera", "10.0.0.6")
    attempts.begin("vera", "10.0.0.5")
    for number in range(FREE + 1):
        attempts.begin(f"guess-{number}", "2001:db8:7::1")
    with pytest.raises(TooMany):
        attempts.begin("ada", "2001:db8:7::2")


def test_the_file_is_its_users_alone_and_holds_hashes_only(tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    write_people(file, PEOPLE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_people(file) == PEOPLE
    assert list(tmp_path.iterdir()) == [file]
    file.write_text('[people.vera]\nrole = "viewer"\npassword = "secret in clear"\n')
    with pytest.raises(AccessError, match="must be a hash by argon2") as caught:
        read_people(file)
    assert "secret in clear" not in str(caught.value)
    assert read_people(tmp_path / "none.toml") == {}


def test_a_password_is_known_by_its_hash_alone() -> None:
    assert is_right(PASSWORD, HASH)
    assert not is_right("wrong", HASH)
    assert not is_right("", "$argon2id$nonsense")


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are not there cost as much time as the others do here."""
    monkeypatch.setattr("pyros_mqtt.access.people._NOBODYS", [HASH])
