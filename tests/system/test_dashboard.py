"""The dashboard in a real browser: what it shows, and that it goes on through every outage."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pyros_mqtt.messages import About, Channel, Progress, Task
from tests.system.dashboard_place import DESKTOP, DashboardPlace, Look
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.puppets import Puppets

SLOW = 20_000
"""Milliseconds; a machine that runs tests has other things to do, too."""


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    expect.set_options(timeout=SLOW)
    yield
    expect.set_options(timeout=5_000)


def row(page: Page, agent: str) -> str:
    return page.locator(f"#row-{agent}").inner_text()


def test_the_first_view_shows_state_task_progress_and_host(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    task = Task("goto", "1", "scheduler", time.time(), Progress(0.4, "12 deg to go"))
    puppets.status("telescope", "busy", task=task)
    puppets.status("dome", "degraded", detail="slow shutter")
    page = look.at(place.url)
    expect(page.locator("#row-telescope")).to_contain_text("busy")
    told = row(page, "telescope")
    assert "▶" in told
    assert "goto" in told
    assert "40 %" in told
    assert "12 deg to go" in told
    assert "t60-pc" in told
    expect(page.locator("#row-dome")).to_contain_text("slow shutter")
    expect(page.locator("#head")).to_contain_text("1 degraded")


def test_changes_are_seen_without_a_reload(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    puppets.status("dome")
    page = look.at(place.url)
    expect(page.locator("#row-dome")).to_contain_text("ready")
    page.evaluate("window.stays = true")
    puppets.status("dome", "fault", detail="the shutter is stuck")
    expect(page.locator("#row-dome")).to_contain_text("the shutter is stuck")
    puppets.status("camera")
    expect(page.locator("#row-camera")).to_contain_text("ready")
    puppets.say(puppets.topics.status("dome"), b"", retain=True)
    expect(page.locator("#row-dome")).to_have_count(0)
    assert page.evaluate("window.stays")


def test_ages_count_by_themselves(puppets: Puppets, place: DashboardPlace, look: Look) -> None:
    puppets.status("dome")
    page = look.at(place.url)
    age = page.locator("#row-dome .age")
    expect(age).to_have_text(re.compile(r"^\d+ s$"))
    before = int(age.inner_text().split()[0])
    expect(age).to_have_text(re.compile(f"^({before + 2}|{before + 3}) s$"))


def test_alarms_are_shown_change_and_go(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    puppets.alarm("weather", "wind", state="raised", severity="warning", text="gusts", value=43.1)
    puppets.alarm("dome", "shutter", state="raised", severity="critical", text="does not close")
    page = look.at(place.url)
    first = page.locator("#alarms li").first
    expect(first).to_contain_text("critical")
    expect(first).to_contain_text("does not close")
    expect(page.locator("#alarms")).to_contain_text("2 to acknowledge")
    assert page.title().startswith("(2!)")
    puppets.alarm("dome", "shutter", state="acknowledged", severity="critical", by="vera")
    expect(page.locator("#alarms")).to_contain_text("by vera")
    puppets.alarm("weather", "wind", state="shelved", until="2031-11-23T00:00:00Z")
    expect(page.locator("#alarms")).to_contain_text("until 2031-11-23 00:00:00")
    puppets.alarm("dome", "shutter")
    puppets.alarm("weather", "wind")
    expect(page.locator("#alarms li")).to_have_count(0)


def test_plots_have_every_form_of_telemetry_with_what_was_before(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    channel = Channel("wind", unit="km/h", description="at the mast")
    puppets.status("weather")
    puppets.about(About("weather", telemetry={"wind": channel}))
    page = look.at(place.url)  # so that the dashboard hears everything
    expect(page.locator("#row-weather")).to_contain_text("ready")
    now = time.time()
    puppets.measure("weather", "wind", "12.5")
    puppets.measure("weather", "mast", {"t": now, "v": {"gust": 20.25, "open": True}})
    times = [now - 60 + i for i in range(60)]
    puppets.measure("weather", "batch", {"t": times, "v": [float(i) for i in range(60)]})
    puppets.measure(
        "weather", "fast", {"t0": now - 1, "dt": 0.01, "v": [i / 8 for i in range(100)]}
    )
    shown = page.locator("#plots figcaption")
    expect(shown.filter(has_text="weather/wind")).to_contain_text("12.50 km/h")
    expect(shown.filter(has_text="weather/mast.gust")).to_contain_text("20.25")
    expect(shown.filter(has_text="weather/batch")).to_contain_text("59")
    expect(shown.filter(has_text="weather/fast")).to_contain_text("12.38")
    puppets.measure("weather", "wind", "13.5")
    expect(shown.filter(has_text="weather/wind")).to_contain_text("13.50 km/h")
    page.reload()  # what was measured before comes from the server
    expect(shown.filter(has_text="weather/batch")).to_contain_text("59")
    expect(shown.filter(has_text="weather/wind")).to_contain_text("13.50")


def test_one_cursor_reads_all_plots(puppets: Puppets, place: DashboardPlace, look: Look) -> None:
    puppets.status("weather")
    page = look.at(place.url)
    expect(page.locator("#row-weather")).to_contain_text("ready")
    now = time.time()
    times = [now - 600 + i for i in range(600)]
    for name, start in (("wind", 1000), ("rain", 5000)):
        values = [start + i for i in range(600)]
        puppets.measure("weather", name, {"t": times, "v": values})
    expect(page.locator("#plots figure")).to_have_count(2)
    latest = page.locator("#plots figcaption b")
    expect(latest.first).to_contain_text("99")
    page.locator("#plots .canvas").first.hover()
    expect(page.locator("#plots .cursor")).to_contain_text("UTC")
    numbers = [float(text.split()[0]) for text in latest.all_inner_texts()]
    assert abs(abs(numbers[0] - numbers[1]) - 4000) < 1e-6
    assert min(numbers) < 1590  # the middle, not the end


def test_commands_and_reports_pass_by_and_can_be_filtered(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    puppets.status("dome")
    page = look.at(place.url)
    expect(page.locator("#row-dome")).to_contain_text("ready")
    inbox = puppets.topics.inbox("dome")
    puppets.say(inbox, b'{"message": "open", "args": {"side": "east"}, "id": "1", "from": "ops"}')
    puppets.report("dome", "ops", "accepted", "open", id="1")
    puppets.report("dome", "ops", "done", "open", id="1", result="east side is open")
    puppets.report("camera", "ops", "failed", "expose")
    lines = page.locator("#stream tbody tr")
    expect(lines).to_have_count(3)
    expect(lines.last).to_contain_text("side=east")
    expect(lines.nth(1)).to_contain_text("east side is open")
    page.click("#stream button:has-text('problems')")
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text("failed")
    page.click("#stream button:has-text('all')")
    page.fill("#stream-filter", "camera")
    expect(lines).to_have_count(1)


def test_a_broker_outage_is_told_plainly_and_recovered_from(
    tmp_path: Path, topic_root: str, look: Look
) -> None:
    with (
        OwnMosquitto(tmp_path) as broker,
        DashboardPlace(tmp_path, broker.url, topic_root) as place,
        Puppets(broker.url, topic_root) as puppets,
    ):
        puppets.status("dome")
        page = look.at(place.url)
        expect(page.locator("#row-dome")).to_contain_text("ready")
        expect(page.locator("#banner")).to_be_empty()
        page.evaluate("window.stays = true")
        broker.kill()
        expect(page.locator("#banner")).to_contain_text("had no broker for")
        expect(page.locator("#row-dome")).to_contain_text("unknown")
        broker.start()
        puppets.wait_up()
        puppets.status("dome", "degraded", detail="after the outage")
        expect(page.locator("#row-dome")).to_contain_text("after the outage")
        expect(page.locator("#banner")).to_be_empty()
        assert page.evaluate("window.stays")


def test_a_restart_of_the_dashboard_is_recovered_from_without_a_reload(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    puppets.status("dome")
    page = look.at(place.url)
    expect(page.locator("#row-dome")).to_contain_text("ready")
    page.evaluate("window.stays = true")
    place.kill()
    expect(page.locator("#banner")).to_contain_text("Not connected to the dashboard")
    expect(page.locator("#banner")).to_contain_text(re.compile(r"what you see is [2-9] s old"))
    expect(page.locator("#row-dome")).to_be_visible()  # old, and said to be
    puppets.status("dome", "fault", detail="meanwhile")
    place.start()
    expect(page.locator("#row-dome")).to_contain_text("meanwhile")
    expect(page.locator("#banner")).to_be_empty()
    assert page.evaluate("window.stays")


def test_a_network_that_goes_mute_is_told(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    puppets.status("dome")
    page = look.at(place.url)
    expect(page.locator("#row-dome")).to_contain_text("ready")
    place.pause()  # a half-open connection: nobody says that it is gone
    expect(page.locator("#banner")).to_contain_text("old")
    place.resume()
    expect(page.locator("#banner")).to_be_empty()


def test_it_ends_in_peace_and_waits_for_a_broker_that_is_not_there_yet(
    tmp_path: Path, topic_root: str, look: Look
) -> None:
    broker = OwnMosquitto(tmp_path)
    with DashboardPlace(tmp_path, broker.url, topic_root) as place:
        page = look.at(place.url)
        expect(page.locator("#banner")).to_contain_text("had no broker")
        with broker, Puppets(broker.url, topic_root) as puppets:
            puppets.status("dome")
            expect(page.locator("#row-dome")).to_contain_text("ready")
            assert place.end() == 0


def test_its_page_loads_nothing_from_anywhere_else(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    asked: list[str] = []
    look.page.on("request", lambda request: asked.append(request.url))
    look.page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:")))
    puppets.status("dome")
    page = look.at(place.url)
    expect(page.locator("#row-dome")).to_contain_text("ready")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(place.url)] == []


def test_the_sky_has_sun_moon_target_and_telescope_where_erfa_has_them(
    puppets: Puppets, tmp_path: Path, look: Look
) -> None:
    from pyros_agents.astronomy.ephemeris import horizontal, separation, sun
    from pyros_agents.astronomy.moon import moon
    from pyros_agents.astronomy.sky import Site

    site = Site(-21.1992, 55.4108)
    (tmp_path / "pyros.toml").write_text(
        "[observatory.site]\nlatitude = -21.1992\nlongitude = 55.4108\nname = 'Les Makes'\n"
    )
    url = puppets.url
    with DashboardPlace(tmp_path, url, puppets.topics.root) as place:
        page = look.at(place.url)
        for when in (1_346_977_200.0, 1_781_000_000.0, 1_795_400_000.0):
            told = page.evaluate(
                """async ([when, site]) => {
                    const { sunAt, moonAt, targetAt } = await import("/page/astro.js");
                    const star = targetAt({ ra: 83.633, dec: 22.014 }, when, site);
                    return [sunAt(when, site), moonAt(when, site), star];
                }""",
                [when, {"latitude": site.latitude, "longitude": site.longitude}],
            )
            right = [
                horizontal(*sun(when), when, site),
                horizontal(*moon(when), when, site),
                horizontal(83.633, 22.014, when, site),
            ]
            limits = (
                0.05,
                1.6,
                0.05,
            )  # the Moon's parallax is up to a degree, which ours takes off
            for one, other, limit in zip(told, right, limits, strict=True):
                away = separation((one["az"], one["alt"]), (other.azimuth, other.altitude))
                assert away < limit
        puppets.status("telescope")
        puppets.measure(
            "telescope", "pointing", {"t": time.time(), "v": {"alt": 61.5, "az": 123.0}}
        )
        expect(page.locator("#sky tr.scope")).to_contain_text("61.5°")
        goto = b'{"message": "expose", "args": {"object": "M 1", "ra": 83.633, "dec": 22.014}}'
        puppets.say(puppets.topics.inbox("camera"), goto)
        expect(page.locator("#sky tr.target")).to_contain_text("M 1")
        expect(page.locator("#sky tr.sun")).to_contain_text("Sun")


def test_two_browsers_at_once_see_the_same(
    puppets: Puppets, place: DashboardPlace, look: Look
) -> None:
    browser = look.context.browser
    assert browser is not None
    other = Look(browser, DESKTOP)
    try:
        puppets.status("dome")
        pages = [look.at(place.url), other.at(place.url)]
        for page in pages:
            expect(page.locator("#row-dome")).to_contain_text("ready")
        puppets.status("dome", "stopping")
        for page in pages:
            expect(page.locator("#row-dome")).to_contain_text("stopping")
    finally:
        other.close()
