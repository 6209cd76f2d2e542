"""People log in at a real dashboard, in a real browser, with the keyboard and with no script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pyros_mqtt.access.people import Account, hashed, people_path, write_people
from pyros_mqtt.settings import BrokerUrl
from tests.system.dashboard_place import DESKTOP, DashboardPlace, Look

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def test_people_log_in_command_and_are_hung_up_on(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path, browser: Browser, barebones: str
) -> None:
    people = people_path(tmp_path)
    secret = hashed(PASSWORD)
    vera = {"vera": Account(role="operator", password=secret)}
    write_people(people, vera | {"ada": Account(role="viewer", password=secret)})
    state = {"PYROS_STATE_DIR": str(tmp_path)}
    with DashboardPlace(tmp_path, mosquitto_url, topic_root, **state) as place:
        look = Look(browser, DESKTOP)
        page = look.page
        page.goto(place.url)
        expect(page).to_have_url(f"{place.url}login")
        expect(page.locator("input[name=name]")).to_be_focused()
        page.keyboard.type("vera")
        page.keyboard.press("Tab")
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("name or the password is wrong")
        look.complaints.clear()  # the browser notes the refusal
        expect(page.locator("input[name=password]")).to_be_focused()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#head .who")).to_contain_text("vera")
        page.locator(f"#row-{barebones}").click()
        form = page.locator("#agent form", has_text="send hello")
        form.locator("input[name=name]").fill("Vera")
        form.locator("button[type=submit]").click()
        expect(form.locator("output")).to_contain_text("done")
        expect(page.locator("#stream")).to_contain_text("dashboard (vera)")
        assert place.process is not None
        place.process.until("vera sends 'hello'")
        page.click("#head .who")
        expect(page).to_have_url(f"{place.url}login")
        assert look.complaints == []
        look.close()

        plain = Look(browser, DESKTOP, java_script_enabled=False)
        plain.page.goto(f"{place.url}login")
        plain.page.fill("input[name=name]", "ada")
        plain.page.fill("input[name=password]", PASSWORD)
        plain.page.keyboard.press("Enter")
        expect(plain.page).to_have_url(place.url)
        watching = plain.context.cookies()
        plain.close()

        viewer = Look(browser, DESKTOP)
        viewer.context.add_cookies(watching)  # type: ignore[arg-type]
        page = viewer.at(place.url)
        expect(page.locator(f"#row-{barebones}")).to_contain_text("ready")
        page.locator(f"#row-{barebones}").click()
        expect(page.locator("#agent")).to_contain_text("Your role only looks")
        write_people(people, vera)
        expect(page).to_have_url(f"{place.url}login")
        viewer.close()
