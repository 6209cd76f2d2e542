"""How the page serves people: at night, without colour, by keyboard, on a telephone.

And how it is guarded against what strangers write on the bus.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pyros_mqtt.messages import About, Channel, MessageInfo
from tests.system.dashboard_place import TELEPHONE, DashboardPlace, Look
from tests.system.puppets import Puppets

SLOW = 20_000

MARKUP = (
    '<img src=x onerror="window.caught=1"><script>window.caught=1</script>\'"`${window.caught=1}'
)
STATES = ("starting", "ready", "busy", "degraded", "fault", "stopping", "stopped")


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    expect.set_options(timeout=SLOW)
    yield
    expect.set_options(timeout=5_000)


def strongest(page: Page) -> list[int]:
    """The strongest red, green and blue of what is on the screen."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        return [max(band.tobytes()) for band in picture.convert("RGB").split()]


def test_night_mode_is_red_light_alone_and_is_remembered(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    for i, state in enumerate(STATES):
        puppets.status(f"agent-{i}", state)
    puppets.alarm("dome", "shutter", state="raised", severity="critical", text="open")
    page = look.at(place.url)
    expect(page.locator("#fleet tbody tr")).to_have_count(len(STATES))
    while page.evaluate("document.documentElement.dataset.mode") != "night":
        page.keyboard.press("n")
    page.reload()
    expect(page.locator("#fleet tbody tr")).to_have_count(len(STATES))
    red, green, blue = strongest(page)
    assert red > 200
    assert max(green, blue) <= 8
    page.fill("#filter", "agent")
    puppets.measure("agent-1", "noise", "1.5")
    for key in ("?", "c"):
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open]")
        _, green, blue = strongest(page)
        assert max(green, blue) <= 8


