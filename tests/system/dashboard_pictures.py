"""Takes the pictures of the dashboard for the README and the how-to: real agents, a real browser.

`python -m tests.system.dashboard_pictures` writes them into docs/pictures.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from pyros_agents.demo.observatory import notice_path
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import Settings
from tests.system.busy_fleet import BusyFleet
from tests.system.dashboard_night import night, observatory, raise_alarms
from tests.system.dashboard_place import (
    DESKTOP,
    TELEPHONE,
    TOKEN,
    DashboardPlace,
    Look,
    chromium,
)
from tests.system.own_mosquitto import OwnMosquitto

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

LOADED = """() => Promise.race([
    Promise.all([...document.images].map((one) => one.decode().catch(() => 0))),
    new Promise((done) => setTimeout(done, 5000)),  // hidden ones are never loaded
])"""

COLOURS = 256


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=240.0, help="of the night beforehand")
    parser.add_argument("--to", type=Path, default=PICTURES)
    given = parser.parse_args()
    given.to.mkdir(exist_ok=True)
    with chromium() as browser:
        _small_observatory(browser, given.to, given.seconds)
        _many_agents(browser, given.to)


def _small_observatory(browser: Browser, to: Path, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name, OwnMosquitto(Path(name)) as broker:
        folder = Path(name)
        settings = night(folder, broker.url, "t60")
        variables = {"PYROS_STATE_DIR": str(folder / "dashboard"), "PYROS_DASHBOARD_TOKEN": TOKEN}
        with (
            DashboardPlace(folder, broker.url, "t60", **variables) as place,
            observatory(settings) as sender,
        ):
            time.sleep(seconds * 0.6)
            sender.send_to("alert_manager", "notice", path=str(notice_path()))
            time.sleep(seconds * 0.4)
            raise_alarms(Brokers(Settings(brokers=(broker.url,))), "t60")
            look = Look(browser, DESKTOP)
            page = look.at(place.url)
            _log_in(page)
            page.keyboard.press("-")  # five minutes
            _mode(page, "dusk")
            _take(page, to / "dashboard.png")
            page.locator("#row-telescope").click()
            _take(page, to / "dashboard-agent.png")
            page.keyboard.press("Escape")
            _mode(page, "night")
            _take(page, to / "dashboard-night.png")
            _mode(page, "day")
            page.locator("#plots .canvas").nth(2).hover(position={"x": 240, "y": 60})
            _take(page, to / "dashboard-day.png")
            _telephone(browser, place, to)
            _mode(page, "dusk")
            broker.kill()
            page.wait_for_selector("#banner .alert")
            time.sleep(5)
            _take(page, to / "dashboard-outage.png")
            broker.start()
            look.close()


def _telephone(browser: Browser, place: DashboardPlace, to: Path) -> None:
    look = Look(browser, TELEPHONE, is_mobile=True, has_touch=True, device_scale_factor=1.5)
    page = look.at(place.url)
    _mode(page, "dusk")
    pictures = []
    for tab in ("Fleet", "Plots", "Sky"):
        page.locator("#tabs button", has_text=tab).tap()
        pictures.append(_settled(page))
    width, height = pictures[0].size
    strip = Image.new("RGB", (3 * width + 40, height), (110, 116, 122))
    for i, picture in enumerate(pictures):
        strip.paste(picture, (i * (width + 20), 0))
    _save(strip, to / "dashboard-telephone.png")
    look.close()


def _many_agents(browser: Browser, to: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        OwnMosquitto(Path(name)) as broker,
        DashboardPlace(Path(name), broker.url, "fleet", PYROS_STATE_DIR=name) as place,
        BusyFleet(broker.url, "fleet"),
    ):
        time.sleep(60)
        look = Look(browser, DESKTOP)
        page = look.at(place.url)
        page.wait_for_selector("#plots figure")
        page.keyboard.press("-")
        _take(page, to / "dashboard-200-agents.png")
        look.close()


def _log_in(page: Page) -> None:
    page.wait_for_selector("#fleet tbody tr")
    page.keyboard.press("l")
    page.fill("dialog input[name=name]", "vera")
    page.fill("dialog input[name=token]", TOKEN)
    page.click("dialog button[type=submit]")
    page.wait_for_selector("#head button.who:has-text('vera')")
    page.wait_for_selector("dialog", state="hidden")


def _mode(page: Page, mode: str) -> None:
    for _ in range(3):
        if page.evaluate("document.documentElement.dataset.mode") != mode:
            page.keyboard.press("n")


def _take(page: Page, path: Path) -> None:
    _save(_settled(page), path)


def _settled(page: Page) -> Image.Image:
    time.sleep(2.5)
    page.evaluate(LOADED)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _save(picture: Image.Image, path: Path) -> None:
    small = picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(path, "PNG", optimize=True)
    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1024} kB\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