def test_every_state_can_be_told_without_colour(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    for state in STATES:
        puppets.status(f"is-{state}", state)
    page = look.at(place.url)
    expect(page.locator("#fleet tbody tr")).to_have_count(len(STATES))
    shapes = set()
    for state in STATES:
        cell = page.locator(f"#row-is-{state} td.state")
        expect(cell).to_contain_text(state)
        shapes.add(cell.locator(".glyph").inner_text())
    assert len(shapes) == len(STATES)


def test_one_long_name_pushes_nothing_off_the_screen(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    longest = "a" * 63
    puppets.status(longest, "fault", detail="the drive does not answer")
    puppets.status("dome")
    page = look.at(place.url)
    name = page.locator(f"#row-{longest} th")
    expect(name).to_have_attribute("title", longest)
    expect(page.locator("#row-dome td.host")).to_be_in_viewport(ratio=1)
    width = "document.getElementById('fleet').clientWidth"
    right = "document.querySelector('#row-dome td.detail').offsetLeft"
    assert page.evaluate(f"{right} < {width}")
    assert page.evaluate("(cell) => cell.clientWidth", name.element_handle()) < 250


def test_the_keyboard_reaches_everything(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    for name in ("camera", "dome", "telescope"):
        puppets.status(name)
        puppets.about(About(name, description=f"the {name}", messages={"stop": MessageInfo()}))
    page = look.at(place.url)
    expect(page.locator("#row-telescope")).to_contain_text("ready")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#row-dome")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#agent")).to_contain_text("the dome")
    page.keyboard.press("Escape")
    expect(page.locator("#agent")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("tele")
    expect(page.locator("#fleet tbody tr")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#fleet tbody tr")).to_have_count(3)
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("filter the fleet")
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    expect(page.locator("#stream")).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("#stream")).to_contain_text("held")


def test_a_telephone_shows_one_panel_at_a_time_and_never_scrolls_sideways(
    puppets: Puppets, place: DashboardPlace, browser: Browser
) -> None:
    look = Look(browser, TELEPHONE, is_mobile=True, has_touch=True)
    try:
        puppets.status("telescope", "fault", detail="the drive does not answer at all " * 5)
        puppets.about(About("telescope", messages={"park": MessageInfo("Go to rest.")}))
        puppets.alarm("dome", "shutter", state="raised", severity="critical", text="open " * 40)
        puppets.status("alarms", "stopped")
        page = look.at(place.url)
        expect(page.locator("#row-telescope")).to_contain_text("fault")
        for tab in ("alarms", "fleet", "plots", "stream", "sky", "images"):
            page.locator("#tabs button", has_text=tab.capitalize()).tap()
            expect(page.locator(f"#{tab}")).to_be_visible()
            assert page.locator("main .panel:visible").count() == 1
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= TELEPHONE["width"]
        page.locator("#tabs button", has_text="Fleet").tap()
        page.locator("#row-telescope").tap()
        expect(page.locator("#agent")).to_be_visible()
        expect(page.locator("#agent")).to_contain_text("the drive does not answer")
        expect(page.locator("#agent form")).to_be_visible()
        expect(page.locator("#agent form")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
        page.locator("#tabs button", has_text="Alarms").tap()
        expect(page.locator("#agent")).to_be_hidden()
        expect(page.locator("#alarms")).to_be_visible()
        expect(page.locator("#alarms")).to_contain_text("nobody watches: alarms is stopped")
        puppets.status("alarms")
        expect(page.locator("#alarms")).not_to_contain_text("nobody watches")
        assert look.complaints == []
    finally:
        look.close()


def test_what_strangers_write_on_the_bus_is_text_and_nothing_else(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    schema = {
        "type": "object",
        "properties": {MARKUP: {"type": "string", "description": MARKUP, "default": MARKUP}},
    }
    channel = Channel("noise", unit=MARKUP, description=MARKUP, fields=(MARKUP,))
    puppets.status("evil", "fault", detail=MARKUP, host=MARKUP, version=MARKUP)
    puppets.about(
        About(
            "evil",
            description=MARKUP,
            messages={MARKUP: MessageInfo(MARKUP, schema)},
            telemetry={"noise": channel},
        )
    )
    puppets.alarm("evil", "x", state=MARKUP, severity=MARKUP, text=MARKUP, value=MARKUP, by=MARKUP)
    page = look.at(place.url)
    expect(page.locator("#row-evil")).to_contain_text("fault")
    puppets.measure("evil", "noise", {"t": 1, "v": {MARKUP: 1.5, "text": MARKUP}})
    puppets.measure(
        "evil", "noise", {"t": 1, "v": {"ra": 1, "dec": 2, "name": MARKUP, "alt": "<b>"}}
    )
    no_text = b'{"t": 1, "v": "\\ud800"}'
    puppets.say(puppets.topics.telemetry("evil", "surrogate"), no_text)
    image = {"path": "/x.fits", "object": MARKUP}
    command = {"message": MARKUP, "args": {MARKUP: MARKUP}, "from": "mallory", "id": MARKUP[:40]}
    puppets.say(puppets.topics.inbox("evil"), json.dumps(command).encode())
    puppets.report("evil", "mallory", "done", MARKUP, id=MARKUP, result=image)
    puppets.say(puppets.topics.outbox("evil", "mallory"), MARKUP.encode())
    page.locator("#row-evil").click()
    expect(page.locator("#agent")).to_contain_text("<script>window.caught=1</script>")
    for panel in ("alarms", "fleet", "stream", "images", "plots"):
        expect(page.locator(f"#{panel}")).to_contain_text("<img src=x")
    page.keyboard.press("c")
    expect(page.locator("dialog")).to_contain_text("<img src=x")
    assert page.evaluate("window.caught") is None
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("body script").count() == 0


def test_the_policy_keeps_even_injected_markup_from_running(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    puppets.status("dome")
    page = look.at(place.url)
    answer = page.request.get(place.url)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    said = page.evaluate(
        """() => {
            try {
                document.body.innerHTML = "<img src=x onerror='window.caught=1'>";
                return "taken";
            } catch (error) {
                return error.name;
            }
        }"""
    )
    assert said == "TypeError"
    look.complaints.clear()  # the browser has told us that it refused
